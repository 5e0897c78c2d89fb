"""Crashes and answers that never came: the provider is asked before anything is sent again."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from bot import away, deliver, registry
from bot.channels import Account, Channel, Heard, Outbound, Posted, Sent
from bot.channels import twilio as twilio_channel
from bot.deliver import drain, recover
from settings import Settings
from store.jawab import Jawab
from store.outbox import claims
from tests.bot.conftest import Rows
from tests.providers.faults import (
    BROKEN,
    CUT_AFTER_TAKING,
    HANG_AFTER_TAKING,
    Fault,
)
from tests.providers.twilio import FakeTwilio

ONE = "+923001112233"


async def test_an_answer_cut_off_after_the_provider_took_it_makes_no_second_message(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    twilio.fail(CUT_AFTER_TAKING)
    await drain(jawab, "replies")
    seen = await rows.see(owed)
    assert (seen["state"], seen["provider_id"]) == ("sent", twilio.ledger[0].sid)
    assert len(twilio.ledger) == 1


async def test_a_provider_that_breaks_before_taking_it_is_asked_and_then_sent_again(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    twilio.fail(BROKEN)
    assert await drain(jawab, "replies") == {"sending": 1}
    assert await recover(jawab) == {}, "too soon: the provider's list may be behind"
    await rows.owner.execute("UPDATE outbox SET due_at = now()")
    assert await recover(jawab) == {"queued": 1}
    assert await drain(jawab, "replies") == {"sent": 1}
    assert len(twilio.ledger) == 1
    assert twilio.ledger[0].callback.endswith("&n=2")
    assert (await rows.see(owed))["attempts"] == 2


async def test_a_provider_that_takes_a_message_after_we_stopped_waiting_has_it_once(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All in a tenth of its time or less: given up after half a second, taken after one, asked again after two."""
    owed = await rows.owe(await rows.contact(ONE))
    monkeypatch.setitem(twilio_channel.Twilio.__init__.__kwdefaults__ or {}, "timeout", 0.5)
    monkeypatch.setattr(twilio_channel, "TAKES_LATE", 2.0)
    monkeypatch.setattr(deliver, "ASK_AGAIN", 0.1)
    twilio.fail(Fault(hang=1.0))
    assert await drain(jawab, "replies") == {"sending": 1}
    assert twilio.ledger == []
    async with asyncio.timeout(30):
        while (await rows.see(owed))["state"] != "sent":
            await recover(jawab)
            await drain(jawab, "replies")
    assert twilio.posts == 1
    assert len(twilio.ledger) == 1


