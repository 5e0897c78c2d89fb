"""How a case ends, what people say to it, who looks again, and when it may be closed or taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from cases import acts, asking, endings, register
from cases.acts.close import closable_from, closes_as
from cases.clocks import DISPUTE
from cases.lifecycle import Refused
from cases.register import Case
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW
from tests.cases.test_register import message_of

Opened = Callable[..., Awaitable[UUID]]
Row = Callable[..., Awaitable[dict[str, Any]]]
TODAY, DAY = date(2026, 11, 18), timedelta(days=1)
CLOCKS = (
    "SELECT c.status, c.next_due, r.due_at, r.met_at FROM cases c"
    " JOIN clocks r ON r.case_id = c.id AND r.kind = 'resolve' WHERE c.id = %s"
)


@pytest.fixture
def desk(db: Database, keys: Keys, place: SimpleNamespace) -> SimpleNamespace:
    """The acts of this test, each in its own transaction: `do(verb, case, role, …)`, `say(case, verdict)`."""

    async def do(verb: str, case_id: UUID, role: str = "handler", *, now: datetime = NOW, **more: Any) -> Any:
        needs_keys = {"resolve", "step", "close", "withdraw", "commit", "start", "refer"}
        given = [keys] if verb in needs_keys else []
        if verb in {"resolve", "step"}:
            more.setdefault("done_on", TODAY)
        async with db.transaction("console") as tx:
            return await getattr(acts, verb)(tx, *given, case_id, actor=place.staff[role], now=now, **more)

    async def say(case_id: UUID, verdict: Any, *, now: datetime = NOW, by_code: bool = False) -> None:
        async with db.transaction("intake") as tx:
            await acts.say_done(tx, await register.read(tx, case_id), verdict, by_code=by_code, now=now)

    async def read(case_id: UUID) -> Case:
        async with db.autocommit("console") as conn:
            return await register.read(conn, case_id)

    async def sweep(now: datetime) -> list[UUID]:
        async with db.transaction("console") as tx:
            return await endings.sweep(tx, keys, now)

    async def reach(at: datetime, state: str = "delivered") -> None:
        """All that waits in the outbox has this fate."""
        async with db.transaction("console") as tx:
            sent = at if state in {"sent", "delivered", "read"} else None
            await tx.execute("UPDATE outbox SET state = %s, sent_at = %s WHERE state = 'queued'", (state, sent))

    return SimpleNamespace(do=do, say=say, read=read, sweep=sweep, reach=reach)


# ── what was decided ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_cannot_be_done_is_its_own_end_with_its_own_question(
    keys: Keys, desk: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    sent = await desk.do("resolve", case_id, outcome="cannot_budget", decision="refused")
    message = await message_of(row, keys, sent)
    assert [key for key, _ in message["says"]] == ["case.resolved", "case.accept_ask"]
    assert [key for _, key, _ in message["options"]] == ["case.accept_yes", "case.accept_higher"]
    case = await desk.read(case_id)
    assert (case.status, case.decision) == ("cannot", "refused")
    assert asking.ending(case.status, case.decision) == "accept"
    assert (await row("SELECT focus_kind FROM sessions WHERE focus_case = %s", case_id))["focus_kind"] == "accept"


@pytest.mark.parametrize(("outcome", "names"), [("inspected", False), ("sent_on", True)])
async def test_what_is_on_the_way_leaves_the_case_open_its_clock_running_and_asks_nothing(
    keys: Keys,
    desk: SimpleNamespace,
    place: SimpleNamespace,
    opened: Opened,
    row: Row,
    outcome: str,
    names: bool,
) -> None:
    case_id = await opened()
    office = {"office_id": place.offices["administration"]} if names else {}
    sent = await desk.do("step", case_id, outcome=outcome, **office)
    message = await message_of(row, keys, sent)
    assert [key for key, _ in message["says"]] == ["case.step"]
    assert "options" not in message
    found = await row(CLOCKS, case_id)
    assert (found["status"], found["met_at"], found["next_due"]) == (outcome, None, found["due_at"])
    assert (await desk.read(case_id)).outcome is None


async def test_a_sending_on_without_its_office_or_called_a_resolution_is_refused(
    desk: SimpleNamespace, opened: Opened
) -> None:
    case_id = await opened()
    with pytest.raises(Refused, match="office_missing"):
        await desk.do("step", case_id, outcome="sent_on")
    with pytest.raises(Refused, match="outcome_unknown"):
        await desk.do("step", case_id, outcome="repaired")
    with pytest.raises(Refused, match="reason_missing"):
        await desk.do("resolve", case_id, outcome="repaired", decision="refused")


async def test_half_done_is_said_and_asked_and_its_clock_runs_on(
    keys: Keys, desk: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    sent = await desk.do("resolve", case_id, outcome="repaired", decision="partly")
    assert [key for key, _ in (await message_of(row, keys, sent))["says"]] == ["case.partly", "case.confirm_ask"]
    found = await row(CLOCKS, case_id)
    assert (found["status"], found["met_at"], found["next_due"]) == ("partly", None, found["due_at"])
    await desk.say(case_id, "half")
    assert (await desk.read(case_id)).status == "partly", "both say the same"
    await desk.say(case_id, "yes")
    found = await row(CLOCKS, case_id)
    assert (found["status"], found["met_at"]) == ("confirmed", NOW)


# ── what people say to it ────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_appeal_goes_to_the_office_above_and_keeps_the_decision_it_is_against(
    desk: SimpleNamespace, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    await desk.do("assign", case_id, to=place.staff["handler"])
    await desk.do("resolve", case_id, outcome="cannot_budget")
    await desk.say(case_id, "higher", now=NOW + DAY)
    case, found = await desk.read(case_id), await row(CLOCKS, case_id)
    assert (case.status, case.office_id, case.assigned_to) == ("appealed", place.above["water"], None)
    assert (found["met_at"], found["next_due"]) == (None, found["due_at"]), "its clock runs on from where it was set"
    line = await row("SELECT data FROM case_history WHERE case_id = %s AND verb = 'appeal'", case_id)
    assert line["data"] == {
        "of": NOW.isoformat(),
        "against": "cannot_budget",
        "from": str(place.offices["water"]),
        "office": str(place.above["water"]),
    }


async def test_who_accepts_a_refusal_confirms_nothing_done(desk: SimpleNamespace, opened: Opened, row: Row) -> None:
    case_id = await opened()
    await desk.do("resolve", case_id, outcome="cannot_court")
    await desk.say(case_id, "accept")
    assert (await desk.read(case_id)).status == "closed"
    said = await row("SELECT count(*) AS n FROM case_history WHERE case_id = %s AND verb = 'confirm'", case_id)
    assert said["n"] == 0
    await desk.say(case_id, "no", now=NOW + DAY)
    assert (await desk.read(case_id)).status == "appealed", "of what was refused, no is: take it higher"


@pytest.mark.parametrize(("outcome", "verdict"), [("repaired", "yes"), ("cannot_budget", "accept")])
async def test_what_agrees_from_another_phone_is_kept_and_moves_nothing(
    desk: SimpleNamespace, opened: Opened, row: Row, outcome: str, verdict: str
) -> None:
    case_id = await opened()
    await desk.do("resolve", case_id, outcome=outcome)
    before = (await desk.read(case_id)).status
    await desk.say(case_id, verdict, by_code=True)
    assert (await desk.read(case_id)).status == before
    line = await row("SELECT data FROM case_history WHERE case_id = %s AND verb = 'verdict'", case_id)
    assert line["data"] == {"verdict": verdict, "by_code": True, "late": False}


@pytest.mark.parametrize("ended", ["resolved", "cannot", "confirmed", "closed"])
@pytest.mark.parametrize(("days", "counts"), [(30, True), (31, False)])
async def test_thirty_days_from_the_day_they_were_told_any_end_may_be_gainsaid(
    db: Database, desk: SimpleNamespace, opened: Opened, row: Row, ended: str, days: int, counts: bool
) -> None:
    case_id = await opened()
    await desk.do("resolve", case_id, outcome="cannot_budget" if ended == "cannot" else "repaired")
    await desk.reach(NOW + DAY)
    await desk.sweep(NOW + DAY)
    if ended in {"confirmed", "closed"}:
        await desk.say(case_id, "yes")
    if ended == "closed":
        await desk.do("close", case_id, now=NOW + DAY)
        await desk.reach(NOW + DAY)
        await desk.sweep(NOW + DAY)
    case = await desk.read(case_id)
    assert (case.status, case.told_at) == (ended, NOW + DAY)
    await desk.say(case_id, "no", now=NOW + (1 + days) * DAY)
    moved = (await desk.read(case_id)).status in {"disputed", "appealed"}
    assert moved == counts
    kept = await row("SELECT count(*) AS n FROM case_history WHERE case_id = %s AND data ->> 'late' = 'true'", case_id)
    assert kept["n"] == (not counts), "what comes later is written down"


async def test_who_was_not_told_yet_may_gainsay_for_ever(desk: SimpleNamespace, opened: Opened) -> None:
    case_id = await opened()
    await desk.do("resolve", case_id, outcome="repaired")
    assert (await desk.read(case_id)).told_at is None
    await desk.say(case_id, "no", now=NOW + 300 * DAY)
    assert (await desk.read(case_id)).status == "disputed"


async def test_a_disputed_case_is_anothers(desk: SimpleNamespace, place: SimpleNamespace, opened: Opened) -> None:
    case_id = await opened()
    await desk.do("assign", case_id, to=place.staff["handler"])
    await desk.do("resolve", case_id, outcome="repaired")
    await desk.say(case_id, "no")
    assert (await desk.read(case_id)).assigned_to is None
    for verb, more in (
        ("resolve", {"outcome": "supplied"}),
        ("resolve", {"outcome": "cannot_budget"}),
        ("resolve", {"outcome": "supplied", "decision": "partly"}),
        ("assign", {"to": place.staff["handler"]}),
    ):
        with pytest.raises(Refused, match="other_person"):
            await desk.do(verb, case_id, **more)
    await desk.do("start", case_id)
    with pytest.raises(Refused, match="other_person"):
        await desk.do("resolve", case_id, outcome="repaired")
    await desk.do("resolve", case_id, "supervisor", outcome="repaired")
    assert (await desk.read(case_id)).status == "resolved"


# ── asked again, and closed ──────────────────────────────────────────────────────────────────────────────────────────


async def test_it_is_asked_on_the_third_and_the_tenth_day_and_closes_seven_days_after(
    keys: Keys, desk: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    await desk.do("resolve", case_id, outcome="repaired")
    await desk.sweep(NOW + 9 * DAY)
    assert await desk.sweep(NOW + 9 * DAY) == [], "nobody is asked again before they were told"
    told = NOW + 9 * DAY
    await desk.reach(told)
    asked = []
    for day in range(30):
        for one in await desk.sweep(told + day * DAY):
            asked.append(day)
            assert [key for key, _ in (await message_of(row, keys, one))["says"]] == [
                "case.resolved",
                "case.confirm_ask",
            ]
        await desk.reach(told + day * DAY)
    assert asked == [3, 10]
    case = await desk.read(case_id)
    assert closable_from(case) == told + 17 * DAY
    with pytest.raises(Refused, match="too_early"):
        await desk.do("close", case_id, "supervisor", now=told + 17 * DAY - timedelta(seconds=1))
    sent = await desk.do("close", case_id, "supervisor", now=told + 17 * DAY)
    assert [key for key, _ in (await message_of(row, keys, sent))["says"]] == ["case.closed", "case.confirm_ask"]
    line = await row("SELECT data FROM case_history WHERE case_id = %s AND verb = 'close'", case_id)
    assert line["data"] == {"as": "silent"}


async def test_who_answers_is_not_asked_again(desk: SimpleNamespace, opened: Opened) -> None:
    for verdict in ("yes", "no"):
        case_id = await opened()
        await desk.do("resolve", case_id, outcome="repaired")
        await desk.reach(NOW)
        await desk.say(case_id, verdict)
    assert [one for day in range(30) for one in await desk.sweep(NOW + day * DAY)] == []


async def test_who_may_not_be_messaged_has_thirty_days_from_when_it_stood_at_their_number(
    desk: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened(may_message=False)
    await desk.do("resolve", case_id, outcome="repaired")
    assert await desk.sweep(NOW + 12 * DAY) == []
    assert closable_from(await desk.read(case_id)) == NOW + DISPUTE
    with pytest.raises(Refused, match="too_early"):
        await desk.do("close", case_id, "supervisor", now=NOW + 20 * DAY)
    await desk.do("close", case_id, "supervisor", now=NOW + DISPUTE)
    line = await row("SELECT data FROM case_history WHERE case_id = %s AND verb = 'close'", case_id)
    assert line["data"] == {"as": "not_asked"}, "never as silent"


async def test_who_could_not_be_reached_was_not_asked_and_is_asked_in_vain_twice_more(
    desk: SimpleNamespace, opened: Opened
) -> None:
    case_id = await opened()
    await desk.do("resolve", case_id, outcome="repaired")
    asked = 0
    for day in range(40):
        await desk.reach(NOW + day * DAY, "failed")
        asked += len(await desk.sweep(NOW + day * DAY))
    case = await desk.read(case_id)
    assert (asked, case.asked_at, case.told_at) == (2, None, NOW)
    assert closes_as(case) == "not_asked"


async def test_two_clocks_at_once_ask_once(db: Database, keys: Keys, desk: SimpleNamespace, opened: Opened) -> None:
    for _ in range(5):
        await desk.do("resolve", await opened(), outcome="repaired")
    await desk.reach(NOW)
    await desk.sweep(NOW)
    sent = await asyncio.gather(*(desk.sweep(NOW + 3 * DAY) for _ in range(2)))
    assert len(sent[0]) + len(sent[1]) == 5


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
