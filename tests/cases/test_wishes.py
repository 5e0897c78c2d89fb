"""A case that its writer wishes to take back, and what an office promises for one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from cases import acts, register
from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW, TODAY
from tests.cases.test_register import message_of
from tests.cases.test_verdicts import CLOCKS

Opened = Callable[..., Awaitable[UUID]]
Row = Callable[..., Awaitable[dict[str, Any]]]
DAY = timedelta(days=1)


# ── taken back ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def wish(db: Database, case_id: UUID, why: str, *, by_code: bool = False, now: datetime = NOW) -> None:
    async with db.transaction("intake") as tx:
        for said in ("", why):
            await acts.say_wish(tx, await register.read(tx, case_id), said, by_code=by_code, now=now)


async def test_a_case_is_taken_back_by_a_second_person_days_after_the_wish_and_may_be_gainsaid(
    db: Database, keys: Keys, desk: SimpleNamespace, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    await desk.do("assign", case_id, to=place.staff["handler"])
    with pytest.raises(Refused, match="wish_missing"):
        await desk.do("withdraw", case_id, "supervisor", why="solved")
    await wish(db, case_id, "solved")
    assert (await desk.read(case_id)).status == "received", "a wish moves nothing"
    later = NOW + 3 * DAY
    with pytest.raises(Refused, match="another_takes_back"):
        await desk.do("withdraw", case_id, why="solved", now=later)
    with pytest.raises(Refused, match="cooling"):
        await desk.do("withdraw", case_id, "supervisor", why="solved", now=NOW + DAY)
    with pytest.raises(Refused, match="reason_missing"):
        await desk.do("withdraw", case_id, "supervisor", why="", now=later)
    with pytest.raises(Refused, match="pressed"):
        await desk.do("withdraw", case_id, "supervisor", why="pressed", now=later)
    sent = await desk.do("withdraw", case_id, "supervisor", why="solved", now=later)
    assert [key for key, _ in (await message_of(row, keys, sent))["says"]] == ["case.withdrawn"]
    case, found = await desk.read(case_id), await row(CLOCKS, case_id)
    assert (case.status, case.decision) == ("withdrawn", "withdrawn")
    assert found["met_at"] == found["due_at"], "neither in time nor ever late"
    await desk.say(case_id, "no", now=later + DAY)
    found = await row(CLOCKS, case_id)
    assert (found["status"], found["met_at"], found["next_due"]) == ("disputed", None, found["due_at"])


async def test_who_was_pressed_takes_nothing_back_whatever_is_said_later(
    db: Database, desk: SimpleNamespace, opened: Opened
) -> None:
    case_id = await opened()
    await wish(db, case_id, "pressed")
    await wish(db, case_id, "solved")
    with pytest.raises(Refused, match="pressed"):
        await desk.do("withdraw", case_id, "supervisor", why="solved", now=NOW + 9 * DAY)
    await desk.do("go_on", case_id, "supervisor")
    assert (await desk.read(case_id)).wish_at is None


async def test_a_wish_from_another_phone_is_none(db: Database, desk: SimpleNamespace, opened: Opened) -> None:
    case_id = await opened()
    await wish(db, case_id, "solved", by_code=True)
    assert (await desk.read(case_id)).wish_at is None


async def test_who_writes_a_wish_down_does_not_take_it_back(desk: SimpleNamespace, opened: Opened) -> None:
    case_id = await opened()
    await desk.do("wish", case_id, "supervisor", why="unneeded")
    with pytest.raises(Refused, match="another_takes_back"):
        await desk.do("withdraw", case_id, "supervisor", why="unneeded", now=NOW + 9 * DAY)


# ── promises ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_kept_promise_is_the_offices_word_until_somebody_confirms_and_open_again_when_they_do_not(
    desk: SimpleNamespace, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    office = place.offices["water"]
    states = {}
    for verdict in ("", "yes", "no"):
        case_id = await opened()
        await desk.do("commit", case_id, action="repaired", office_id=office, due_on=TODAY + 3 * DAY)
        await desk.do("resolve", case_id, outcome="repaired")
        if verdict:
            await desk.say(case_id, verdict)
        await desk.sweep(NOW)
        states[verdict] = (await row("SELECT state FROM commitments WHERE case_id = %s", case_id))["state"]
    assert states == {"": "kept", "yes": "confirmed", "no": "open"}


async def test_a_promise_is_the_word_of_an_office_that_has_the_case_and_a_line_of_its_history(
    desk: SimpleNamespace, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened("water")
    stranger, due_on = place.offices["relief"], TODAY + 3 * DAY
    with pytest.raises(Refused, match="office_not_responsible"):
        await desk.do("commit", case_id, action="repaired", office_id=stranger, due_on=due_on)
    await desk.do("commit", case_id, action="repaired", office_id=place.above["water"], due_on=due_on)
    await desk.do("refer", case_id, office_id=stranger, due_on=due_on)
    await desk.do("commit", case_id, action="supplied", office_id=stranger, due_on=due_on)
    line = await row("SELECT data FROM case_history WHERE case_id = %s AND verb = 'commit' ORDER BY id DESC", case_id)
    assert line["data"] == {"action": "supplied", "office": str(stranger), "due_on": due_on.isoformat()}


async def test_a_promise_is_dropped_with_a_reason_only(
    desk: SimpleNamespace, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    office, due_on = place.offices["water"], TODAY + 3 * DAY
    await desk.do("commit", case_id, action="repaired", office_id=office, due_on=due_on)
    one = (await row("SELECT id FROM commitments WHERE case_id = %s", case_id))["id"]
    with pytest.raises(Refused, match="reason_missing"):
        await desk.do("drop", case_id, commitment_id=one, reason="")
    await desk.do("drop", case_id, commitment_id=one, reason="cannot_unsafe")
    found = await row("SELECT state, reason FROM commitments WHERE id = %s", one)
    assert found == {"state": "dropped", "reason": "cannot_unsafe"}
    with pytest.raises(Refused, match="promise_unknown"):
        await desk.do("drop", case_id, commitment_id=one, reason="otherwise")
