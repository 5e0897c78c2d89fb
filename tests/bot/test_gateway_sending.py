"""What a telephone in a cupboard is asked to send, what becomes of it, and what happens while it is off."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bot import away, registry, silence
from bot.channels import SendError
from bot.channels.gateway.preset import PRESETS
from bot.deliver import drain, recover
from clockwork import run_now
from store.jawab import Jawab
from tests.bot.conftest import Rows
from tests.bot.cupboard import CITIZEN, STORY, give, hush, opened, outbound, owe
from tests.providers.faults import CUT_AFTER_TAKING, Fault
from tests.providers.gateway import FakeGateway, Message

LATER = datetime.now(UTC) + timedelta(days=7)


# ── what goes out ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_message_is_asked_for_as_the_api_wants_it(handset: FakeGateway) -> None:
    channel = opened(handset, sim="1")
    one = outbound(expires=datetime.now(UTC) + timedelta(hours=2))
    await channel.send(one)
    await channel.send(outbound(expires=LATER))
    await channel.close()
    first, second = (message.posted for message in handset.messages.values())
    assert 7190 <= first.pop("ttl") <= 7200
    assert second["ttl"] == 72_000, "the maker's cloud takes nothing more for a telephone once something waits a day"
    assert first == {
        "id": one.id.hex,
        "phoneNumbers": [CITIZEN],
        "textMessage": {"text": one.text},
        "withDeliveryReport": True,
        "simNumber": 1,
    }


async def test_a_message_that_was_taken_before_the_line_broke_is_one_message(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    channel = await give(jawab, handset)
    owed = await owe(jawab, rows, channel)
    handset.faults.append(CUT_AFTER_TAKING)
    assert await drain(jawab, "replies") == {"sent": 1}
    assert handset.asked == [owed.hex], "it was asked after, not sent again"
    await handset.work(hooks)
    assert (await rows.see(owed))["state"] == "delivered"
    assert len(handset.messages) == 1


async def test_what_is_sent_again_after_a_doubt_is_still_one_message(
    jawab: Jawab, rows: Rows, handset: FakeGateway, demo: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider is asked too early, and has it a moment later: our id makes the second try the same message."""
    channel = await give(jawab, handset)
    owed = await owe(jawab, rows, channel)
    handset.faults.append(Fault(cut=True))
    await drain(jawab, "replies")
    assert (await rows.see(owed))["state"] == "sending"
    await rows.age(owed)
    await recover(jawab)
    late = {"id": owed.hex, "phoneNumbers": [CITIZEN], "textMessage": {"text": "پانی"}, "withDeliveryReport": True}
    handset._take(late)
    await drain(jawab, "replies")
    seen = await rows.see(owed)
    assert (seen["state"], seen["attempts"]) == ("sent", 2)
    assert list(handset.messages) == [owed.hex]


