from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from cases import acts, counting, figures
from cases.lifecycle import Refused
from cases.suppression import FEWEST
from store.crypto import Keys
from store.database import Database, Tx
from tests.cases.conftest import NOW
from tests.conftest import Owner

Opened = Callable[..., Awaitable[UUID]]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK = "2026-W47"  # NOW is its Wednesday
SUNDAY_NIGHT = datetime(2026, 11, 22, 18, 59, tzinfo=UTC)  # 23:59 in Pishin


async def read(db: Database, now: datetime = NOW + DAY, role: str = "report", week: str = WEEK) -> dict[str, Any]:
    async with db.autocommit(role) as conn:
        return await figures.week(conn, "pishin", week, now)


def counts(found: dict[str, Any], category: str) -> dict[str, int | None]:
    (line,) = [line for line in found["categories"] if line["category"] == category]
    return {name: line[name]["count"] for name in figures.BY_CATEGORY}


async def wait_out(tx: Tx, case_id: UUID, at: datetime) -> None:
    """As after three askings that nobody answered."""
    await tx.execute("UPDATE cases SET ask_count = 3, asked_at = %s WHERE id = %s", (at - 8 * DAY, case_id))


def total(found: dict[str, Any]) -> dict[str, int | None]:
    return {name: figure["count"] for name, figure in found["total"].items()}


async def resolve(
    db: Database,
    keys: Keys,
    place: SimpleNamespace,
    case_id: UUID,
    now: datetime = NOW + HOUR,
    outcome: str = "staff_sent",
) -> None:
    async with db.transaction("console") as tx:
        await acts.resolve(
            tx,
            keys,
            case_id,
            actor=place.staff["handler"],
            now=now,
            outcome=outcome,
            done_on=date(2026, 11, 18),
        )


async def test_what_the_department_says_stands_beside_what_people_say(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], opened: Opened
) -> None:
    contact_id = await person()
    ids = [await opened("water", contact_id=contact_id, may_message=number >= 5) for number in range(20)]
    for case_id in ids[:16]:
        await resolve(db, keys, place, case_id)
    async with db.transaction("intake") as tx:
        for case_id in ids[5:11]:
            await acts.confirm(tx, case_id, now=NOW + 2 * HOUR)
        for case_id in ids[11:16]:
            await acts.dispute(tx, case_id, now=NOW + 2 * HOUR, half=True)
    found = await read(db, role="console")
    assert counts(found, "water") == {"received": 20, "done": 16, "confirmed": 6, "overdue": None}
    shown = {name: count for name, count in total(found).items() if count is not None}
    assert shown == {
        "received": 20, "done": 16, "confirmed": 6, "asked": 11, "answered": 11, "disputed": 5, "half": 5,
        "not_asked": 5,
    }  # fmt: skip
    assert set(found["total"]["confirmed"]["cases"]) == set(ids[5:11])
    assert found["categories"][0]["received"]["cases"] == found["total"]["received"]["cases"]
    assert await read(db, role="report") == found


async def test_what_cannot_be_done_is_an_answer_and_nothing_done(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], opened: Opened
) -> None:
    contact_id = await person()
    ids = [await opened("water", contact_id=contact_id) for _ in range(12)]
    for number, case_id in enumerate(ids):
        await resolve(db, keys, place, case_id, outcome="cannot_budget" if number < 6 else "repaired")
    found = await read(db)
    assert set(found["total"]["done"]["cases"]) == set(ids[6:])
    assert counts(found, "water")["done"] == 6
    assert total(found)["refused"] == 6
    later = total(await read(db, NOW + 15 * DAY, week="2026-W49"))
    assert (later["due_14"], later["in_14"]) == (12, 12), "an answer all the same"


@pytest.mark.parametrize("outcome", ["sent_on", "inspected"])
async def test_what_settles_nothing_is_neither_done_nor_an_answer(
    db: Database,
    keys: Keys,
    place: SimpleNamespace,
    person: Callable[..., Awaitable[UUID]],
    opened: Opened,
    outcome: str,
) -> None:
    contact_id = await person()
    ids = [await opened("water", contact_id=contact_id) for _ in range(6)]
    for case_id in ids:
        async with db.transaction("console") as tx:
            await acts.step(
                tx,
                keys,
                case_id,
                actor=place.staff["handler"],
                now=NOW + HOUR,
                outcome=outcome,
                office_id=next(iter(place.offices.values())),
                done_on=date(2026, 11, 18),
            )
    found = total(await read(db))
    assert (found["done"], found["asked"], found["silent"], found[outcome]) == (None, None, None, 6)
    later = total(await read(db, NOW + 20 * DAY, week="2026-W49"))
    assert (later["due_14"], later["in_14"], later["overdue"]) == (6, None, 6)


