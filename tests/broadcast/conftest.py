"""A district with a week behind it: people who subscribed, cases that were reported, done, confirmed and promised."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from broadcast import publish
from cases import acts
from flows import codes
from store import contacts
from store.crypto import Keys
from store.database import Database, fetch_one
from tests.broadcast.a_week import IN_WEEK, NOW, WEEK, Person, Report

_numbers = itertools.count(100_000_000_000)
_phones = itertools.count(5_550_000)  # of two drawn alike the second is nobody


@pytest.fixture
async def place(db: Database, demo: SimpleNamespace) -> SimpleNamespace:
    """The demo district: `staff` by role, `channels` by kind, `offices` by department."""
    async with db.autocommit("console") as conn:
        staff = await (await conn.execute("SELECT id, role FROM staff ORDER BY login DESC")).fetchall()
        channels = await (await conn.execute("SELECT id, kind, address FROM channels")).fetchall()
        offices = await (
            await conn.execute("SELECT id, department FROM offices WHERE district_id = 'pishin'")
        ).fetchall()
    return SimpleNamespace(
        id=demo.district,
        logins=demo.logins,
        staff={row["role"]: row["id"] for row in staff},
        channels={row["kind"]: row for row in channels},
        offices={row["department"]: row["id"] for row in offices},
    )


@pytest.fixture
def person(db: Database, keys: Keys, place: SimpleNamespace) -> Person:
    """Makes a contact, subscribed unless told otherwise, and returns its id."""

    async def make(
        address: str = "", lang: str = "ur", kind: str = "sms", since: datetime | None = IN_WEEK, **more: Any
    ) -> UUID:
        contact_id = uuid.uuid4()
        address = address or f"+92300{next(_phones):07}"
        channel = place.channels[kind]
        columns: dict[str, Any] = {"lang": lang, "weekly_since": since, "stopped_at": None, "invalid_at": None} | more
        async with db.transaction("intake") as tx:
            tag = contacts.tag(keys, kind, channel["address"], address)
            await contacts.make(tx, keys, id=contact_id, channel_id=channel["id"], tag=tag, address=address)
            await tx.execute(
                "UPDATE contacts SET lang = %(lang)s, weekly_since = %(weekly_since)s, stopped_at = %(stopped_at)s,"
                " invalid_at = %(invalid_at)s WHERE id = %(id)s",
                {**columns, "id": contact_id},
            )
        return contact_id

    return make


@pytest.fixture
def report(db: Database, keys: Keys, place: SimpleNamespace, person: Person) -> Report:
    """Opens `count` cases of a category as the citizen's side does; returns their ids."""

    async def make(category: str = "water", count: int = 1, at: datetime = IN_WEEK, **more: Any) -> list[UUID]:
        contact_id = await person(since=None)
        made = []
        async with db.transaction("intake") as tx:
            for _ in range(count):
                case_id = await acts.open(
                    tx,
                    keys,
                    code=codes.complete(str(next(_numbers))),
                    district_id=place.id,
                    contact_id=contact_id,
                    channel="sms",
                    lang="ur",
                    category=category,
                    opened_at=at,
                    now=at,
                    **more,
                )
                made.append(case_id)
        return made

    return make


@pytest.fixture
def desk(db: Database, keys: Keys, place: SimpleNamespace) -> SimpleNamespace:
    """What a handler, and afterwards the citizen, say to cases."""

    async def resolve(ids: list[UUID], outcome: str = "repaired", at: datetime = IN_WEEK, **more: Any) -> None:
        async with db.transaction("console") as tx:
            for case_id in ids:
                await acts.resolve(
                    tx,
                    keys,
                    case_id,
                    actor=place.staff["handler"],
                    now=at + timedelta(hours=1),
                    outcome=outcome,
                    done_on=at.date(),
                    **more,
                )

    async def hear(verb: str, ids: list[UUID], at: datetime = IN_WEEK) -> None:
        async with db.transaction("intake") as tx:
            for case_id in ids:
                await getattr(acts, verb)(tx, case_id, actor="citizen", now=at + timedelta(hours=2))

    async def promise(case_id: UUID, due_on: date, action: str = "repaired", at: datetime = IN_WEEK) -> UUID:
        async with db.transaction("console") as tx:
            own = await fetch_one(tx, "SELECT office_id FROM cases WHERE id = %s", (case_id,))
            assert own is not None
            await acts.commit(
                tx,
                keys,
                case_id,
                actor=place.staff["handler"],
                now=at,
                action=action,
                office_id=own["office_id"],
                due_on=due_on,
            )
            made = "SELECT id FROM commitments WHERE case_id = %s ORDER BY made_at DESC LIMIT 1"
            row = await fetch_one(tx, made, (case_id,))
            assert row is not None
            return UUID(str(row["id"]))

    return SimpleNamespace(resolve=resolve, hear=hear, promise=promise)


@pytest.fixture
def approved(db: Database, place: SimpleNamespace, report: Report) -> Callable[[], Awaitable[UUID]]:
    """An edition that was drafted by the editor and approved by the approver; its hold is zero in the demo."""

    async def make() -> UUID:
        await report("water", 6)
        async with db.transaction("console") as tx:
            edition_id = await publish.draft(tx, place.id, WEEK, place.staff["editor"], NOW)
            await publish.approve(tx, edition_id, place.staff["approver"], NOW)
        return edition_id

    return make
