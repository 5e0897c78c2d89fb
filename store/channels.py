"""The channels table: our numbers and bots, who carries each, and the sealed settings it is carried with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one


@dataclass(frozen=True, slots=True)
class Row:
    """One number of ours."""

    id: UUID
    kind: str
    provider: str
    address: str
    district_id: str
    name: str | None = None  # of its own door
    config_box: bytes | None = None  # its own sealed settings; None: those of the environment
    fault: str | None = None  # why they cannot be used, as told already
    retired: bool = False


# Beside the columns of another table, for a row that carries its channel with it: see `Carried`.
CARRIED: LiteralString = """h.id AS channel_id, h.kind, h.provider, h.address AS sender, h.district_id,
    h.name AS channel_name, h.config_box, h.fault, h.retired_at IS NOT NULL AS retired"""


@dataclass(slots=True)
class Carried:
    """What a row of another table knows of its channel."""

    channel_id: UUID
    kind: str
    provider: str
    sender: str
    district_id: str
    channel_name: str | None
    config_box: bytes | None
    fault: str | None
    retired: bool

    @property
    def channel(self) -> Row:
        return Row(
            self.channel_id,
            self.kind,
            self.provider,
            self.sender,
            self.district_id,
            self.channel_name,
            self.config_box,
            self.fault,
            self.retired,
        )


@dataclass(slots=True)
class Listed(Carried):
    """One number with what an operator wants to know of it."""

    paused_until: datetime | None  # None also where it is over
    away_since: datetime | None  # since when nobody answers at the provider
    heard_at: datetime | None
    contacts: int


_EVERY: LiteralString = """
SELECT id, kind, provider, address, district_id, name, config_box, fault, retired_at IS NOT NULL AS retired
FROM channels ORDER BY district_id, kind, address"""
_LISTED: LiteralString = """
SELECT {carried}, CASE WHEN h.paused_until > now() THEN h.paused_until END AS paused_until,
    h.away_since, h.heard_at,
    (SELECT count(*) FROM contacts c WHERE c.channel_id = h.id) AS contacts
FROM channels h WHERE %(which)s::text IS NULL OR %(which)s IN (h.name, h.address)
ORDER BY h.district_id, h.kind, h.address""".replace("{carried}", CARRIED)


class NotAdded(Exception):
    """Why a number was not added; `reason` is one of district_unserved, channel_taken, name_taken."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def bound_to(channel_id: UUID) -> str:
    """Where the settings are bound to; see store.crypto."""
    return f"channels|config_box|{channel_id}"


def open_settings(keys: Keys, row: Row) -> dict[str, str]:
    """A row's own settings by name. Raises crypto.Unopened, or ValueError where they are not what was put in."""
    kept = keys.get_json(row.config_box or b"", bound_to(row.id))
    if not isinstance(kept, dict) or not all(isinstance(value, str) for value in kept.values()):
        raise ValueError("settings are names and texts")
    return kept


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def everything(conn: Conn) -> list[Row]:
    """Every number, the retired ones too: there are some dozens."""
    return await fetch_all(conn, _EVERY, of=Row)


