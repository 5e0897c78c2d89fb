"""Deliver on a real database and a provider that fails in every way it can."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta

import pytest

from bot import deliver, gate
from bot.deliver import drain, expire
from bot.prepared import clip
from store.jawab import Jawab
from store.outbox import claims
from tests.bot.conftest import Rows
from tests.providers.faults import (
    NO_SUCH_NUMBER,
    SENDER_LIMIT,
    STOPPED,
    WINDOW_SHUT,
    Fault,
    refused,
)
from tests.providers.twilio import FakeTwilio

ONE = "+923001112233"


async def test_a_row_goes_out_once_and_is_recorded(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    owed = await rows.owe(await rows.contact(ONE), "پانی آ گیا")
    assert await drain(jawab, "replies") == {"sent": 1}
    assert twilio.bodies(ONE) == ["پانی آ گیا"]
    row = await rows.see(owed)
    assert (row["state"], row["attempts"], row["provider_id"]) == ("sent", 1, twilio.ledger[0].sid)
    assert row["sent_at"] is not None
    assert await drain(jawab, "replies") == {}


async def test_many_drains_at_once_send_each_row_once(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    for number in range(60):
        await rows.owe(await rows.contact(f"+9230011122{number:02}"), f"text {number}")
    counts = await asyncio.gather(*(drain(jawab, "replies") for _ in range(6)))
    assert sum(count["sent"] for count in counts) == 60
    assert sorted(taken.body for taken in twilio.ledger) == sorted(f"text {number}" for number in range(60))


async def test_a_row_that_another_transaction_is_claiming_is_passed_over(jawab: Jawab, rows: Rows) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    async with jawab.db.transaction("intake") as first:
        assert [row.id for row in await claims.claim(first, "replies", None, [], 10)] == [owed]
        async with asyncio.timeout(10), jawab.db.autocommit("intake") as second:
            assert await claims.claim(second, "replies", None, [], 10) == []
            assert await claims.claim(second, "replies", [owed], [], 10) == []
    async with jawab.db.autocommit("intake") as third:
        assert await claims.claim(third, "replies", None, [], 10) == []
    assert (await rows.see(owed))["attempts"] == 1


async def test_only_the_rows_asked_for_go_out(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    contact = await rows.contact(ONE)
    await rows.owe(contact, "first")
    second = await rows.owe(contact, "second", lane="broadcasts")
    assert await deliver.deliver(jawab, second) == {"sent": 1}
    assert twilio.bodies(ONE) == ["second"]


async def test_a_row_of_the_simulator_is_sent_without_any_network(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    owed = await rows.owe(await rows.contact("browser-1", "try"))
    await drain(jawab, "replies")
    assert (await rows.see(owed))["state"] == "sent"
    assert twilio.posts == 0


async def test_a_provider_that_is_not_set_up_keeps_its_queue(jawab: Jawab, rows: Rows) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    await rows.owner.execute("UPDATE channels SET provider = 'gateway'")
    assert await drain(jawab, "replies") == {"queued": 1}
    assert (await rows.see(owed))["attempts"] == 0


# ── what is refused before it is sent ────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is judged when it is claimed, and not again because a crowded machine made it wait."""
    monkeypatch.setattr(deliver, "RECHECK", 60.0)


@pytest.mark.usefixtures("looked_at_once")
async def test_nothing_goes_to_one_who_has_stopped_or_to_nobody(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    stopped, nobody = await rows.contact("+923001110001"), await rows.contact("+923001110002")
    first, second = await rows.owe(stopped), await rows.owe(nobody)
    await rows.owner.execute("UPDATE contacts SET stopped_at = now() WHERE id = %s", (stopped,))
    await rows.owner.execute("UPDATE contacts SET invalid_at = now() + interval '1 s' WHERE id = %s", (nobody,))
    await drain(jawab, "replies")
    assert (await rows.see(first))["state"] == "withdrawn"
    assert (await rows.see(second))["state"] == "failed"
    assert twilio.posts == 0


async def test_who_writes_again_from_an_address_called_invalid_is_answered(jawab: Jawab, rows: Rows) -> None:
    contact = await rows.contact(ONE)
    await rows.owner.execute("UPDATE contacts SET invalid_at = last_inbound_at - interval '1 day'")
    owed = await rows.owe(contact)
    await drain(jawab, "replies")
    assert (await rows.see(owed))["state"] == "sent"


async def test_outside_whatsapps_24_hours_a_row_is_parked_and_sms_is_not(jawab: Jawab, rows: Rows) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=24)
    whatsapp = await rows.owe(await rows.contact("+923001110001", wrote=long_ago), answer=False)
    never = await rows.owe(await rows.contact("+923001110002", wrote=None), answer=False)
    sms = await rows.owe(await rows.contact("+923001110003", "sms", wrote=None), answer=False)
    await drain(jawab, "replies")
    assert [(await rows.see(owed))["state"] for owed in (whatsapp, never, sms)] == ["parked", "parked", "sent"]
    assert (await rows.see(whatsapp))["attempts"] == 0


