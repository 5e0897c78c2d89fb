"""What is kept of the weeks is what the rows say, whatever changes them, in any order, and whoever writes it down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from uuid import UUID, uuid4

import psycopg
import pytest

from cases import acts, districts, figures, husk, rollup
from cases.figures import Published
from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Database
from tests.conftest import Owner

Opened = Callable[..., Awaitable[UUID]]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = datetime(2026, 8, 30, 19, tzinfo=UTC)  # Monday 00:00 in Pishin
WEEKS = 8
END = FIRST + WEEKS * 7 * DAY + 30 * DAY


async def keep(db: Database, now: datetime = END) -> None:
    for work in (figures.recount, partial(figures.tell_weeks, now=now)):
        more = True
        while more:
            async with db.transaction("console") as tx:
                more = await work(tx)


async def read(db: Database, now: datetime = END) -> Published:
    async with db.autocommit("report") as conn:
        found = await figures.published(conn, "pishin", now)
        assert found == await figures.from_rows(conn, "pishin", now)
    return found


async def waiting(owner: Owner) -> int:
    row = await (await owner.execute("SELECT count(*) FROM to_recount")).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
async def lived(db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, owner: Owner) -> list[UUID]:
    """Eight weeks of cases, some of them answered, confirmed, disputed, opened again."""
    dice = random.Random(5)
    ids = []
    for week in range(WEEKS):
        monday = FIRST + week * 7 * DAY
        for number in range(12):
            at = monday + (1 + number % 5) * DAY + number * HOUR
            ids.append(
                await opened(
                    dice.choice(["water", "water", "health", "jobs"]),
                    at=at,
                    place_id=dice.choice(["pishin.barshore", "pishin.karezat", None]),
                    may_message=dice.choice([True, True, False]),
                )
            )
        for _ in range(10):
            await some_move(db, keys, place, dice, dice.choice(ids), monday + dice.randrange(6 * 24, 7 * 24) * HOUR)
    await owner.execute(
        "UPDATE outbox o SET state = 'sent', sent_at = i.at + interval '1 hour'"
        " FROM case_items i WHERE i.outbox_id = o.id"
    )
    return ids


async def some_move(
    db: Database, keys: Keys, place: SimpleNamespace, dice: random.Random, case_id: UUID, at: datetime
) -> None:
    handler = place.staff["handler"]
    try:
        async with db.transaction("console") as tx:
            match dice.choice(["resolve", "resolve", "resolve", "confirm", "dispute", "reopen", "acknowledge"]):
                case "resolve":
                    await acts.resolve(
                        tx, keys, case_id, actor=handler, now=at, outcome="staff_sent", done_on=at.date()
                    )
                case "acknowledge":
                    await acts.acknowledge(tx, keys, case_id, actor=handler, now=at)
                case "confirm":
                    await acts.confirm(tx, case_id, now=at)
                case "dispute":
                    await acts.dispute(tx, case_id, now=at)
                case "reopen":
                    await acts.reopen(tx, case_id, actor=place.staff["supervisor"], now=at)
    except Refused:
        return


# Whatever the counting reads, as something else in the house changes it.
CHANGES: dict[str, str] = {
    "subject": "UPDATE cases SET category = 'education' WHERE id = ANY(%(ids)s)",
    "place": "UPDATE cases SET place_id = 'pishin.huramzai' WHERE id = ANY(%(ids)s)",
    "may be messaged": "UPDATE cases SET may_message = NOT may_message WHERE id = ANY(%(ids)s)",
    "nobody named": "UPDATE cases SET office_id = NULL WHERE id = ANY(%(ids)s)",
    "a receipt": "UPDATE outbox SET state = 'failed' WHERE case_id = ANY(%(ids)s)",
    "left later": "UPDATE outbox SET sent_at = sent_at + interval '8 days' WHERE case_id = ANY(%(ids)s)",
    "a template": "UPDATE outbox SET template = 'news:ur' WHERE case_id = ANY(%(ids)s)",
    "let go by other words": "UPDATE outbox SET stood = 'parked', freed_at = now() WHERE case_id = ANY(%(ids)s)",
    "no message of the case": "UPDATE outbox SET case_id = NULL, stood = 'parked' WHERE case_id = ANY(%(ids)s)",
    "the thread gone": "DELETE FROM case_items WHERE case_id = ANY(%(ids)s)",
    "a clock": "UPDATE clocks SET met_at = greatest(due_at, now()) WHERE case_id = ANY(%(ids)s) AND met_at IS NULL",
    "a clock moved": "UPDATE clocks SET due_at = due_at + interval '9 days' WHERE case_id = ANY(%(ids)s)",
    "a late line": "INSERT INTO case_history (case_id, at, actor, verb, was, became) SELECT id, opened_at +"
    " interval '20 days', 'citizen', 'dispute', 'resolved', 'disputed' FROM cases WHERE id = ANY(%(ids)s)",
    "zone": "UPDATE districts SET timezone = 'Pacific/Auckland' WHERE id = 'pishin'",
    "a tehsil": "UPDATE places SET level = 'union' WHERE id = 'pishin.barshore'",
}


# Where what is kept of the cases and what is kept of all of them differ.
SUMS = """
SELECT district_id, monday, name, category, place, sum(n) FROM (
    SELECT c.district_id, f.monday, f.name, c.category, c.place, f.n
    FROM counted c CROSS JOIN unnest(c.mondays, c.names, c.steps) AS f (monday, name, n)
    UNION ALL SELECT district_id, monday, name, category, place, -n FROM week_cells) both_of_them
GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0
"""


async def test_whatever_is_changed_is_counted_again(db: Database, owner: Owner, lived: list[UUID]) -> None:
    await keep(db)
    dice, seen = random.Random(3), [await read(db)]
    for name, change in CHANGES.items():
        assert await waiting(owner) == 0
        await owner.execute(change, {"ids": dice.sample(lived, 40)} if "ids" in change else None)
        assert await waiting(owner) > 0, name
        after = await read(db)
        seen += [after] if after != seen[-1] else []
        await keep(db)
        assert await read(db) == after, name
    assert len(seen) > 8


async def test_a_new_case_is_all_that_is_counted_and_no_week_is_told_again(
    db: Database, owner: Owner, lived: list[UUID], opened: Opened
) -> None:
    now = FIRST + WEEKS * 7 * DAY + DAY
    await keep(db, now)
    told = await (await owner.execute("SELECT ctid, monday FROM told_weeks ORDER BY monday")).fetchall()
    kept = await (await owner.execute("SELECT ctid, case_id FROM counted")).fetchall()
    assert (len(told), len(kept)) == (WEEKS, len(lived))
    case_id = await opened("water", at=now)
    async with db.autocommit("report") as conn:
        assert await rollup.find_stale(conn, "pishin") == rollup.Stale([case_id])
    await read(db, now)
    for _ in range(2):
        await keep(db, now)
        assert await (await owner.execute("SELECT ctid, monday FROM told_weeks ORDER BY monday")).fetchall() == told
        rows = await (await owner.execute("SELECT ctid, case_id FROM counted")).fetchall()
        assert {*kept} < {*rows}
        assert len(rows) == len(lived) + 1


async def test_any_order_of_changes_and_of_writing_down_keeps_what_the_rows_say(
    db: Database, keys: Keys, place: SimpleNamespace, owner: Owner, lived: list[UUID]
) -> None:
    dice = random.Random(17)
    for _ in range(24):
        ids = dice.sample(lived, 6)
        change = CHANGES[dice.choice(list(CHANGES))]
        await owner.execute(change, {"ids": ids} if "ids" in change else None)
        for case_id in ids[:3]:
            await some_move(db, keys, place, dice, case_id, FIRST + dice.randrange(WEEKS * 7 * 24) * HOUR)
        if dice.random() < 0.5:
            await keep(db, FIRST + dice.randrange(1, WEEKS + 4) * 7 * DAY)
        await read(db)
    await keep(db)
    await read(db)


async def test_a_case_that_moves_while_districts_are_counted_whole_is_in_one_of_them(
    db: Database, owner: Owner, lived: list[UUID]
) -> None:
    async with db.transaction("console") as tx:
        await districts.add(tx, "quetta")
    await keep(db)
    dice = random.Random(23)
    for _ in range(16):
        await owner.execute(
            "UPDATE cases SET district_id = %s, place_id = NULL, office_id = NULL WHERE id = ANY(%s)",
            (dice.choice(["pishin", "quetta"]), dice.sample(lived, 12)),
        )
        await owner.execute(
            "UPDATE counted_with SET query = 'another' WHERE district_id = ANY(%s)",
            (dice.choice([["pishin"], ["quetta"], ["pishin", "quetta"], []]),),
        )
        for _ in range(dice.randrange(4)):
            async with db.transaction("console") as tx:
                await figures.recount(tx)
        assert await (await owner.execute(SUMS)).fetchall() == []
    await keep(db)
    for one in ("pishin", "quetta"):
        async with db.autocommit("report") as conn:
            assert await figures.published(conn, one, END) == await figures.from_rows(conn, one, END)


async def test_words_behind_the_door_and_what_the_triage_says_are_counted_again(
    db: Database, keys: Keys, place: SimpleNamespace, owner: Owner, lived: list[UUID]
) -> None:
    await keep(db)
    before = await read(db)
    async with db.transaction("custody") as tx:
        await husk.take(tx, keys, lived[0], now=END)
    for number in range(6):
        await owner.execute(
            "INSERT INTO dismissals (card, district_id, staff_id, at) VALUES (%s, 'pishin', %s, %s)",
            (uuid4(), place.staff["handler"], FIRST + 8 * DAY + number * HOUR),
        )
    after = await read(db)
    assert after.weeks[1]["total"]["not_complaints"] == 6
    assert before.weeks[1]["total"]["not_complaints"] is None
    await keep(db)
    assert await read(db) == after
    await owner.execute("UPDATE dismissals SET taken_back_at = at + interval '1 hour'")
    assert (await read(db)).weeks[1]["total"]["not_complaints"] is None
    await keep(db)
    await read(db)


async def test_with_another_rule_nothing_that_was_kept_is_read(
    db: Database, lived: list[UUID], owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lived
    await keep(db)
    before = await read(db)
    await owner.execute("UPDATE week_cells SET n = n + 7")
    await owner.execute("UPDATE told_weeks SET told = '{}'")
    monkeypatch.setattr(rollup, "MADE_WITH", "another")
    assert await read(db) == before
    await owner.execute("UPDATE week_cells SET n = n - 7")
    await keep(db)
    assert await read(db) == before


async def test_a_page_that_has_to_count_too_much_counts_from_the_rows(
    db: Database, lived: list[UUID], owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(db)
    monkeypatch.setattr(rollup, "MOST", 3)
    await owner.execute("UPDATE cases SET category = 'education' WHERE id = ANY(%s)", (lived[:9],))
    async with db.autocommit("report") as conn:
        assert await rollup.find_stale(conn, "pishin") is None
    await read(db)


async def test_two_who_change_the_same_district_do_not_wait_for_each_other_nor_for_who_writes_it_down(
    db: Database, owner: Owner, lived: list[UUID], database_url: str
) -> None:
    await keep(db)
    async with (
        await psycopg.AsyncConnection.connect(database_url) as one,
        await psycopg.AsyncConnection.connect(database_url) as two,
    ):
        for connection, case_id in ((one, lived[0]), (two, lived[1])):
            await connection.execute("SET lock_timeout = '2s'")
            await connection.execute("UPDATE cases SET category = 'education' WHERE id = %s", (case_id,))
        await asyncio.wait_for(keep(db), 5)
        await read(db)
        await one.commit()
        await read(db)
        await keep(db)
        await two.commit()
    assert await waiting(owner) == 1
    await read(db)
    await keep(db)
    await read(db)


async def test_of_two_who_write_it_down_one_does(db: Database, owner: Owner, lived: list[UUID]) -> None:
    assert lived
    async with db.transaction("console") as tx:
        assert await rollup._alone(tx)
        await keep(db)
    assert await waiting(owner) > 0
    await asyncio.gather(keep(db), keep(db))
    await keep(db)
    await read(db)


async def test_what_is_not_over_is_told_nowhere_and_a_page_tells_a_week_that_nobody_told_yet(
    db: Database, lived: list[UUID], owner: Owner
) -> None:
    assert lived
    await keep(db, FIRST + 17 * DAY)
    rows = await (await owner.execute("SELECT monday FROM told_weeks ORDER BY monday")).fetchall()
    assert len(rows) == 2
    assert len((await read(db, FIRST + 30 * DAY)).weeks) == 4
