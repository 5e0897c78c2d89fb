"""Receipts: in any order, any number of times, before our own request is answered, and never backwards."""

from __future__ import annotations

import asyncio
import random
import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from bot.channels import Receipt
from bot.channels.twilio import meaning
from bot.deliver import drain
from bot.receipts import Receipts, write
from store.jawab import Jawab
from store.outbox import claims
from tests.bot.conftest import Rows
from tests.providers.twilio import FakeTwilio

ONE = "+923001112233"


async def sent(jawab: Jawab, rows: Rows, kind: str = "whatsapp") -> tuple[uuid.UUID, str]:
    """A row that the provider has taken: (outbox id, provider id)."""
    owed = await rows.owe(await rows.contact(ONE, kind))
    await drain(jawab, "replies", [owed])
    return owed, (await rows.see(owed))["provider_id"]


def failed(owed: uuid.UUID, attempt: int, sid: str, state: str, code: int) -> Receipt:
    """A failure as the channel reads it."""
    fate, wait = meaning(str(code or ""))
    return Receipt(owed, attempt, sid, state, fate, wait, str(code or ""))


async def take(jawab: Jawab, *receipts: Receipt) -> None:
    async with jawab.db.transaction("intake") as tx:
        await write(tx, receipts)


async def test_receipts_move_a_row_forward(jawab: Jawab, rows: Rows) -> None:
    owed, sid = await sent(jawab, rows)
    for state, seen in [("sent", "sent"), ("delivered", "delivered"), ("sent", "delivered"), ("read", "read")]:
        await take(jawab, Receipt(owed, 1, sid, state))
        assert (await rows.see(owed))["state"] == seen


async def test_a_failure_after_the_proof_of_delivery_changes_nothing(jawab: Jawab, rows: Rows) -> None:
    owed, sid = await sent(jawab, rows)
    await take(jawab, Receipt(owed, 1, sid, "delivered"))
    await take(jawab, failed(owed, 1, sid, "failed", 21610))
    assert (await rows.see(owed))["state"] == "delivered"
    assert (await rows.one("SELECT stopped_at FROM contacts"))["stopped_at"] is None


async def test_a_proof_of_delivery_after_a_failure_wins(jawab: Jawab, rows: Rows) -> None:
    owed, sid = await sent(jawab, rows)
    await take(jawab, failed(owed, 1, sid, "undelivered", 30003))
    await take(jawab, Receipt(owed, 1, sid, "delivered"))
    assert (await rows.see(owed))["state"] == "delivered"


async def test_a_receipt_about_nothing_or_about_another_message_does_nothing(jawab: Jawab, rows: Rows) -> None:
    owed, sid = await sent(jawab, rows)
    await take(jawab, Receipt(uuid.uuid4(), 1, sid, "read"), Receipt(owed, 1, "SM" + "0" * 32, "read"))
    assert (await rows.see(owed))["state"] == "sent"


async def test_a_receipt_that_overtakes_the_answer_to_our_own_request_is_kept(jawab: Jawab, rows: Rows) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    async with jawab.db.autocommit("intake") as connection:
        (row,) = await claims.claim(connection, "replies", None, [], 1)
        await take(jawab, Receipt(owed, 1, "SMfast", "delivered"))
        await claims.record(connection, [claims.outcome(row, "sent", provider_id="SMfast")])
    seen = await rows.see(owed)
    assert (seen["state"], seen["provider_id"]) == ("delivered", "SMfast")


async def test_a_receipt_resolves_a_row_whose_sender_died(jawab: Jawab, rows: Rows) -> None:
    owed = await rows.owe(await rows.contact(ONE))
    async with jawab.db.autocommit("intake") as connection:
        await claims.claim(connection, "replies", None, [], 1)
    await take(jawab, Receipt(owed, 1, "SMx", "sent"))
    assert (await rows.see(owed))["state"] == "sent"


async def test_a_late_receipt_of_the_first_attempt_is_not_taken_for_one_of_the_second(jawab: Jawab, rows: Rows) -> None:
    owed, sid = await sent(jawab, rows)
    await take(jawab, failed(owed, 1, sid, "undelivered", 30003))
    assert (await rows.see(owed))["state"] == "queued"
    for state in ("sent", "undelivered"):
        await take(
            jawab, failed(owed, 1, sid, state, 30003) if state == "undelivered" else Receipt(owed, 1, sid, state)
        )
        assert (await rows.see(owed))["state"] == "queued"
    await rows.owner.execute("UPDATE outbox SET due_at = now()")
    async with jawab.db.autocommit("intake") as connection:
        await claims.claim(connection, "replies", None, [], 1)
    await take(jawab, failed(owed, 1, sid, "failed", 21610))
    assert (await rows.see(owed))["state"] == "sending"
    await take(jawab, Receipt(owed, 2, "SMsecond", "sent"))
    assert (await rows.see(owed))["provider_id"] == "SMsecond"