async def listed(conn: Conn, which: str | None = None) -> list[Listed]:
    """Every number, or those with this name or address."""
    return await fetch_all(conn, _LISTED, {"which": which}, of=Listed)


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def add(
    tx: Tx,
    keys: Keys,
    *,
    kind: str,
    provider: str,
    address: str,
    district_id: str,
    name: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> UUID:
    """Give a number (or bot) to a district; a retired one comes back. With a `name` it gets these settings too.

    Raises `NotAdded`.
    """
    there = await fetch_one(
        tx,
        "INSERT INTO channels (kind, provider, address, district_id) SELECT %(kind)s, %(provider)s, %(address)s, id"
        " FROM districts WHERE id = %(district)s ON CONFLICT (kind, address) DO UPDATE SET retired_at = NULL"
        " WHERE channels.district_id = excluded.district_id RETURNING id",
        {"kind": kind, "provider": provider, "address": address, "district": district_id},
    )
    if there is None:
        served = await fetch_one(tx, "SELECT 1 FROM districts WHERE id = %s", (district_id,))
        raise NotAdded("channel_taken" if served else "district_unserved")
    channel_id: UUID = there["id"]
    if name is None:
        return channel_id
    named = "SELECT 1 FROM channels WHERE provider = %s AND name = %s AND id <> %s"
    if await fetch_one(tx, named, (provider, name, channel_id)) is not None:
        raise NotAdded("name_taken")
    box = keys.put_json(dict(settings), bound_to(channel_id)) if settings is not None else None
    await tx.execute(
        "UPDATE channels SET provider = %s, name = %s, config_box = %s, fault = NULL WHERE id = %s",
        (provider, name, box, channel_id),
    )
    return channel_id


async def adopt(conn: Conn, *, kind: str, provider: str, address: str) -> None:
    """In demo mode any number of ours that a provider names belongs to the demo district."""
    await conn.execute(
        "INSERT INTO channels (kind, provider, address, district_id)"
        " SELECT %s, %s, %s, id FROM districts WHERE demo ORDER BY id LIMIT 1 ON CONFLICT (kind, address) DO NOTHING",
        (kind, provider, address),
    )


async def pause(conn: Conn, channel_id: UUID, seconds: float) -> bool:
    """Hold what nobody waits for. True for the first of a crowd that fails together."""
    paused = await conn.execute(
        "UPDATE channels SET paused_until = now() + %s * interval '1 second'"
        " WHERE id = %s AND (paused_until IS NULL OR paused_until < now() + %s * interval '0.5 second')",
        (seconds, channel_id, seconds),
    )
    return paused.rowcount == 1


# Numbers that share an account are away together: those without settings of their own.
_AWAY: LiteralString = """
WITH account AS (
    SELECT h.id FROM channels h, channels this WHERE this.id = %s
        AND (h.id = this.id OR (h.provider = this.provider AND h.config_box IS NULL AND this.config_box IS NULL))
    ORDER BY h.id FOR UPDATE OF h
)
UPDATE channels SET away_since = now() FROM account WHERE channels.id = account.id AND away_since IS NULL"""


async def note_away(conn: Conn, channel_id: UUID) -> bool:
    """Nobody answers at the provider of this number: it and those that share its account wait. True for the first."""
    done = await conn.execute(_AWAY, (channel_id,))
    return done.rowcount > 0


async def away(conn: Conn) -> list[Row]:
    """The numbers at whose provider nobody answered."""
    return await fetch_all(conn, _EVERY.replace("ORDER BY", "WHERE away_since IS NOT NULL ORDER BY"), of=Row)


async def note_back(conn: Conn, channel_ids: Sequence[UUID]) -> None:
    """Somebody answers there again."""
    await conn.execute("UPDATE channels SET away_since = NULL WHERE id = ANY(%s)", (list(channel_ids),))


async def note_fault(conn: Conn, channel_id: UUID, fault: str | None) -> bool:
    """Note why a row's settings cannot be used, or that they can. True where this is news."""
    done = await conn.execute(
        "UPDATE channels SET fault = %s WHERE id = %s AND fault IS DISTINCT FROM %s", (fault, channel_id, fault)
    )
    return done.rowcount == 1


async def last_heard(conn: Conn) -> dict[UUID, timedelta]:
    """How long ago each number's own door last heard anything; those that never did are not in it."""
    rows = await fetch_all(conn, "SELECT id, now() - heard_at AS ago FROM channels WHERE heard_at IS NOT NULL")
    return {row["id"]: row["ago"] for row in rows}


async def note_heard(conn: Conn, channel_id: UUID) -> None:
    """Note a sign of life at a channel's own door."""
    await conn.execute("UPDATE channels SET heard_at = now() WHERE id = %s", (channel_id,))


async def remove(tx: Tx, channel_id: UUID) -> int:
    """Delete a number that nobody has written to. Returns how many contacts hang on it: 0, or it was left alone."""
    row = await fetch_one(tx, "SELECT count(*) AS contacts FROM contacts WHERE channel_id = %s", (channel_id,))
    hanging: int = row["contacts"] if row else 0
    if not hanging:
        await tx.execute("DELETE FROM channels WHERE id = %s", (channel_id,))
    return hanging


async def retire(tx: Tx, channel_id: UUID) -> None:
    """Switch a number off: its history stays, its secrets do not."""
    await tx.execute(
        "UPDATE channels SET retired_at = now(), config_box = NULL, name = NULL, fault = NULL WHERE id = %s",
        (channel_id,),
    )
