"""How a case ends, what people say to it, who looks again, and when it may be closed or taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from cases import asking
from cases.acts.close import closable_from, closes_as
from cases.clocks import DISPUTE
from cases.lifecycle import Refused
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
    if names:
        assert sent is None, "they hear of it once the office was told, or that it was not"
        handed = await row("SELECT kind, told_at FROM referrals WHERE case_id = %s", case_id)
        assert (handed["kind"], handed["told_at"]) == ("refer", None)
    else:
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