async def test_an_office_outside_the_window_is_not_waited_for(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    owed = await rows.owe(await rows.contact(ONE, wrote=None), answer=False)
    await rows.owner.execute("UPDATE outbox SET purpose = 'office'")
    await drain(jawab, "replies")
    assert ((await rows.see(owed))["state"], twilio.posts) == ("failed", 0), "its link goes another way"


async def test_what_waits_for_a_window_too_long_is_let_go(jawab: Jawab, rows: Rows) -> None:
    owed = await rows.owe(await rows.contact(ONE, wrote=None), answer=False)
    await drain(jawab, "replies")
    assert await expire(jawab) == 0
    await rows.owner.execute("UPDATE outbox SET expires_at = now() - interval '1 second'")
    assert await expire(jawab) == 1
    assert (await rows.see(owed))["error"] == "not_reached:expired"


async def test_nothing_stale_goes_out(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    await rows.owner.execute("UPDATE outbox SET expires_at = now() - interval '1 second'")
    await drain(jawab, "replies")
    assert (await rows.see(owed))["state"] == "failed"
    assert twilio.posts == 0


async def test_quiet_hours_hold_what_nobody_asked_for_and_never_an_answer(jawab: Jawab, rows: Rows) -> None:
    now = datetime.now(UTC)
    start, end = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
    await rows.district(timezone="UTC", quiet_from=start, quiet_to=end)
    contact = await rows.contact(ONE)
    unasked, answer = await rows.owe(contact, answer=False), await rows.owe(contact)
    await drain(jawab, "replies")
    held = await rows.see(unasked)
    assert (held["state"], held["attempts"]) == ("queued", 0)
    assert timedelta(minutes=55) < held["due_in"] <= timedelta(hours=1)
    assert (await rows.see(answer))["state"] == "sent"


@pytest.mark.parametrize(
    ("start", "end", "at", "hours"),
    [
        (time(21), time(9), time(22), 11),
        (time(21), time(9), time(3), 6),
        (time(21), time(9), time(9), 0),
        (time(21), time(9), time(12), 0),
        (time(13), time(14), time(13, 30), 0.5),
        (time(13), time(14), time(14), 0),
        (time(9), time(9), time(9), 0),
        (None, None, time(9), 0),
    ],
)
def test_quiet_hours_pass_midnight(start: time | None, end: time | None, at: time, hours: float) -> None:
    assert gate.quiet_for(start, end, at) == hours * 3600


@pytest.mark.usefixtures("looked_at_once")
async def test_an_edition_reaches_only_who_is_still_subscribed(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    edition = await rows.edition()
    stays, left = await rows.contact("+923001110001", weekly=True), await rows.contact("+923001110002")
    for contact in (stays, left):
        await rows.owe(contact, "weekly", lane="broadcasts", answer=False, edition=edition)
    assert await drain(jawab, "broadcasts") == {"sent": 1, "withdrawn": 1}
    assert [taken.to for taken in twilio.ledger] == ["whatsapp:+923001110001"]


@pytest.mark.usefixtures("looked_at_once")
async def test_a_stopped_edition_sends_nothing_more(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    edition = await rows.edition(state="stopped")
    contact = await rows.contact(ONE, weekly=True)
    await rows.owe(contact, lane="broadcasts", answer=False, edition=edition)
    assert await drain(jawab, "broadcasts") == {"withdrawn": 1}
    assert twilio.posts == 0


async def test_stop_in_the_middle_of_a_run_reaches_what_waits_for_its_slot(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    """SMS goes at 10 a second: half of 40 are still waiting when the words STOP come."""
    edition = await rows.edition()
    contacts = [await rows.contact(f"+9230011100{number:02}", "sms", weekly=True) for number in range(40)]
    for contact in contacts:
        await rows.owe(contact, "weekly", lane="broadcasts", answer=False, edition=edition)
    running = asyncio.create_task(drain(jawab, "broadcasts"))
    await twilio.wait_for(12)
    await rows.owner.execute("UPDATE contacts SET weekly_since = NULL, stopped_at = now()")
    at_stop = len(twilio.ledger)
    counts = await running
    assert len(twilio.ledger) - at_stop <= 2
    assert counts["withdrawn"] == 40 - counts["sent"]


async def test_a_poisoned_row_fails_alone(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    contact = await rows.contact(ONE)
    bad = await rows.owe(contact, message={"says": "nonsense"})
    worse = await rows.owe(contact)
    good = await rows.owe(contact, "good")
    await rows.owner.execute("UPDATE outbox SET message = '\\x00' WHERE id = %s", (worse,))
    await drain(jawab, "replies")
    assert [(await rows.see(one))["state"] for one in (bad, worse, good)] == ["failed", "failed", "sent"]
    assert await rows.alarms() == ["message_unreadable", "message_unreadable"]


def test_a_text_is_cut_by_what_providers_count_and_never_in_half_a_character() -> None:
    assert clip("پ" * 1600, 1600) == "پ" * 1600
    assert clip("پ" * 1601, 1600) == "پ" * 1599 + "…"
    cut = clip("😀" * 801, 1600)
    assert len(cut.encode("utf-16-le")) // 2 <= 1600
    assert cut.endswith("😀…")


# ── fates ────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_an_opt_out_at_the_provider_is_recorded_as_the_citizens_will(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    contact = await rows.contact(ONE, weekly=True)
    owed = await rows.owe(contact)
    twilio.fail(STOPPED)
    await drain(jawab, "replies")
    assert (await rows.see(owed))["state"] == "withdrawn"
    seen = await rows.one("SELECT stopped_at, weekly_since FROM contacts WHERE id = %s", contact)
    assert seen["stopped_at"] is not None
    assert seen["weekly_since"] is None
    consent = await rows.one("SELECT topic, granted, method FROM consents WHERE contact_id = %s", contact)
    assert consent == {"topic": "all", "granted": False, "method": "provider"}


async def test_a_number_that_does_not_exist_is_marked_and_not_tried_again(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    contact = await rows.contact(ONE, wrote=datetime.now(UTC) - timedelta(hours=1))
    owed = await rows.owe(contact)
    twilio.fail(NO_SUCH_NUMBER)
    await drain(jawab, "replies")
    second = await rows.owe(contact)
    await drain(jawab, "replies")
    assert [(await rows.see(one))["state"] for one in (owed, second)] == ["failed", "failed"]
    assert twilio.posts == 1


async def test_a_window_that_the_provider_says_is_shut_parks_the_row(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    twilio.fail(WINDOW_SHUT)
    await drain(jawab, "replies")
    assert (await rows.see(owed))["state"] == "parked"


async def test_a_sender_at_its_limit_pauses_broadcasts_and_no_answer(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    edition = await rows.edition()
    weekly = await rows.owe(
        await rows.contact("+923001110001", weekly=True), lane="broadcasts", answer=False, edition=edition
    )
    later = await rows.contact("+923001110002", weekly=True)
    twilio.fail(SENDER_LIMIT)
    assert await drain(jawab, "broadcasts") == {"queued": 1}
    seen = await rows.see(weekly)
    assert (seen["state"], seen["attempts"]) == ("queued", 0)
    assert timedelta(minutes=14) < seen["due_in"] < timedelta(minutes=19)
    await rows.owe(later, lane="broadcasts", answer=False, edition=edition)
    assert await drain(jawab, "broadcasts") == {}
    await rows.owe(await rows.contact(ONE), "an answer")
    assert await drain(jawab, "replies") == {"sent": 1}
    assert await rows.alarms() == ["sender_limit"]


async def test_a_throttled_answer_comes_back_when_the_provider_says_and_loses_no_attempt(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    twilio.fail(Fault(status=429, code=20429, retry_after=30))
    await drain(jawab, "replies")
    seen = await rows.see(owed)
    assert (seen["state"], seen["attempts"]) == ("queued", 0)
    assert timedelta(seconds=29) < seen["due_in"] < timedelta(seconds=38)


async def test_a_wrong_set_up_stops_the_sender_keeps_the_queue_and_alarms_once(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    for number in range(5):
        await rows.owe(await rows.contact(f"+92300111000{number}"), answer=False)
    twilio.fault_for = lambda _: refused(20003, 401)
    assert await drain(jawab, "replies") == {"queued": 5}
    assert await rows.alarms() == ["sender_stopped"]
    assert await rows.states() == {"queued": 5}


@pytest.mark.parametrize(
    "fault", [refused(10001), refused(21660), refused(30002), refused(63051), refused(99999, 403)], ids=str
)
async def test_a_sender_that_is_stopped_sends_nothing_more_and_burns_nothing(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, fault: Fault
) -> None:
    edition = await rows.edition()
    for number in range(3):
        contact = await rows.contact(f"+92300111000{number}", weekly=True)
        await rows.owe(contact, lane="broadcasts", answer=False, edition=edition)
    twilio.fail(fault)
    await drain(jawab, "broadcasts", limit=1)
    until = (await rows.one("SELECT paused_until FROM channels WHERE paused_until IS NOT NULL"))["paused_until"]
    assert until > datetime.now(UTC) + timedelta(minutes=14)
    assert await drain(jawab, "broadcasts") == {}
    assert twilio.posts == 1
    assert await rows.states() == {"queued": 3}
    assert (await rows.one("SELECT max(attempts) AS most FROM outbox"))["most"] == 0
    assert await rows.alarms() == ["sender_stopped"]
    await rows.owner.execute("UPDATE channels SET paused_until = NULL")
    await rows.owner.execute("UPDATE outbox SET due_at = now() - interval '1 second'")
    assert await drain(jawab, "broadcasts") == {"sent": 3}


@pytest.mark.parametrize("code", [63015, 63032])
async def test_whom_the_sandbox_or_an_experiment_leaves_out_waits_without_an_alarm(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, code: int
) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    twilio.fail(refused(code))
    await drain(jawab, "replies")
    assert (await rows.see(owed))["state"] == "parked"
    assert await rows.alarms() == []


async def test_an_answer_of_no_known_code_fails_with_an_alarm_and_stops_nobody(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    for number in range(2):
        await rows.owe(await rows.contact(f"+92300111000{number}"), answer=False)
    twilio.fail(refused(99999, 422))
    assert await drain(jawab, "replies") == {"failed": 1, "sent": 1}
    assert await rows.alarms() == ["message_refused"]


async def test_a_text_the_provider_filters_fails_with_an_alarm(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    twilio.fail(refused(30007))
    await drain(jawab, "replies")
    assert (await rows.see(owed))["state"] == "failed"
    assert await rows.alarms() == ["message_refused"]


async def test_a_transient_failure_is_tried_again_later_and_later_as_long_as_it_is_of_use(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await rows.owe(await rows.contact(ONE), answer=False)
    twilio.fault_for = lambda _: refused(30008)
    waits = []
    for attempt in range(1, 13):
        await rows.owner.execute("UPDATE outbox SET due_at = now() - interval '1 second'")
        await drain(jawab, "replies")
        seen = await rows.see(owed)
        assert seen["attempts"] == attempt
        waits.append(seen["due_in"])
    assert seen["state"] == "queued"
    assert waits[2] > waits[1] > waits[0] >= timedelta(minutes=14)
    assert waits[-1] < timedelta(hours=8)
    await rows.owner.execute("UPDATE outbox SET due_at = now() - interval '1 second', expires_at = now()")
    await drain(jawab, "replies")
    assert [(await rows.see(owed))[name] for name in ("state", "error")] == ["failed", "expired"]
    assert twilio.posts == 12