async def test_a_crash_between_send_and_record_is_asked_about_and_never_sent_twice(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after the provider has taken some rows, before any is recorded, and before it sent the rest."""
    contacts = [await rows.contact(f"+9230011100{number:02}") for number in range(20)]
    owed = [await rows.owe(contact, "the same text for all") for contact in contacts]

    async def lost(*_: Any) -> None:
        raise ConnectionError("the process is gone")

    with monkeypatch.context() as crash:
        crash.setattr(claims, "record", lost)
        twilio.fail(*[BROKEN if number % 2 else None for number in range(20)])
        await drain(jawab, "replies")
    assert await rows.states() == {"sending": 20}
    assert len(twilio.ledger) == 10
    for one in owed:
        await rows.age(one)
    assert await recover(jawab) == {"sent": 10, "queued": 10}
    assert await drain(jawab, "replies") == {"sent": 10}
    assert sorted(taken.to for taken in twilio.ledger) == sorted({taken.to for taken in twilio.ledger})
    assert len(twilio.ledger) == 20
    assert await rows.states() == {"sent": 20}


async def test_the_same_text_twice_to_one_person_is_told_apart_after_a_crash(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = await rows.contact(ONE)
    first = await rows.owe(contact, "again")
    await drain(jawab, "replies")
    second = await rows.owe(contact, "again")

    async def lost(*_: Any) -> None:
        raise ConnectionError("the process is gone")

    with monkeypatch.context() as crash:
        crash.setattr(claims, "record", lost)
        twilio.fail(BROKEN)
        await drain(jawab, "replies")
    await rows.age(second)
    assert await recover(jawab) == {"queued": 1}, "what the provider has belongs to the first"
    await drain(jawab, "replies")
    assert len(twilio.ledger) == 2
    ids = {(await rows.see(one))["provider_id"] for one in (first, second)}
    assert ids == {taken.sid for taken in twilio.ledger}


async def test_while_the_provider_is_away_nothing_in_doubt_is_sent(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    twilio.fail(HANG_AFTER_TAKING)
    await rows.owner.execute("SELECT 1")
    run = asyncio.create_task(drain(jawab, "replies"))
    await twilio.wait_for(1)
    port = twilio.port
    twilio.stop()
    await run
    await rows.age(owed)
    assert await recover(jawab) == {}
    assert (await rows.see(owed))["state"] == "sending"
    twilio.start(port)
    await away.call(jawab)
    await rows.age(owed)
    assert await recover(jawab) == {"sent": 1}
    assert len(twilio.ledger) == 1


async def test_a_claim_at_work_is_not_taken_for_a_crash(jawab: Jawab, rows: Rows) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    async with jawab.db.autocommit("intake") as connection:
        (row,) = await claims.claim(connection, "replies", None, [], 10)
    assert row.id == owed
    assert await recover(jawab, timedelta(0)) == {}


async def test_a_claim_that_grew_old_is_not_sent_on(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    monkeypatch.setattr(deliver, "LEASE", -1.0)
    await drain(jawab, "replies", [owed])
    seen = await rows.see(owed)
    assert (seen["state"], seen["attempts"]) == ("queued", 0)
    assert twilio.posts == 0


async def test_a_claim_that_was_lost_decides_nothing_any_more(jawab: Jawab, rows: Rows) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    async with jawab.db.autocommit("intake") as connection:
        (first,) = await claims.claim(connection, "replies", None, [], 10)
        await rows.owner.execute("UPDATE outbox SET state = 'queued'")
        (second,) = await claims.claim(connection, "replies", None, [], 10)
        await claims.record(connection, [claims.outcome(first, "failed", "late")])
        assert (await rows.see(owed))["state"] == "sending"
        await claims.record(connection, [claims.outcome(second, "parked", "window shut")])
    assert (await rows.see(owed))["state"] == "parked"


async def test_what_went_out_is_recorded_even_where_a_sweep_gave_up_on_it(jawab: Jawab, rows: Rows) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    async with jawab.db.autocommit("intake") as connection:
        (row,) = await claims.claim(connection, "replies", None, [], 10)
        await rows.owner.execute("UPDATE outbox SET state = 'queued', claimed_at = NULL")
        await claims.record(connection, [claims.outcome(row, "failed", "late")])
        assert (await rows.see(owed))["state"] == "queued"
        await claims.record(connection, [claims.outcome(row, "sent", provider_id="SMx")])
    assert (await rows.see(owed))["state"] == "sent"


@pytest.mark.usefixtures("hurried_twilio")
async def test_under_all_faults_at_once_every_message_arrives_exactly_once(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    for number in range(80):
        await rows.owe(await rows.contact(f"+9230011100{number:02}"), f"text {number}")
    throttled = Fault(status=429, code=20429, retry_after=0.1)
    twilio.fail_some([(0.2, throttled), (0.1, BROKEN), (0.05, HANG_AFTER_TAKING), (0.05, CUT_AFTER_TAKING)], seed=7)
    for _ in range(40):
        await drain(jawab, "replies")
        await rows.owner.execute("UPDATE outbox SET due_at = now() WHERE state IN ('queued', 'sending')")
        await recover(jawab)
        if (await rows.states()) == {"sent": 80}:
            break
    assert await rows.states() == {"sent": 80}
    assert sorted(taken.body for taken in twilio.ledger) == sorted(f"text {number}" for number in range(80))


async def test_a_channel_in_memory_stands_in_for_a_provider(
    jawab: Jawab, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract is four functions: whatever has them can carry messages."""
    sent: list[Outbound] = []

    class Memory(Channel):
        provider: ClassVar = "memory"
        kinds: ClassVar = ("sms",)

        @classmethod
        def environment(cls, settings: Settings) -> dict[str, str]:
            return {}

        @classmethod
        def open(cls, account: Account) -> Memory:
            return cls()

        def read(self, posted: Posted) -> Heard:
            return Heard()

        async def send(self, outbound: Outbound) -> Sent:
            sent.append(outbound)
            return Sent(f"M{len(sent)}")

        async def find(self, outbound: Outbound, since: datetime) -> list[str]:
            return []

    monkeypatch.setattr(registry, "PROVIDERS", {"memory": Memory})
    owed = await rows.owe(await rows.contact(ONE, "sms"), "x")
    await rows.owner.execute("UPDATE channels SET provider = 'memory'")
    await drain(jawab, "replies")
    assert [(one.id, one.address, one.text) for one in sent] == [(owed, ONE, "x")]