async def test_a_message_that_failed_at_the_telephone_goes_again_as_a_new_one(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    channel = await give(jawab, handset)
    owed = await owe(jawab, rows, channel)
    await drain(jawab, "replies")
    await handset.work(hooks, "failed", "generic")
    seen = await rows.see(owed)
    assert (seen["state"], seen["error"]) == ("queued", "GENERIC_FAILURE")
    assert timedelta(minutes=14) < seen["due_in"] < timedelta(minutes=20)
    await rows.owner.execute("UPDATE outbox SET due_at = now()")
    assert await drain(jawab, "replies") == {"sent": 1}
    assert list(handset.messages) == [owed.hex, f"{owed.hex}-2"]
    assert await handset.tell(hooks, handset.receipt(owed.hex, "failed", "generic")) == [
        200
    ]  # the first one's, once more
    assert (await rows.see(owed))["state"] == "sent"
    await handset.work(hooks)
    assert (await rows.see(owed))["state"] == "delivered"


async def test_receipts_come_in_any_order_and_as_often_as_they_like(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    channel = await give(jawab, handset)
    owed = await owe(jawab, rows, channel, STORY)
    await drain(jawab, "replies")
    for kind in ("delivered", "sent", "delivered", "sent"):
        assert await handset.tell(hooks, handset.receipt(owed.hex, kind)) == [200]
        assert (await rows.see(owed))["state"] == "delivered"
    assert await handset.post(hooks, handset.receipt("zXDYfTmTVf3iMd16zzdBj", "delivered")) == 200
    assert await handset.post(hooks, handset.receipt(uuid.uuid4().hex, "failed", "number")) == 200
    assert await rows.states() == {"delivered": 1}


@pytest.mark.parametrize(
    ("reason", "state", "alarm", "paused", "invalid"),
    [
        ("no service", "queued", "sender_limit", True, False),
        ("limit", "queued", "sender_limit", True, False),
        ("no sim", "queued", "sender_stopped", True, False),
        ("expired", "queued", None, False, False),
        ("number", "failed", None, False, True),
        ("gone", "failed", None, False, True),
        ("The moon was in the way", "failed", "message_refused", False, False),
    ],
)
async def test_the_telephones_own_reason_decides(
    reason: str,
    state: str,
    alarm: str | None,
    paused: bool,
    invalid: bool,
    jawab: Jawab,
    rows: Rows,
    hooks: httpx.AsyncClient,
    handset: FakeGateway,
    demo: SimpleNamespace,
) -> None:
    channel = await give(jawab, handset)
    owed = await owe(jawab, rows, channel)
    await drain(jawab, "replies")
    await handset.work(hooks, "failed", reason)
    assert (await rows.see(owed))["state"] == state
    assert await rows.alarms() == ([alarm] if alarm else [])
    row = await rows.one("SELECT paused_until > now() AS paused FROM channels WHERE id = %s", channel)
    assert bool(row["paused"]) == paused
    assert bool((await rows.one("SELECT invalid_at FROM contacts"))["invalid_at"]) == invalid


@pytest.mark.parametrize(
    ("fault", "fate", "wait", "code"),
    [
        (Fault(status=401), "stop", 900, "401"),
        (Fault(status=403), "stop", 900, "403"),
        (Fault(status=404), "stop", 900, "404"),
        (Fault(status=400), "refused", 0, "400"),
        (Fault(status=413), "refused", 0, "413"),
        (Fault(status=429), "later", 5, "429"),
        (Fault(status=503), "later", 300, "503"),
        (Fault(status=500), "unsure", 0, "500"),
        (Fault(status=502), "unsure", 0, "502"),
        (Fault(cut=True), "unsure", 0, "unanswered"),
    ],
)
async def test_fates_of_the_apis_answers(handset: FakeGateway, fault: Fault, fate: str, wait: float, code: str) -> None:
    channel = opened(handset)
    handset.faults.append(fault)
    with pytest.raises(SendError) as error:
        await channel.send(outbound())
    await channel.close()
    assert (error.value.fate, error.value.wait, error.value.code) == (fate, wait, code)


async def test_what_the_api_says_about_waiting_wins(handset: FakeGateway) -> None:
    channel = opened(handset)
    handset.faults.append(Fault(status=429, retry_after=7))
    with pytest.raises(SendError) as error:
        await channel.send(outbound())
    await channel.close()
    assert error.value.retry_after == 7


async def test_a_device_that_the_account_does_not_have_stops_the_sender(handset: FakeGateway) -> None:
    channel = opened(handset, device="another-device")
    with pytest.raises(SendError) as error:
        await channel.send(outbound())
    await channel.close()
    assert (error.value.fate, error.value.code) == ("stop", "400")


@pytest.mark.parametrize("answer", [{"id": "another"}, {}, [], "x"])
async def test_an_answer_that_does_not_name_our_message_is_a_doubt(
    handset: FakeGateway, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = opened(handset)
    one = outbound()
    monkeypatch.setattr(Message, "resource", lambda _: answer)
    with pytest.raises(SendError) as error:
        await channel.send(one)
    assert error.value.fate == "unsure"
    monkeypatch.undo()
    assert await channel.find(one, datetime.now(UTC)) == [one.id.hex]
    await channel.close()


async def test_after_a_failure_only_the_newest_try_is_found(handset: FakeGateway) -> None:
    channel = opened(handset)
    one = outbound()
    await channel.send(one)
    handset.messages[one.id.hex].state = "Failed"
    again = dataclasses.replace(one, attempt=2)
    assert await channel.find(again, datetime.now(UTC)) == []
    await channel.send(again)
    assert await channel.find(again, datetime.now(UTC)) == [f"{one.id.hex}-2"]
    await channel.close()


async def test_a_text_beyond_what_a_telephone_sends_is_refused_and_somebody_hears_of_it(
    jawab: Jawab, rows: Rows, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    channel = await give(jawab, handset)
    most = PRESETS["smsgate"].parts_most
    fits, beyond = [await owe(jawab, rows, channel, "پ" * length) for length in (67 * most, 67 * most + 1)]
    await drain(jawab, "replies")
    assert (await rows.see(fits))["state"] == "sent"
    refused = await rows.see(beyond)
    assert (refused["state"], refused["error"]) == ("failed", "too_long")
    assert await rows.alarms() == ["message_refused"]


async def test_what_nobody_waits_for_goes_at_one_part_a_second(
    jawab: Jawab, rows: Rows, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    channel = await give(jawab, handset)
    for text in ("پ" * 100, "x", "x"):
        await owe(jawab, rows, channel, text, answer=False)
    await drain(jawab, "replies")
    first, second, third = (message.arrived for message in handset.messages.values())
    lengths = [len(message.text) for message in handset.messages.values()]
    gaps = [second - first, third - second]
    assert [gap > (1.9 if length == 100 else 0.9) for gap, length in zip(gaps, lengths, strict=False)] == [True, True]


# ── the telephone is off ─────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_telephone_that_is_off_is_seen_told_of_once_and_sends_again_when_it_is_back(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    channel = await give(jawab, handset)
    assert await handset.tell(hooks, handset.ping()) == [200]
    handset.offline = True
    for minutes, alarms in ((14, []), (16, ["channel_silent"]), (60, ["channel_silent"])):
        await hush(rows, channel, minutes)
        await rows.owner.execute("UPDATE channels SET paused_until = NULL")
        await silence.watch(jawab)
        await run_now(jawab, "watch_channels")
        assert await rows.alarms() == alarms
    news = await owe(jawab, rows, channel, "news", answer=False)
    gone = await owe(jawab, rows, channel, "stale", answer=False)
    await rows.owner.execute("UPDATE outbox SET expires_at = now() WHERE id = %s", (gone,))
    await drain(jawab, "replies")
    assert (await rows.see(news))["state"] == "queued", "kept here, where it can still be withdrawn"
    answer = await owe(jawab, rows, channel, "an answer")
    await drain(jawab, "replies")
    assert handset.texts() == ["an answer"], "an answer waits at the gateway: the telephone may be back any moment"
    assert (await rows.see(answer))["state"] == "sent"

    handset.offline = False
    await registry.close()  # this process may note a sign of life once a minute
    assert await handset.tell(hooks, handset.ping()) == [200]
    await silence.watch(jawab)
    assert (await rows.one("SELECT cleared_at FROM alarms"))["cleared_at"] is not None
    await rows.owner.execute("UPDATE channels SET paused_until = now()")  # two minutes later
    await drain(jawab, "replies")
    assert await handset.work(hooks) == ["an answer", "news"]
    assert [(await rows.see(one))["state"] for one in (answer, news, gone)] == ["delivered", "delivered", "failed"]
    assert (await rows.see(gone))["error"] == "expired"


async def test_a_telephone_that_promises_no_sign_of_life_is_never_called_silent(
    jawab: Jawab, rows: Rows, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    channel = await give(jawab, handset, ping="0")
    await hush(rows, channel, 10_000)
    await silence.watch(jawab)
    assert await rows.alarms() == []


async def test_a_gateway_that_cannot_be_reached_keeps_the_queue_and_is_told_of_once(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    channel = await give(jawab, handset)
    owed = [await owe(jawab, rows, channel, "an answer"), await owe(jawab, rows, channel, "news", answer=False)]
    handset.stop()
    for _ in range(3):
        await rows.owner.execute("UPDATE channels SET away_since = NULL")
        await drain(jawab, "replies")
    assert [(await rows.see(one))["state"] for one in owed] == ["queued", "queued"]
    assert await rows.alarms() == ["provider_away"]
    handset.start(handset.port)
    await away.call(jawab)
    await drain(jawab, "replies")
    await drain(jawab, "replies")
    assert sorted(await handset.work(hooks)) == ["an answer", "news"]


async def test_the_gateway_is_told_until_when_a_message_is_of_use(
    jawab: Jawab, rows: Rows, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    owed = await owe(jawab, rows, await give(jawab, handset))
    await rows.owner.execute("UPDATE outbox SET expires_at = now() + interval '1 hour'")
    await drain(jawab, "replies")
    assert 3500 < handset.messages[owed.hex].posted["ttl"] <= 3600


async def test_a_message_that_waited_too_long_at_the_gateway_goes_again(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    channel = await give(jawab, handset)
    owed = await owe(jawab, rows, channel)
    await drain(jawab, "replies")
    handset.messages[owed.hex].until = datetime.now(UTC) - timedelta(seconds=1)
    assert await handset.work(hooks) == []
    assert (await rows.see(owed))["state"] == "queued"
    await rows.owner.execute("UPDATE outbox SET due_at = now()")
    await drain(jawab, "replies")
    assert await handset.work(hooks) == ["پانی"]
    assert (await rows.see(owed))["state"] == "delivered"