async def test_who_said_nothing_of_messages_was_not_asked_and_who_was_asked_may_be_silent(
    db: Database,
    keys: Keys,
    place: SimpleNamespace,
    person: Callable[..., Awaitable[UUID]],
    opened: Opened,
    owner: Owner,
) -> None:
    contact_id = await person()
    ids = [
        await opened("water", contact_id=contact_id, may_message=answer)
        for answer in (False, None, True)
        for _ in range(FEWEST)
    ]
    for case_id in ids:
        await resolve(db, keys, place, case_id)
    await owner.execute("UPDATE outbox SET state = 'sent', sent_at = %s", (NOW + HOUR,))
    found = (await read(db))["total"]
    assert set(found["not_asked"]["cases"]) == set(ids[: 2 * FEWEST])
    assert set(found["silent"]["cases"]) == set(ids[2 * FEWEST :])
    assert set(found["asked"]["cases"]) == set(ids[2 * FEWEST :])


async def test_drafts_count_like_other_cases_and_unnamed_ones_are_counted(
    db: Database, person: Callable[..., Awaitable[UUID]], opened: Opened
) -> None:
    contact_id = await person()
    for number in range(6):
        await opened("jobs", contact_id=contact_id, draft=number % 2 == 0)
    found = await read(db)
    assert counts(found, "jobs")["received"] == 6
    assert total(found)["unnamed"] == 6
    assert found["unnamed_categories"] == ["jobs"]


async def test_a_week_ends_at_midnight_in_the_district(
    db: Database, person: Callable[..., Awaitable[UUID]], opened: Opened
) -> None:
    contact_id = await person()
    for at in (SUNDAY_NIGHT, SUNDAY_NIGHT + 2 * timedelta(minutes=1)):
        for _ in range(6):
            await opened("infrastructure", at=at, contact_id=contact_id)
    later = SUNDAY_NIGHT + 3 * DAY
    assert counts(await read(db, later), "infrastructure")["received"] == 6
    assert counts(await read(db, later, week="2026-W48"), "infrastructure")["received"] == 6
    assert counts(await read(db, later, week="2026-W46"), "infrastructure")["received"] is None


async def test_late_is_late_whether_the_tick_has_run_or_not(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], opened: Opened
) -> None:
    contact_id = await person()
    ids = [await opened("health", contact_id=contact_id) for _ in range(6)]
    assert counts(await read(db, NOW + 2 * DAY), "health")["overdue"] is None
    assert counts(await read(db, NOW + 3 * DAY + HOUR), "health")["overdue"] == 6
    for case_id in ids:
        await resolve(db, keys, place, case_id, now=NOW + 3 * DAY + HOUR)
    assert counts(await read(db, NOW + 4 * DAY), "health")["overdue"] is None


async def test_what_was_reopened_is_no_longer_said_to_be_done(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], opened: Opened
) -> None:
    contact_id = await person()
    ids = [await opened("water", contact_id=contact_id) for _ in range(6)]
    for case_id in ids:
        await resolve(db, keys, place, case_id)
    async with db.transaction("console") as tx:
        await acts.reopen(tx, ids[0], actor=place.staff["supervisor"], now=NOW + 2 * HOUR)
    assert counts(await read(db), "water")["done"] == 5


async def test_what_was_reopened_and_done_again_is_done_in_the_later_week_alone(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], opened: Opened
) -> None:
    contact_id = await person()
    ids = [await opened("water", contact_id=contact_id) for _ in range(2 * FEWEST)]
    for case_id in ids:
        await resolve(db, keys, place, case_id)
    async with db.transaction("console") as tx:
        for case_id in ids[:FEWEST]:
            await acts.reopen(tx, case_id, actor=place.staff["supervisor"], now=NOW + 2 * HOUR)
    for case_id in ids[:FEWEST]:
        await resolve(db, keys, place, case_id, now=NOW + 7 * DAY)
    later = NOW + 8 * DAY
    assert set((await read(db, later))["total"]["done"]["cases"]) == set(ids[FEWEST:])
    assert set((await read(db, later, week="2026-W48"))["total"]["done"]["cases"]) == set(ids[:FEWEST])


