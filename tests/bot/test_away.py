"""The provider away: what is owed waits, loses no attempt, keeps its order, and goes out once when somebody answers."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from bot import away
from bot.deliver import drain, recover
from store.jawab import Jawab
from tests.bot.conftest import Rows
from tests.providers.faults import HANG, Fault, refused
from tests.providers.twilio import FakeTwilio

ONE = "+923001112233"


async def pass_time(rows: Rows, hours: float) -> None:
    """As if so many hours had gone by: every moment in the tables is that much longer ago."""
    await rows.owner.execute(
        "UPDATE outbox SET due_at = due_at - %(gone)s::interval, created_at = created_at - %(gone)s::interval,"
        " claimed_at = claimed_at - %(gone)s::interval, expires_at = expires_at - %(gone)s::interval",
        {"gone": f"{hours} hours"},
    )
    await rows.owner.execute("UPDATE channels SET away_since = away_since - %s::interval", (f"{hours} hours",))


async def drain_all(jawab: Jawab, times: int = 6) -> None:
    for _ in range(times):
        for lane in ("replies", "broadcasts"):
            await drain(jawab, lane, limit=5000)


async def test_while_nobody_listens_nothing_fails_nothing_is_tried_and_one_alarm_stands(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    twilio.stop()
    texts = ["first", "second", "third"]
    contact = await rows.contact(ONE)
    owed = [await rows.owe(contact, text, answer=text != "second") for text in texts]
    other = await rows.owe(await rows.contact("+923001112244", "sms"), "by SMS")
    await asyncio.gather(*(drain(jawab, "replies") for _ in range(3)))
    for _ in range(3):
        await away.call(jawab)
        await pass_time(rows, 1)
        assert await drain(jawab, "replies") == {}, "nothing is claimed while nobody answers"
    for one in (*owed, other):
        seen = await rows.see(one)
        assert (seen["state"], seen["attempts"]) == ("queued", 0)
    assert await rows.alarms() == ["provider_away"]
    assert (await rows.one("SELECT cleared_at FROM alarms"))["cleared_at"] is None

    twilio.start(twilio.port)
    await away.call(jawab)
    await drain_all(jawab)
    assert twilio.bodies(ONE) == texts
    assert await rows.states() == {"sent": 4}
    assert (await rows.one("SELECT cleared_at FROM alarms"))["cleared_at"] is not None
    assert (await rows.one("SELECT count(*) FROM channels WHERE away_since IS NOT NULL"))["count"] == 0


async def test_an_edition_and_conversations_come_through_two_hours_whole(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.pacing.Pace.sender", _at_once)
    edition = await rows.edition()
    people = [f"+92300{number:07}" for number in range(400)]
    for number in people:
        contact = await rows.contact(number, weekly=True)
        await rows.owe(contact, f"week for {number}", lane="broadcasts", answer=False, edition=edition)
    twilio.stop()
    talkers = people[:20]
    for turn in range(3):
        for number in talkers:
            await rows.owe(await rows.contact(number, weekly=True), f"reply {turn}")
        await drain_all(jawab, 1)
        await pass_time(rows, 40 / 60)
        await away.call(jawab)
    assert await rows.states() == {"queued": 460}
    assert (await rows.one("SELECT max(attempts) AS most FROM outbox"))["most"] == 0
    twilio.start(twilio.port)
    await away.call(jawab)
    await drain_all(jawab)
    assert await rows.states() == {"sent": 460}
    assert len(twilio.ledger) == len({taken.sid for taken in twilio.ledger}) == 460
    for number in talkers:
        replies = [body for body in twilio.bodies(number) if body.startswith("reply")]
        assert replies == ["reply 0", "reply 1", "reply 2"]
    assert len([one for one in twilio.ledger if one.body.startswith("week")]) == 400
    assert await rows.alarms() == ["provider_away"]


async def _at_once(*_: object, **__: object) -> float:
    return 0.0


async def test_what_is_of_no_use_any_more_when_somebody_answers_is_let_go(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    twilio.stop()
    old = await rows.owe(await rows.contact(ONE), "too late")
    await drain(jawab, "replies")
    await pass_time(rows, 24 * 7 + 1)
    new = await rows.owe(await rows.contact(ONE), "in time")
    twilio.start(twilio.port)
    await away.call(jawab)
    await drain_all(jawab)
    assert [(await rows.see(one))["state"] for one in (old, new)] == ["failed", "sent"]
    assert (await rows.see(old))["error"] == "expired"
    assert twilio.bodies(ONE) == ["in time"]


@pytest.mark.usefixtures("hurried_twilio")
async def test_a_provider_that_takes_connections_and_never_answers_is_away_too(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    twilio.fault_for = lambda _: HANG
    twilio.asked_fault = HANG
    owed = await rows.owe(await rows.contact(ONE), "may have gone out")
    later = [await rows.owe(await rows.contact(f"+92300111000{n}"), "waits") for n in range(3)]
    await drain(jawab, "replies", [owed])
    assert (await rows.see(owed))["state"] == "sending"
    assert await rows.alarms() == ["provider_away"]
    posts = twilio.posts
    await drain_all(jawab, 2)
    await rows.age(owed)
    assert await recover(jawab) == {}, "nobody is asked while nobody answers"
    assert twilio.posts == posts
    assert [(await rows.see(one))["attempts"] for one in later] == [0, 0, 0]
    twilio.fault_for = None
    twilio.asked_fault = None
    await away.call(jawab)
    await recover(jawab)
    await drain_all(jawab)
    assert await rows.states() == {"sent": 4}
    assert twilio.bodies(ONE) == ["may have gone out"]


async def test_a_provider_whose_every_answer_is_a_fault_of_its_own_is_still_away(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    twilio.stop()
    await rows.owe(await rows.contact(ONE))
    await drain(jawab, "replies")
    twilio.start(twilio.port)
    twilio.asked_fault = Fault(status=503)
    await away.call(jawab)
    assert await drain(jawab, "replies") == {}
    twilio.asked_fault = None
    await away.call(jawab)
    assert await drain(jawab, "replies") == {"sent": 1}


async def test_an_account_that_is_refused_answers_and_is_not_away(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    twilio.stop()
    await rows.owe(await rows.contact(ONE))
    await drain(jawab, "replies")
    twilio.start(twilio.port)
    twilio.asked_fault = refused(20003, 401)
    await away.call(jawab)
    assert await drain(jawab, "replies") == {"sent": 1}


async def test_a_retired_number_is_not_called_for_ever(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    twilio.stop()
    await rows.owe(await rows.contact(ONE))
    await drain(jawab, "replies")
    await rows.owner.execute("UPDATE channels SET retired_at = now()")
    await away.call(jawab)
    assert (await rows.one("SELECT count(*) FROM channels WHERE away_since IS NOT NULL"))["count"] == 0


# ── one person's order ───────────────────────────────────────────────────────────────────────────────────────────────
async def test_one_persons_messages_go_in_their_order_whoever_claims_them(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    contact = await rows.contact(ONE)
    texts = [f"text {number}" for number in range(6)]
    for number, text in enumerate(texts):
        await rows.owe(contact, text, answer=number % 2 == 0)
    for _ in range(6):
        await asyncio.gather(*(drain(jawab, "replies") for _ in range(4)))
    assert twilio.bodies(ONE) == texts


async def test_an_answer_waits_for_no_news_that_are_held_and_for_no_send_that_never_ended(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    contact = await rows.contact(ONE)
    news = await rows.owe(contact, "news", answer=False)
    await rows.owner.execute("UPDATE channels SET paused_until = now() + interval '1 hour'")
    lost = await rows.owe(contact, "lost in a crash")
    await rows.owner.execute(
        "UPDATE outbox SET state = 'sending', claimed_at = now() - interval '30 seconds' WHERE id = %s", (lost,)
    )
    await rows.owe(contact, "answer")
    assert await drain(jawab, "replies") == {"sent": 1}
    assert twilio.bodies(ONE) == ["answer"]
    assert (await rows.see(news))["state"] == "queued"


async def test_an_answer_waits_for_the_one_before_it_that_is_being_sent(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    contact = await rows.contact(ONE)
    first = await rows.owe(contact, "first")
    await rows.owner.execute("UPDATE outbox SET state = 'sending', claimed_at = now() WHERE id = %s", (first,))
    second = await rows.owe(contact, "second")
    assert await drain(jawab, "replies", [second]) == {}
    assert (await rows.see(second))["state"] == "queued"
    assert isinstance(first, uuid.UUID)
