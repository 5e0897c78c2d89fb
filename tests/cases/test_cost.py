"""What messages cost: only what a source says, and of what nobody says the messages."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest

from broadcast import price
from broadcast.renderings import Heading
from cases import calendar, commands, cost, spending
from cases.cost import Allowance, Rate, Sent
from store.jawab import Jawab
from tests.conftest import Owner

DAY = date(2026, 11, 26)


def rate(who: str, amount: str | None, **more: str) -> Rate:
    values = {"kind": "whatsapp", "country": "*", "category": "*", "direction": "out", "unit": "message"} | more
    since = date.fromisoformat(values.pop("since", "2026-01-01"))
    return Rate(who, **values, amount=Decimal(amount) if amount else None, currency="USD", valid_from=since, source="s")


def test_no_amount_on_the_card_is_without_its_source() -> None:
    assert cost.rates()
    for one in cost.rates():
        assert (one.amount is None) == (not one.source)
        assert one.amount is None or (one.amount > 0 and one.currency)
    assert all(one.source for one in cost.allowances())


def test_what_has_no_known_rate_is_told_in_messages() -> None:
    bill = cost.reckon([Sent("twilio", "whatsapp", "service", 9)], DAY)
    assert (bill.messages, bill.unpriced, bill.whole) == (9, 9, False)
    assert bill.money == {"USD": Decimal("0.045")}
    assert spending.tell(bill) == "9 messages, 9 without a known rate, at least 0.045 USD"
    heard = cost.reckon([Sent("twilio", "whatsapp", "service", 9, direction="in")], DAY)
    assert heard.whole
    assert spending.tell(heard) == "0.045 USD"
    unknown = cost.reckon([Sent("carrier-pigeon", "sms", "*", 2, parts=3)], DAY)
    assert (unknown.parts, unknown.money, unknown.whole) == (6, {}, False)
    assert spending.tell(cost.reckon([], DAY)) == "nothing"


def test_the_newest_rate_that_holds_on_the_day_counts_and_the_countrys_own_before_any() -> None:
    card = [
        rate("twilio", "0.01"),
        rate("twilio", "0.02", since="2026-11-01"),
        rate("twilio", "0.09", since="2027-01-01"),
        rate("meta", "0.5"),
        rate("meta", "0.1", country="PK", category="service"),
        rate("meta", "0.3", country="PK", category="marketing", unit="message"),
        rate("meta", "7", country="IN", category="service"),
    ]
    assert cost.reckon([Sent("twilio", "whatsapp", "service", 10)], DAY, card=card).money == {"USD": Decimal("1.2")}
    assert cost.reckon([Sent("twilio", "whatsapp", "marketing", 10)], DAY, card=card).money == {"USD": Decimal("3.2")}
    before = cost.reckon([Sent("twilio", "whatsapp", "service", 10)], date(2026, 6, 1), card=card)
    assert before.money == {"USD": Decimal("1.1")}
    sms = [rate("gateway", "2", kind="sms", unit="part")]
    assert cost.reckon([Sent("gateway", "sms", "*", 3, parts=2)], DAY, card=sms).money == {"USD": Decimal(12)}


def test_an_edition_is_priced_before_it_goes_out() -> None:
    heading = Heading({"en": "Pishin", "ur": "پشین"}, "2026-11-22")
    items = [{"section": "did", "key": "edition.did.none", "values": {}, "cases": []}]
    readers = {("whatsapp", "ur"): 20, ("sms", "ps"): 10, ("sms", ""): 1}
    bill = price.of_edition(items, heading, readers, {"whatsapp": "twilio", "sms": "twilio"}, DAY)
    assert bill.messages == 31
    assert bill.parts >= 31
    assert bill.money == {"USD": Decimal("0.1")}, "Twilio's own; of Meta's and of an SMS no rate is known"
    assert bill.unpriced == 31


@pytest.mark.parametrize(("month", "first"), [("2026-12", "2026-11-30T19:00:00+00:00")])
def test_a_month_begins_at_its_midnight(month: str, first: str) -> None:
    begins, ends = calendar.month(month)
    assert begins.isoformat() == first
    assert ends.isoformat() == "2026-12-31T19:00:00+00:00"
    with pytest.raises(ValueError, match="month"):
        calendar.month("2026-13")


@pytest.fixture
def send(
    owner: Owner, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]]
) -> Callable[..., Awaitable[None]]:
    """Messages that left one number."""

    async def make(count: int, at: datetime, *, kind: str = "whatsapp", case_id: UUID | None = None) -> None:
        contact_id = await person()
        await owner.execute(
            "UPDATE contacts SET channel_id = (SELECT id FROM channels WHERE kind = %s) WHERE id = %s",
            (kind, contact_id),
        )
        for _ in range(count):
            await owner.execute(
                "INSERT INTO outbox (id, contact_id, lane, purpose, case_id, lang, message, state, sent_at)"
                " VALUES (%s, %s, 'replies', 'reply', %s, 'ur', '', 'sent', %s)",
                (uuid.uuid4(), contact_id, case_id, at),
            )

    return make


async def test_the_doctor_says_when_a_months_free_messages_are_nearly_used(
    jawab: Jawab, send: Callable[..., Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = Allowance("meta", "whatsapp", "service", 10, date(2026, 10, 1), "a source")
    monkeypatch.setattr(cost, "allowances", lambda: (free,))
    now = datetime.now(UTC)
    begins, _ = calendar.month(f"{calendar.day_of(now):%Y-%m}")
    await send(30, begins - timedelta(minutes=1))
    await send(30, now, kind="sms")
    await send(7, max(begins, now - timedelta(hours=1)))
    assert await commands.find_wrong(jawab) == []
    await send(1, now - timedelta(seconds=1))
    (found,) = await commands.find_wrong(jawab)
    assert found["kind"] == "free_messages +14155238886: 8 of 10 service messages this month (a source)"


async def test_messages_for_each_report_and_for_a_case(
    jawab: Jawab, send: Callable[..., Awaitable[None]], opened: Callable[..., Awaitable[UUID]]
) -> None:
    at = datetime(2026, 11, 23, 9, tzinfo=UTC)
    ids = [await opened("water", at=at) for _ in range(2)]
    await send(9, at)
    await send(4, at, case_id=ids[0])
    async with jawab.db.autocommit("console") as conn:
        found = await spending.for_each_report(conn, "pishin", at, at + timedelta(days=1))
        bill = await spending.of_case(conn, ids[0], DAY)
    assert (found.messages, found.reports, found.each) == (13, 2, 6.5)
    assert bill.messages == 4
    told = await commands.list_spent(jawab, "2026-11", at + timedelta(days=2))
    assert told["reports"][0]["each"] == 6.5
    assert {name: value for name, value in told["numbers"][0].items() if name != "cost"} == {
        "number": "+14155238886",
        "kind": "whatsapp",
        "messages": 13,
    }
    assert "at least 0.065 USD" in told["numbers"][0]["cost"]