# ── a week that is over ──────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_week_that_is_over_stays_as_it_was_when_a_case_is_reopened_later(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], opened: Opened
) -> None:
    contact_id = await person()
    ids = [await opened("water", at=NOW - 12 * DAY, contact_id=contact_id) for _ in range(3 * FEWEST)]
    for number, case_id in enumerate(ids):
        await resolve(db, keys, place, case_id, outcome="repaired" if number < 2 * FEWEST else "cannot_budget")
    monday = SUNDAY_NIGHT + HOUR
    before = await read(db, monday)
    stood = total(before)
    assert (stood["done"], stood["in_14"], stood["overdue"]) == (2 * FEWEST, 3 * FEWEST, None)
    async with db.transaction("console") as tx:
        for case_id in ids[:FEWEST] + ids[2 * FEWEST :]:
            await acts.reopen(tx, case_id, actor=place.staff["supervisor"], now=monday + DAY)
    async with db.transaction("intake") as tx:
        for case_id in ids[FEWEST : 2 * FEWEST]:
            await acts.dispute(tx, case_id, now=monday + DAY)
    assert await read(db, monday + 2 * DAY) == before
    assert total(await read(db, monday + 2 * DAY, week="2026-W48"))["overdue"] == 3 * FEWEST, "they are owed again"
    for case_id in ids[2 * FEWEST :]:
        await resolve(db, keys, place, case_id, now=monday + 3 * DAY, outcome="repaired")
    for case_id in ids[:FEWEST]:
        await resolve(db, keys, place, case_id, now=monday + 3 * DAY, outcome="cannot_budget")
    assert await read(db, monday + 4 * DAY) == before
    assert set((await read(db, monday + 4 * DAY, week="2026-W48"))["total"]["done"]["cases"]) == set(ids[2 * FEWEST :])


@pytest.mark.parametrize("seed", range(3))
async def test_no_later_move_changes_a_week_that_is_over(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], opened: Opened, seed: int
) -> None:
    """Forty cases are moved at random for five weeks; each week is told as it was told when it ended."""
    dice, contact_id = random.Random(seed), await person()
    staff = place.staff
    ids: list[UUID] = []
    told: dict[str, dict[str, Any]] = {}

    async def move(case_id: UUID, at: datetime) -> None:
        async with db.transaction("console") as tx:
            match dice.choice(["acknowledge", "resolve", "resolve", "confirm", "dispute", "halve", "close", "reopen"]):
                case "acknowledge":
                    await acts.acknowledge(tx, keys, case_id, actor=staff["handler"], now=at)
                case "resolve":
                    outcome = dice.choice(["repaired", "staff_sent", "cannot_budget"])
                    who, on = staff[dice.choice(["handler", "supervisor"])], at.date()
                    await acts.resolve(tx, keys, case_id, actor=who, now=at, outcome=outcome, done_on=on)
                case "confirm":
                    await acts.confirm(tx, case_id, now=at)
                case "close":
                    await wait_out(tx, case_id, at)
                    await acts.close(tx, keys, case_id, actor=staff["supervisor"], now=at)
                case "reopen":
                    await acts.reopen(tx, case_id, actor=staff["supervisor"], now=at)
                case verdict:
                    await acts.dispute(tx, case_id, now=at, half=verdict == "halve")

    for number in range(5):
        monday = SUNDAY_NIGHT + timedelta(minutes=1) + 7 * number * DAY
        for hour in sorted(dice.sample(range(7 * 24), 8 + 80 * (number > 0))):
            if len(ids) < 40:
                category = dice.choice(["water", "jobs"])  # of the second nobody is named
                ids.append(await opened(category, at=monday + hour * HOUR, contact_id=contact_id))
            try:
                await move(dice.choice(ids), monday + hour * HOUR)
            except Refused:
                continue  # not every move is one that this case allows
        after = monday + 7 * DAY
        told[f"{monday + DAY:%G-W%V}"] = await read(db, after, week=f"{monday + DAY:%G-W%V}")
    assert any(one["total"]["done"]["count"] for one in told.values())
    assert any(one["total"]["overdue"]["count"] for one in told.values())
    for week, before in told.items():
        assert await read(db, after + DAY, week=week) == before


@pytest.mark.parametrize("week", ["2026-47", "2026-W54", "2026-W00", "", "2026-W4", "x"])
async def test_what_is_no_week_is_refused(db: Database, demo: object, week: str) -> None:
    with pytest.raises(Refused, match="week_unknown"):
        await read(db, week=week)


async def test_a_span_of_any_length_counts_as_a_week_does(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened
) -> None:
    ids = [await opened("water", at=NOW + number * DAY) for number in range(6)]
    for number, case_id in enumerate(ids):
        await resolve(db, keys, place, case_id, now=NOW + (number + 2) * DAY)
    monday = SUNDAY_NIGHT + timedelta(minutes=1) - 7 * DAY
    async with db.autocommit("report") as conn:
        whole = await counting.list_between(conn, "pishin", monday, monday + 7 * DAY)
        later = await counting.list_between(conn, "pishin", NOW + DAY, NOW + 5 * DAY)
        week = await counting.list_cases(conn, "pishin", (monday + DAY).date(), monday + 7 * DAY)
    assert whole == {cell: ids for cell, ids in week.items() if cell[0] in {"received", "done", "asked", "confirmed"}}
    found = {name: {one for (called, *_), ids in later.items() if called == name for one in ids} for name, *_ in later}
    assert found["received"] == set(ids[1:5]), "across a Monday"
    assert found["done"] == set(ids[:3])
