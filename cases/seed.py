"""The demo district, made of the same calls as a real one. The desk's own role does this (`console`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from uuid import UUID

import yaml

from cases import districts, offices, scorecards, staff
from cases.lifecycle import Refused
from cases.outcomes import DATA
from cases.staff import Person
from store.crypto import Keys
from store.database import LOCKS, Database, Tx, fetch_all, fetch_one


async def add_channel(tx: Tx, *, kind: str, provider: str, address: str, district_id: str) -> UUID:
    """Give a number (or bot) to a district. Returns its id. Raises `Refused` where it is another district's."""
    await tx.execute(
        "INSERT INTO channels (kind, provider, address, district_id) SELECT %s, %s, %s, id FROM districts"
        " WHERE id = %s ON CONFLICT (kind, address) DO NOTHING",
        (kind, provider, address.removeprefix("whatsapp:"), district_id),
    )
    row = await fetch_one(
        tx,
        "SELECT id, district_id FROM channels WHERE kind = %s AND address = %s",
        (kind, address.removeprefix("whatsapp:")),
    )
    if row is None:
        raise Refused("district_unserved")
    if row["district_id"] != district_id:
        raise Refused("channel_taken")
    channel_id: UUID = row["id"]
    return channel_id


async def seed_demo(
    db: Database,
    keys: Keys,  # noqa: ARG001 - a room's calls have one shape; a demo holds no words until somebody writes
    *,
    password_of: Callable[[str], str | None] | None = None,
) -> list[dict[str, str]]:
    """Make the demo district, or bring it up to date. Returns {"role", "user", "password"} of logins made or renewed.

    `password_of` says the password that was already handed out for a login, None where it is lost: that login is then
    renewed. Without it the logins that are there are left alone.
    """
    plan = yaml.safe_load((DATA / "demo.yaml").read_text(encoding="utf-8"))
    district_id: str = plan["district"]
    async with db.transaction("console") as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(%s)", (LOCKS["seed"],))  # two seeds at once take turns
        await districts.add(tx, district_id, demo=True)
        named = offices.Plan.model_validate({name: plan[name] for name in ("offices", "responsibilities")})
        await offices.load(tx, district_id, named)
        await scorecards.add_round(tx, district_id, **plan["round"])
        for short_code, facility in plan["facilities"].items():
            names = {"en": facility["en"], "ur": facility["ur"]}
            await scorecards.add_demo_facility(
                tx, district_id, short_code, kind=facility["kind"], names=names, place_id=facility["place"]
            )
        for channel in plan["channels"]:
            await _add_demo_channel(tx, channel, district_id)
        there = {row["login"] for row in await fetch_all(tx, "SELECT login FROM staff WHERE demo")}
        people = [
            Person(**{"district_id": None if row.pop("province", False) else district_id, **row}, demo=True)
            for row in plan["staff"]
            if row["login"] not in there or (password_of is not None and password_of(row["login"]) is None)
        ]
        passwords = [staff.new_password() for _ in people]
        locked = await asyncio.gather(
            *(staff.lock(one.role, word) for one, word in zip(people, passwords, strict=True))
        )
        for person, box in zip(people, locked, strict=True):
            await staff.put(tx, person, box)
    return [
        {"role": person.role, "user": person.login, "password": password}
        for person, password in zip(people, passwords, strict=True)
    ]


async def _add_demo_channel(tx: Tx, channel: Mapping[str, str], district_id: str) -> None:
    """A number that an operator has given to a real district meanwhile stays there."""
    await tx.execute(
        "INSERT INTO channels (kind, provider, address, district_id) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (kind, address) DO NOTHING",
        (channel["kind"], channel["provider"], channel["address"], district_id),
    )
