"""A form acts once: whoever sends it again finds it spent, and what is spent is let go of when nobody can send it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg

from store import once
from store.database import Database


async def test_a_form_is_spent_once_for_one_person_act_and_thing(
    db: Database, demo: object, owner: psycopg.AsyncConnection[Any]
) -> None:
    first, second = [row[0] for row in await (await owner.execute("SELECT id FROM staff LIMIT 2")).fetchall()]
    form = uuid.uuid4()
    uses = [
        (form, first, "case.note", "a"),
        (form, second, "case.note", "a"),
        (form, first, "case.close", "a"),
        (form, first, "case.note", "b"),
        (uuid.uuid4(), first, "case.note", "a"),
    ]
    for expected in (True, False):
        async with db.transaction("console") as tx:
            assert [await once.use(tx, *use) for use in uses] == [expected] * len(uses)


async def test_a_form_whose_page_may_still_be_open_is_not_forgotten(
    db: Database, demo: object, owner: psycopg.AsyncConnection[Any]
) -> None:
    ((staff_id,),) = await (await owner.execute("SELECT id FROM staff LIMIT 1")).fetchall()
    old, young = uuid.uuid4(), uuid.uuid4()
    async with db.transaction("console") as tx:
        for form in (old, young):
            await once.use(tx, form, staff_id, "case.note", "a")
    for form, age in ((old, "49 hours"), (young, "47 hours")):
        await owner.execute("UPDATE once SET at = at - %s::interval WHERE form = %s", (age, form))
    async with db.transaction("console") as tx:
        assert await once.forget(tx, datetime.now(UTC)) == 1
        assert not await once.use(tx, young, staff_id, "case.note", "a")
