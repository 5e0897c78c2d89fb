"""The numbers that people write to, as an operator sees and changes them: what `jawab channel …` does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot import registry
from bot.channels import Channel
from cases.calendar import PROVINCE
from store import audit, channels
from store.channels import Listed
from store.jawab import Jawab


class Refused(Exception):
    """Why a command is not carried out, in one line."""


async def add(
    jawab: Jawab,
    *,
    kind: str,
    provider: str,
    address: str,
    district_id: str,
    name: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Give a number to a district; with a `name`, an account of its own. Raises `Refused` or `channels.NotAdded`.

    Returns {"id", "district", "kind", "provider", "address", "name", "hook", "state", "untold", "steps"}; `hook` is for
    the provider, who is told of it where that is possible: `untold` says why not. `steps` are left to do by hand.
    """
    channel = registry.PROVIDERS.get(provider)
    if channel is None or kind not in channel.kinds or not channel.methods:
        raise Refused(f"nobody here carries {kind} by {provider}")
    if not re.fullmatch(channel.ours, address.removeprefix("whatsapp:")):
        raise Refused(f"{address} is no number of ours that {provider} could carry")
    if name is not None and (name == "status" or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name)):
        raise Refused("a name is a to z, 0 to 9 and -, and not `status`")
    async with jawab.db.transaction("console") as tx:
        added = await channels.add(
            tx,
            jawab.keys,
            kind=kind,
            provider=provider,
            address=address.removeprefix("whatsapp:"),
            district_id=district_id,
            name=name,
            settings=settings,
        )
        await audit.write(tx, "operator", "channel.add", str(added))
        (row,) = [row for row in await channels.listed(tx) if row.channel_id == added]
    shown = {"id": str(added), **_shown(jawab, row), "hook": registry.door_of(jawab.settings, row.channel)}
    if settings is None or shown["state"] != "ready":
        return {**shown, "untold": "", "steps": []}
    one = _open(jawab, row)
    try:
        return {**shown, "untold": await one.connect(), "steps": list(one.steps())}
    finally:
        await one.close()


async def list_all(jawab: Jawab) -> list[dict[str, Any]]:
    """{"district", "kind", "provider", "address", "name", "state", "contacts", "heard"} of each number of ours."""
    async with jawab.db.autocommit("console") as conn:
        return [_shown(jawab, row) for row in await channels.listed(conn)]


def shorten(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `list_all` for people: numbers, which are asked for again, are not cut; times are the province's."""
    heard = row["heard"]
    return {
        "number": row["address"],
        "name": row["name"],
        "district": row["district"],
        "kind": f"{row['kind']} ({row['provider']})" if row["kind"] != row["provider"] else row["kind"],
        "state": row["state"],
        "heard": datetime.fromisoformat(heard).astimezone(ZoneInfo(PROVINCE)).strftime("%d.%m. %H:%M")
        if heard
        else None,
    }


async def probe(jawab: Jawab, which: str, *, connect: bool = False) -> list[dict[str, Any]]:
    """Try the account of each number of this name or address: {"channel", "provider", "well", "why"}.

    With `connect` its provider is first told again where our web hook is.
    """
    async with jawab.db.autocommit("console") as conn:
        rows = await channels.listed(conn, which)
    if not rows:
        raise Refused(f"no number or name {which}: see `jawab channel list`")
    found = []
    for row in rows:
        why = _state(jawab, row)
        if why == "ready":
            channel = _open(jawab, row)
            try:
                why = (await channel.connect() if connect else "") or await channel.probe()
            finally:
                await channel.close()
        found.append({"channel": _called(row), "provider": row.provider, "well": not why, "why": why})
    return found


async def remove(jawab: Jawab, which: str, *, retire: bool) -> str:
    """Take a number away, or switch it off where people have written to it. Returns what was done. Raises `Refused`."""
    async with jawab.db.transaction("console") as tx:
        rows = await channels.listed(tx, which)
        if len(rows) != 1:
            raise Refused(
                f"no number or name {which}: see `jawab channel list`" if not rows else f"{which} is two: say its name"
            )
        (row,) = rows
        if retire:
            await channels.retire(tx, row.channel_id)
        elif hanging := await channels.remove(tx, row.channel_id):
            raise Refused(
                f"{hanging} contacts have written to {_called(row)}: what was said stays, --retire switches it off"
            )
        await audit.write(tx, "operator", f"channel.{'retire' if retire else 'remove'}", str(row.channel_id))
    return f"{_called(row)} is {'switched off; its history stays' if retire else 'removed'}"


async def find_wrong(jawab: Jawab) -> list[dict[str, Any]]:
    """For the doctor: each number whose settings cannot be used."""
    async with jawab.db.autocommit("console") as conn:
        rows = await channels.listed(conn)
    faults = [(row, _state(jawab, row)) for row in rows if row.config_box is not None]
    return [
        {"kind": f"channel {_called(row)}: {fault}", "times": 1, "last": None}
        for row, fault in faults
        if fault not in {"ready", "retired"} and not fault.startswith("paused")
    ]


def _open(jawab: Jawab, row: Listed) -> Channel:
    return registry.make(jawab.settings, row.channel, registry.values_of(jawab.settings, jawab.keys, row.channel))


def _shown(jawab: Jawab, row: Listed) -> dict[str, Any]:
    return {
        "district": row.district_id,
        "kind": row.kind,
        "provider": row.provider,
        "address": row.sender,
        "name": row.channel_name,
        "state": _state(jawab, row),
        "contacts": row.contacts,
        "heard": row.heard_at.isoformat() if row.heard_at else None,
    }


def _state(jawab: Jawab, row: Listed) -> str:
    """ready, retired, paused until …, or what is wrong with its settings."""
    if row.retired:
        return "retired"
    try:
        registry.values_of(jawab.settings, jawab.keys, row.channel)
    except registry.Unusable as unusable:
        return str(unusable)
    if row.away_since is not None:
        return f"away since {row.away_since:%Y-%m-%d %H:%M %Z}: nobody answers at the provider"
    return f"paused until {row.paused_until:%Y-%m-%d %H:%M %Z}" if row.paused_until else "ready"


def _called(row: Listed) -> str:
    return row.channel_name or row.sender
