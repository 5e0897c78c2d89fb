"""A busy week as rows, made by the acts that the desk and the citizen have: for whoever reads it on a real database."""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cases import acts, calendar
from flows import codes
from store import contacts
from store.database import fetch_all, fetch_one
from store.jawab import Jawab

DISTRICT = "pishin"
TEHSILS = tuple(f"{DISTRICT}.{name}" for name in ("barshore", "bostan", "huramzai", "karezat", "nana-sahib", "saranan"))
DEEDS = (("water", "repaired"), ("health", "supplied"), ("energy", "repaired"), ("infrastructure", "repaired"))
# What the week comes to: 24 deeds, a kept promise, and one in a subject that is told only together.
DONE, ASKED, CONFIRMED, REFUSED = 26, 26, 14, 6
SUBSCRIBED = {"sms": 6, "whatsapp": 5}

_numbers = itertools.count(200_000_000_000)


async def seed(jawab: Jawab, week: str) -> None:
    """The demo district's week, with people who asked for its update: by SMS, and on WhatsApp long ago."""
    at = calendar.bounds(week, calendar.PROVINCE)[0] + timedelta(days=2)
    async with jawab.db.autocommit("console") as conn:
        staff = {row["role"]: row["id"] for row in await fetch_all(conn, "SELECT id, role FROM staff WHERE demo")}
        channels = {row["kind"]: row for row in await fetch_all(conn, "SELECT id, kind, address FROM channels")}
    week_of = _Week(jawab, at, staff, channels)
    deeds = [(await week_of.report(what, place), how) for what, how in DEEDS for place in TEHSILS]
    await week_of.resolve(deeds)
    await week_of.confirm([case for case, _ in deeds[:CONFIRMED]])
    await week_of.resolve([(await week_of.report("water", place), "cannot_budget") for place in TEHSILS[: REFUSED - 1]])
    await week_of.resolve([(await week_of.report("security", TEHSILS[0]), "staff_sent")])
    due = calendar.day_of(at)
    for place in TEHSILS[:3]:
        await week_of.promise("water", place, "repaired", due)  # its day is over
    await week_of.promise("security", TEHSILS[0], "staff_sent", due)
    kept = await week_of.promise("energy", TEHSILS[1], "repaired", due + timedelta(days=1))
    gone = await week_of.promise("water", TEHSILS[2], "repaired", due + timedelta(days=1))
    await week_of.resolve([(kept, "repaired"), (gone, "cannot_budget")])
    for place in (*TEHSILS, TEHSILS[0]):  # and the same again
        await week_of.promise("education", place, "repaired", due + timedelta(days=60))
    for kind, number in SUBSCRIBED.items():
        for _ in range(number):
            await week_of.person(kind, subscribed=True)


class _Week:
    """The people of that week and what they do."""

    def __init__(self, jawab: Jawab, at: datetime, staff: dict[str, UUID], channels: Any) -> None:
        self.jawab, self.at, self.staff, self.channels = jawab, at, staff, channels
        self.numbers = itertools.count(3330000000)  # of two drawn alike the second is nobody

    async def person(self, kind: str, *, subscribed: bool = False) -> UUID:
        contact_id, channel = uuid.uuid4(), self.channels[kind]
        address = f"+92{next(self.numbers)}"
        tag = contacts.tag(self.jawab.keys, kind, channel["address"], address)
        async with self.jawab.db.transaction("intake") as tx:
            await contacts.make(tx, self.jawab.keys, id=contact_id, channel_id=channel["id"], tag=tag, address=address)
            await tx.execute(
                "UPDATE contacts SET lang = 'ur', last_inbound_at = %s, weekly_since = %s WHERE id = %s",
                (self.at, self.at if subscribed else None, contact_id),
            )
        return contact_id

    async def report(self, category: str, place: str) -> UUID:
        contact_id = await self.person("sms")
        async with self.jawab.db.transaction("intake") as tx:
            return await acts.open(
                tx,
                self.jawab.keys,
                code=codes.complete(str(next(_numbers))),
                district_id=DISTRICT,
                contact_id=contact_id,
                channel="sms",
                lang="ur",
                category=category,
                place_id=place,
                may_message=True,
                opened_at=self.at,
                now=self.at,
            )

    async def resolve(self, cases: list[tuple[UUID, str]]) -> None:
        async with self.jawab.db.transaction("console") as tx:
            for case_id, outcome in cases:
                await acts.resolve(
                    tx,
                    self.jawab.keys,
                    case_id,
                    actor=self.staff["handler"],
                    now=self.at + timedelta(hours=1),
                    outcome=outcome,
                    done_on=self.at.date(),
                )
            # They were asked within the week: what has not left us by its end has asked nobody.
            await tx.execute(
                "UPDATE outbox SET state = 'sent', sent_at = %s WHERE case_id = ANY(%s) AND state = 'queued'",
                (self.at + timedelta(hours=1), [case_id for case_id, _ in cases]),
            )

    async def confirm(self, cases: list[UUID]) -> None:
        async with self.jawab.db.transaction("intake") as tx:
            for case_id in cases:
                await acts.confirm(tx, case_id, actor="citizen", now=self.at + timedelta(hours=2))

    async def promise(self, category: str, place: str, action: str, due_on: Any) -> UUID:
        case_id = await self.report(category, place)
        async with self.jawab.db.transaction("console") as tx:
            own = await fetch_one(tx, "SELECT office_id FROM cases WHERE id = %s", (case_id,))
            assert own is not None
            await acts.commit(
                tx,
                self.jawab.keys,
                case_id,
                actor=self.staff["handler"],
                now=self.at,
                action=action,
                office_id=own["office_id"],
                due_on=due_on,
            )
        return case_id