@pytest.mark.parametrize(
    ("code", "state", "alarm"),
    [
        (30003, "queued", []),
        (63018, "queued", ["sender_limit"]),
        (20003, "queued", ["sender_stopped"]),
        (30002, "queued", ["sender_stopped"]),
        (63016, "parked", []),
        (63015, "parked", []),
        (63032, "parked", []),
        (30999, "queued", []),
        (63999, "queued", []),
        (21610, "undelivered", []),
        (30006, "undelivered", []),
        (30007, "undelivered", ["message_refused"]),
        (0, "undelivered", ["message_refused"]),
    ],
)
async def test_a_carriers_failure_has_the_fate_of_its_code(
    jawab: Jawab, rows: Rows, code: int, state: str, alarm: list[str]
) -> None:
    owed, sid = await sent(jawab, rows)
    for _ in range(2):  # twice has the effect of once
        await take(jawab, failed(owed, 1, sid, "undelivered", code))
    assert (await rows.see(owed))["state"] == state
    assert await rows.alarms() == alarm
    contact = await rows.one(
        "SELECT stopped_at IS NOT NULL AS stopped, invalid_at IS NOT NULL AS invalid FROM contacts"
    )
    assert contact == {"stopped": code == 21610, "invalid": code == 30006}


async def test_a_carrier_that_fails_each_time_is_tried_over_hours_and_then_given_up(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await rows.owe(await rows.contact(ONE, "sms"))
    for attempt in range(1, 5):
        await rows.owner.execute("UPDATE outbox SET due_at = now()")
        await drain(jawab, "replies")
        await take(jawab, failed(owed, attempt, twilio.ledger[-1].sid, "undelivered", 30003))
        seen = await rows.see(owed)
        assert seen["state"] == ("queued" if attempt < 4 else "undelivered")
        if attempt < 4:
            assert seen["due_in"] > timedelta(minutes=14) * 2 ** (attempt - 1)
    assert await rows.alarms() == ["message_failed"]


async def test_receipts_shuffled_and_doubled_end_where_those_in_order_end(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    """300 messages with four to six receipts each, each of them once or twice, in eight hands at once."""
    dice = random.Random(20261121)
    stories = [["sent"], ["sent", "delivered"], ["sent", "delivered", "read"], ["sent", "undelivered"], ["failed"]]
    for number in range(300):
        await rows.owe(await rows.contact(f"+923001{number:06}"), str(number))
    await drain(jawab, "replies", limit=1000)
    ids = {
        provider_id: outbox_id
        for outbox_id, provider_id in await (await rows.owner.execute("SELECT id, provider_id FROM outbox")).fetchall()
    }
    expected: dict[Any, str] = {}
    receipts: list[Receipt] = []
    for taken in twilio.ledger:
        story = dice.choice(stories)
        expected[ids[taken.sid]] = story[-1]
        receipts += [Receipt(ids[taken.sid], 1, taken.sid, state) for state in story for _ in range(dice.randint(1, 2))]
    dice.shuffle(receipts)
    hands = [Receipts(jawab) for _ in range(2)]
    await asyncio.gather(*(dice.choice(hands).take(receipt) for receipt in receipts))
    found = dict(await (await rows.owner.execute("SELECT id, state FROM outbox")).fetchall())
    assert found == expected


async def test_two_ids_for_one_row_in_one_batch_are_settled_one_after_the_other(jawab: Jawab, rows: Rows) -> None:
    owed, sid = await sent(jawab, rows)
    await take(jawab, Receipt(owed, 1, "SMother", "read"), Receipt(owed, 1, sid, "delivered"))
    seen = await rows.see(owed)
    assert (seen["state"], seen["provider_id"]) == ("delivered", sid)


async def test_a_receipt_is_answered_only_once_it_is_durable(
    jawab: Jawab, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    owed, sid = await sent(jawab, rows)
    receipts = Receipts(jawab)

    async def away(*_: Any) -> None:
        raise psycopg.OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr("bot.receipts.write", away)
        with pytest.raises(psycopg.OperationalError):
            await receipts.take(Receipt(owed, 1, sid, "read"))
    await receipts.take(Receipt(owed, 1, sid, "read"))
    assert (await rows.see(owed))["state"] == "read"
