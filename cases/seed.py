"""The demo district, made of the same calls as a real one. The desk's own role does this (`console`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import yaml

from cases import calendar, districts, offices, outside, scorecards, staff
from cases.outcomes import DATA
from cases.staff import Person
from store import channels
from store.crypto import Keys
from store.database import LOCKS, Database, fetch_all


async def seed_demo(
    db: Database,
    keys: Keys,
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
        await offices.load(tx, keys, district_id, named, datetime.now(UTC))
        await scorecards.add_round(tx, district_id, **plan["round"])
        for short_code, facility in plan["facilities"].items():
            names = {"en": facility["en"], "ur": facility["ur"]}
            await scorecards.add_demo_facility(
                tx, district_id, short_code, kind=facility["kind"], names=names, place_id=facility["place"]
            )
        others = outside.Plan.model_validate(plan["outside"])
        await outside.load(tx, others, calendar.day_of(datetime.now(UTC)), demo=True)
        for number in plan["channels"]:  # one that has been given to a real district meanwhile stays there
            await channels.adopt(tx, **number)
        seats = {office: await offices.find(tx, "", office) for office in plan["offices"]["province"]}
        there = {row["login"] for row in await fetch_all(tx, "SELECT login FROM staff WHERE demo")}
        people = [
            Person(
                office_id=seats.get(row.pop("office", None)),
                **{"district_id": None if row.pop("province", False) else district_id, **row},
                demo=True,
            )
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
