"""Told apart from read, asked apart from silent, and how long it took."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from types import SimpleNamespace
from uuid import UUID

import pytest

from cases import acts, figures
from cases.suppression import FEWEST
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW
from tests.cases.test_figures import DAY, HOUR, SUNDAY_NIGHT, WEEK, Opened, read, resolve
from tests.conftest import Owner


@pytest.fixture
def told(owner: Owner, person: Callable[..., Awaitable[UUID]]) -> Callable[..., Awaitable[None]]:
    """A line of a case's thread that tells of an act; the message that carried it, or none."""

    async def tell(case_id: UUID, verb: str, at: datetime, state: str | None, sent: datetime | None = None) -> None:
        outbox_id = uuid.uuid4() if state else None
        if state:
            await owner.execute(
                "INSERT INTO outbox (id, contact_id, lane, purpose, lang, message, state, sent_at)"
                " VALUES (%s, %s, 'replies', 'case', 'ur', '', %s, %s)",
                (outbox_id, await person(), state, sent),
            )
        await owner.execute(
            "INSERT INTO case_items (id, case_id, at, author, kind, verb, outbox_id)"
            " VALUES (%s, %s, %s, 'system', 'said', %s, %s)",
            (uuid.uuid4(), case_id, at, verb, outbox_id),
        )

    return tell


async def test_told_is_what_left_us_in_time_and_by_code_is_no_part_of_it(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, told: Callable[..., Awaitable[None]]
) -> None:
    ids = [await opened("water", at=NOW - 4 * DAY) for _ in range(30)]
    at = NOW - 3 * DAY
    for case_id in ids[:25]:
        async with db.transaction("console") as tx:
            await acts.acknowledge(tx, keys, case_id, actor=place.staff["handler"], now=at)
    for number, case_id in enumerate(ids):
        match number // 5:
            case 0:
                await told(case_id, "acknowledge", at, "read", at + HOUR)
            case 1:
                # What came back after it had left told as little as what never left.
                gone = ("undelivered", at + HOUR) if number % 2 else ("parked",)
                await told(case_id, "acknowledge", at, *gone)
            case 2:
                await told(case_id, "acknowledge", at, "sent", NOW)  # after the 72 hours
            case 3:
                await told(case_id, "acknowledge", at, None)
            case 4:
                await told(case_id, "acknowledge", at, None)
                await told(case_id, "answer", at, "delivered", at)  # allowed meanwhile
            case 5:
                await told(case_id, "refer", at, "read", at)  # no act of these meets the clock
    found = (await read(db))["total"]
    assert found["due_72"]["count"] == 30
    assert set(found["in_72"]["cases"]) == set(ids[:25])
    assert set(found["told_72"]["cases"]) == {*ids[:5], *ids[20:25]}
    assert set(found["code_72"]["cases"]) == set(ids[15:20])


async def test_a_template_tells_only_what_it_says(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, told: Callable[..., Awaitable[None]], owner: Owner
) -> None:
    ids = [await opened("water", at=NOW - 4 * DAY, may_message=False) for _ in range(3 * FEWEST)]
    at = NOW - 3 * DAY
    for number, case_id in enumerate(ids):
        async with db.transaction("console") as tx:
            await acts.acknowledge(tx, keys, case_id, actor=place.staff["handler"], now=at)
        await told(case_id, "acknowledge", at, "delivered", at)
        template, freed = [("acknowledged", None), ("news", None), ("news", at + HOUR)][number // FEWEST]
        await owner.execute(
            "UPDATE outbox SET template = %s, freed_at = %s WHERE id = (SELECT outbox_id FROM case_items"
            " WHERE case_id = %s AND outbox_id IS NOT NULL)",
            (template, freed, case_id),
        )
    found = (await read(db))["total"]
    assert set(found["told_72"]["cases"]) == {*ids[:FEWEST], *ids[2 * FEWEST :]}


async def test_whom_the_question_has_not_reached_is_not_silent(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, told: Callable[..., Awaitable[None]]
) -> None:
    ids = [await opened("water") for _ in range(3 * FEWEST)]
    for number, case_id in enumerate(ids):
        await resolve(db, keys, place, case_id)
        state, sent = [("delivered", NOW + HOUR), ("parked", None), ("sent", NOW + 9 * DAY)][number // FEWEST]
        await told(case_id, "resolve", NOW + HOUR, state, sent)
    found = (await read(db, SUNDAY_NIGHT + HOUR))["total"]
    assert set(found["asked"]["cases"]) == set(found["silent"]["cases"]) == set(ids[:FEWEST])
    assert set(found["unreached"]["cases"]) == set(ids[FEWEST:])


async def test_how_long_it_took_is_told_of_enough_cases(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened
) -> None:
    ids = [await opened("water", at=NOW - number * DAY / 2) for number in range(1, 11)]
    for number, case_id in enumerate(ids):
        async with db.transaction("console") as tx:
            await acts.acknowledge(tx, keys, case_id, actor=place.staff["handler"], now=NOW)
        if number < FEWEST:
            await resolve(db, keys, place, case_id, now=NOW)
    async with db.autocommit("report") as conn:
        (*_, week) = (await figures.published(conn, "pishin", NOW + 8 * DAY)).weeks
    assert week["week"] == WEEK
    assert week["days"] == {
        "read": {"n": 10, "median": 2.5, "ninth_tenth": 4.5},
        "answer": {"n": 5, "median": 1.5, "ninth_tenth": None},
    }
