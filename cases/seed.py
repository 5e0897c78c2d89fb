"""Districts, numbers and people as rows: what an operator adds, and the demo district that is made of the same calls.

The desk's own role does this (`console`): nothing here is ever deleted.
"""

from __future__ import annotations

import asyncio
import csv
import secrets
from collections.abc import Callable, Mapping
from datetime import time
from typing import Any
from uuid import UUID

import yaml
from psycopg.types.json import Jsonb

from cases import offices
from cases.lifecycle import Refused
from cases.outcomes import DATA
from store import audit
from store.crypto import Keys, hash_password, lock_private, new_keypair, new_salt
from store.database import LOCKS, Database, Tx, fetch_all, fetch_one

ROLES = ("handler", "supervisor", "triage", "protected", "editor", "approver", "admin")
QUIET = (time(20), time(8))  # no unasked message between, in the district's own time
# Read aloud over a telephone and typed on one: no letter that looks like another.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_password() -> str:
    """A one-time password of 20 letters in fours: 99 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(5))


def known_districts() -> dict[str, dict[str, str]]:
    """The districts that can be added, by id: rows of data/districts.csv."""
    with (DATA / "districts.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


async def add_district(tx: Tx, district_id: str, *, demo: bool = False) -> None:
    """Add a district of Balochistan with its tehsils. Adding it again brings names and places up to date.

    A real one gets quiet hours and an approval hold; the demo has neither. Raises `Refused` for an unknown id.
    """
    row = known_districts().get(district_id)
    if row is None:
        raise Refused("district_unknown")
    quiet_from, quiet_to = (None, None) if demo else QUIET
    await tx.execute(
        "INSERT INTO districts (id, pcode, names, demo, quiet_from, quiet_to, approval_hold)"
        " VALUES (%(id)s, %(pcode)s, %(names)s, %(demo)s, %(from)s, %(to)s, make_interval(mins => %(hold)s))"
        " ON CONFLICT (id) DO UPDATE SET pcode = excluded.pcode, names = excluded.names",
        {
            "id": district_id,
            "pcode": row["pcode"] or None,
            "names": Jsonb({"en": row["name_en"], "ur": row["name_ur"]}),
            "demo": demo,
            "from": quiet_from,
            "to": quiet_to,
            "hold": 0 if demo else 10,
        },
    )
    with (DATA / "places.csv").open(encoding="utf-8", newline="") as file:
        places = [place for place in csv.DictReader(file) if place["district"] == district_id]
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO places (id, district_id, level, names, aliases, pcode, lat, lon, source)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET names = excluded.names,"
            " aliases = excluded.aliases, pcode = excluded.pcode, source = excluded.source",
            [
                (
                    place["id"],
                    district_id,
                    place["level"],
                    Jsonb({"en": place["name_en"]}),
                    place["aliases"].split("|") if place["aliases"] else [],
                    place["pcode"] or None,
                    float(place["lat"]) if place["lat"] else None,
                    float(place["lon"]) if place["lon"] else None,
                    place["source"],
                )
                for place in places
            ],
        )


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


async def add_staff(
    tx: Tx,
    *,
    login: str,
    name: str,
    role: str,
    district_id: str | None,
    office_id: UUID | None = None,
    demo: bool = False,
    password: str | None = None,
) -> str:
    """Add somebody at the desk, or give him a new password. Returns the password, which is kept nowhere.

    A protected handler gets a new pair of keys with it: what was sealed to the old one stays shut to him, and the other
    readers are who opens it. Raises `Refused` for an unknown role or a login that has another role.
    """
    if role not in ROLES:
        raise Refused("role_unknown")
    password = password or new_password()
    person = {"login": login, "name": name, "role": role, "district": district_id, "office": office_id, "demo": demo}
    await _put_staff(tx, person, await asyncio.to_thread(_lock, role, password))
    return password


async def _put_staff(tx: Tx, person: Mapping[str, Any], locked: Mapping[str, Any]) -> None:
    done = await tx.execute(
        "INSERT INTO staff (login, name, role, district_id, office_id, password_hash, demo, public_key, private_box,"
        " key_salt) VALUES (%(login)s, %(name)s, %(role)s, %(district)s, %(office)s, %(hash)s, %(demo)s, %(public)s,"
        " %(box)s, %(salt)s) ON CONFLICT (login) DO UPDATE SET password_hash = excluded.password_hash,"
        " public_key = excluded.public_key, private_box = excluded.private_box, key_salt = excluded.key_salt"
        " WHERE staff.role = excluded.role AND staff.district_id IS NOT DISTINCT FROM excluded.district_id",
        {**person, **locked},
    )
    if done.rowcount != 1:
        raise Refused("login_taken")
    login = person["login"]
    await tx.execute("DELETE FROM desk_sessions USING staff WHERE staff.id = staff_id AND staff.login = %s", (login,))
    await audit.write(tx, "operator", f"staff.password:{person['role']}", login)


def _lock(role: str, password: str) -> dict[str, Any]:
    """What is kept of a password, and a protected handler's new keys. Up to 0.8 s: never on an event loop."""
    kept: dict[str, Any] = {"hash": hash_password(password), "public": None, "box": None, "salt": None}
    if role == "protected":
        private, public = new_keypair()
        salt = new_salt()
        kept |= {"public": public, "box": lock_private(private, password, salt), "salt": salt}
    return kept


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
        await add_district(tx, district_id, demo=True)
        named = offices.Plan.model_validate({name: plan[name] for name in ("offices", "responsibilities")})
        await offices.load(tx, district_id, named)
        await _add_round(tx, plan, district_id)
        for channel in plan["channels"]:
            await _add_demo_channel(tx, channel, district_id)
        there = {row["login"] for row in await fetch_all(tx, "SELECT login FROM staff WHERE demo")}
        people = [
            {"demo": True, "office": None, "district": None if row.pop("province", False) else district_id, **row}
            for row in plan["staff"]
            if row["login"] not in there or (password_of is not None and password_of(row["login"]) is None)
        ]
        made = [{"role": row["role"], "user": row["login"], "password": new_password()} for row in people]
        locked = await asyncio.gather(*(asyncio.to_thread(_lock, row["role"], row["password"]) for row in made))
        for person, box in zip(people, locked, strict=True):
            await _put_staff(tx, person, box)
    return made


async def _add_round(tx: Tx, plan: Mapping[str, Any], district_id: str) -> None:
    await tx.execute(
        "INSERT INTO rounds (district_id, title, indicators) SELECT %(district)s, %(title)s, %(indicators)s"
        " WHERE NOT EXISTS (SELECT FROM rounds WHERE district_id = %(district)s)",
        {"district": district_id, **plan["round"]},
    )
    for short_code, facility in plan["facilities"].items():
        await tx.execute(
            "INSERT INTO facilities (district_id, short_code, kind, names, place_id, demo)"
            " VALUES (%s, %s, %s, %s, %s, true) ON CONFLICT (district_id, short_code) DO NOTHING",
            (
                district_id,
                short_code,
                facility["kind"],
                Jsonb({"en": facility["en"], "ur": facility["ur"]}),
                facility["place"],
            ),
        )


async def _add_demo_channel(tx: Tx, channel: Mapping[str, str], district_id: str) -> None:
    """A number that an operator has given to a real district meanwhile stays there."""
    await tx.execute(
        "INSERT INTO channels (kind, provider, address, district_id) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (kind, address) DO NOTHING",
        (channel["kind"], channel["provider"], channel["address"], district_id),
    )
