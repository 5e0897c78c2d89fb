from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from cases import acts, endings, overdue, sorting
from store import outbox
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW, fresh_code
from tests.conftest import Owner

Opened = Callable[..., Awaitable[UUID]]
Row = Callable[..., Awaitable[dict[str, Any]]]
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


async def sweep(db: Database, keys: Keys, now: Any, **more: int) -> list[UUID]:
    async with db.transaction("console") as tx:
        return await overdue.sweep(tx, keys, now, **more)


async def marks(db: Database) -> list[tuple[str, Any]]:
    async with db.autocommit("console") as conn:
        rows = await (
            await conn.execute("SELECT kind, escalated_to FROM clocks WHERE overdue_at IS NOT NULL ORDER BY kind")
        ).fetchall()
    return [(row["kind"], row["escalated_to"]) for row in rows]


async def test_nothing_is_late_a_second_before_and_all_at_the_moment(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened
) -> None:
    await opened("water")
    await sweep(db, keys, NOW + 3 * DAY - SECOND)
    assert await marks(db) == []
    await sweep(db, keys, NOW + 3 * DAY)
    assert await marks(db) == [("acknowledge", None)], "the desk's own supervisors, and no office"


async def test_the_fourteenth_day_goes_to_the_deputy_commissioner_and_a_week_later_to_the_top(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened("water")
    for day in (3, 14, 20, 21, 40):
        await sweep(db, keys, NOW + day * DAY)
    top = await row("SELECT id FROM offices WHERE department = 'delivery-unit'")
    assert await marks(db) == [("acknowledge", None), ("resolve", top["id"])]
    assert await rungs(row, case_id) == [[14, place.offices["administration"]], [21, top["id"]]]
    history = await row(
        "SELECT array_agg(coalesce(data->>'clock', data->>'rung') ORDER BY id) AS said FROM case_history"
        " WHERE case_id = %s AND verb = 'escalate' AND actor = 'clock'",
        case_id,
    )
    assert history["said"] == ["acknowledge", "14", "21"]


async def rungs(row: Row, case_id: UUID) -> list[Any]:
    found = await row(
        "SELECT array_agg(rung ORDER BY rung) AS days, array_agg(office_id ORDER BY rung) AS offices,"
        " count(told_at) AS told FROM referrals WHERE case_id = %s AND kind = 'escalate'",
        case_id,
    )
    assert found["told"] == 0, "written down is not told"
    return [[day, office] for day, office in zip(found["days"] or (), found["offices"] or (), strict=True)]


async def test_no_escalation_goes_to_an_office_that_the_case_is_about(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    about_it, handed = await opened("services"), await opened("water")
    async with db.transaction("console") as tx:
        for office in ("administration", "health"):
            await acts.refer(
                tx, keys, handed, actor=place.staff["handler"], now=NOW, office_id=place.offices[office],
                due_on=date(2026, 11, 30),
            )  # fmt: skip
    await sweep(db, keys, NOW + 14 * DAY)
    above = await row("SELECT id FROM offices WHERE department = 'chief-secretary'")
    assert await rungs(row, about_it) == [[14, above["id"]]], "the Deputy Commissioner's own office is complained about"
    assert await rungs(row, handed) == [[14, above["id"]]], "it was handed the case, and let it lie"


async def test_after_a_long_silence_one_sweep_marks_both_in_their_order(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    await opened("water")
    await sweep(db, keys, NOW + 30 * DAY)
    await sweep(db, keys, NOW + 30 * DAY)
    top = await row("SELECT id FROM offices WHERE department = 'delivery-unit'")
    assert await marks(db) == [("acknowledge", None), ("resolve", top["id"])]


async def test_with_nobody_named_the_escalation_is_written_all_the_same(
    db: Database, keys: Keys, opened: Opened, row: Row
) -> None:
    await opened("jobs")
    await sweep(db, keys, NOW + 3 * DAY)
    assert await marks(db) == [("acknowledge", None)]
    assert (await row("SELECT data FROM case_history WHERE verb = 'escalate'"))["data"] == {
        "clock": "acknowledge",
        "office": None,
    }


async def test_many_ticks_at_once_mark_every_case_once(
    db: Database, keys: Keys, opened: Opened, person: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    contact_id = await person()
    for _ in range(12):
        await opened("water", contact_id=contact_id, may_message=True)
    sent = await asyncio.gather(*(sweep(db, keys, NOW + 22 * DAY, batch=5) for _ in range(6)))
    while batch := await sweep(db, keys, NOW + 22 * DAY, batch=5):
        sent.append(batch)
    await sweep(db, keys, NOW + 22 * DAY)
    told = [one for batch in sent for one in batch]
    assert len(told) == len(set(told)) == 12
    counted = await row(
        "SELECT count(*) AS n, count(DISTINCT case_id) AS cases FROM case_history WHERE verb = 'escalate'"
    )
    assert counted == {"n": 36, "cases": 12}
    assert (await row("SELECT count(*) AS n FROM referrals"))["n"] == 24
    assert (await row("SELECT count(*) AS n FROM outbox"))["n"] == 12


async def test_only_who_said_yes_hears_of_the_fourteenth_day(
    db: Database, keys: Keys, opened: Opened, row: Row
) -> None:
    for answer in (None, False, True):
        await opened("water", may_message=answer)
    assert await sweep(db, keys, NOW + 4 * DAY) == []
    (told,) = await sweep(db, keys, NOW + 14 * DAY)
    found = await row(
        "SELECT o.message, c.may_message, c.code FROM outbox o JOIN cases c ON c.id = o.case_id WHERE o.id = %s", told
    )
    message = keys.get_json(found["message"], outbox.bound_to(told))
    assert message == {
        "says": [["case.interim", {"code": {"code": found["code"]}}], ["remedy.mohtasib_balochistan", {}]]
    }, "it names where else to go, and says of no office that it was told"
    assert found["may_message"] is True


async def test_a_met_clock_is_never_marked_and_a_disputed_one_runs_again(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row, owner: Owner
) -> None:
    case_id = await opened("water")
    handler = place.staff["handler"]
    async with db.transaction("console") as tx:
        await acts.commit(
            tx,
            keys,
            case_id,
            actor=handler,
            now=NOW,
            action="repaired",
            office_id=place.offices["water"],
            due_on=date(2026, 11, 30),
        )
        await acts.resolve(
            tx, keys, case_id, actor=handler, now=NOW + DAY, outcome="repaired", done_on=date(2026, 11, 18)
        )
    await sweep(db, keys, NOW + 30 * DAY)
    assert await marks(db) == []
    async with db.transaction("intake") as tx:
        await acts.dispute(tx, case_id, now=NOW + 30 * DAY)
    await sweep(db, keys, NOW + 30 * DAY)
    assert [kind for kind, _ in await marks(db)] == ["resolve"]
    async with db.transaction("console") as tx:
        await endings.sweep(tx, keys, NOW + 31 * DAY)
    assert (await row("SELECT state FROM commitments"))["state"] == "kept", "nobody spoke lately"
    async with db.transaction("console") as tx:
        await endings.sweep(tx, keys, NOW + 30 * DAY)
    assert (await row("SELECT state FROM commitments"))["state"] == "open"
    await owner.execute("UPDATE commitments SET state = 'kept'")
    async with db.transaction("console") as tx:
        await endings.look_back(tx, NOW + 90 * DAY)
    assert (await row("SELECT state FROM commitments"))["state"] == "open"


@pytest.mark.parametrize("long_ago", [False, True])
async def test_a_promise_that_is_kept_after_its_writer_spoke_is_confirmed(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row, owner: Owner, long_ago: bool
) -> None:
    case_id, later = await opened("water"), NOW + 20 * DAY
    async with db.transaction("console") as tx:
        await acts.commit(
            tx,
            keys,
            case_id,
            actor=place.staff["handler"],
            now=NOW,
            action="repaired",
            office_id=place.offices["water"],
            due_on=date(2026, 11, 30),
        )
    await owner.execute("UPDATE cases SET status = 'confirmed', outcome = 'repaired'")
    await owner.execute("UPDATE commitments SET state = 'kept', state_at = %s", (later,))
    if long_ago:
        async with db.transaction("console") as tx:
            await endings.sweep(tx, keys, later + DAY)
        assert (await row("SELECT state FROM commitments"))["state"] == "kept", "the sweep looks at some hours alone"
    async with db.transaction("console") as tx:
        if long_ago:
            await endings.look_back(tx, later + DAY)
        else:
            await endings.sweep(tx, keys, later + SECOND)
    assert (await row("SELECT state FROM commitments"))["state"] == "confirmed"


async def test_words_that_nobody_reads_sound_one_alarm(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    contact_id = await person()
    async with db.transaction("intake") as tx:
        for _ in range(2):
            await sorting.keep(
                tx,
                keys,
                code=fresh_code(),
                district_id=place.id,
                contact_id=contact_id,
                channel="sms",
                lang="ur",
                story="بات",
                now=NOW,
            )
    for day in (2, 4, 5):
        await sweep(db, keys, NOW + day * DAY)
    assert (await row("SELECT array_agg(kind) AS kinds FROM alarms"))["kinds"] == ["sorting_overdue"]
