"""What messages cost, by a dated card of rates. Pure.

A rate without a source has no amount: then messages are told, and of the money only what is known at least.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

DATA = Path(__file__).with_name("data")
COUNTRY = "PK"
BEYOND = {"whatsapp": "meta"}  # who takes a fee of their own on this kind of channel, besides the provider
ANY = "*"
NEARLY = Decimal("0.8")  # of an allowance: from there on somebody should know


@dataclass(frozen=True, slots=True)
class Rate:
    """What one party takes for one message, or one part of one, from a day on. `amount` None: no source was found."""

    provider: str
    kind: str
    country: str
    category: str  # service, utility, marketing; * for any
    direction: str  # in, out
    unit: str  # message, part
    amount: Decimal | None
    currency: str
    valid_from: date
    source: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many messages of a category are free for each number in a month, from a day on."""

    provider: str
    kind: str
    category: str
    messages: int
    valid_from: date
    source: str

    def nearly_used(self, messages: int) -> bool:
        return messages >= NEARLY * self.messages


@dataclass(frozen=True, slots=True)
class Sent:
    """Messages of one sort: `parts` is of each."""

    provider: str
    kind: str
    category: str
    messages: int
    direction: str = "out"
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Bill:
    """What many messages cost: `money` by currency, and how many messages have a fee that nobody knows."""

    messages: int
    parts: int
    money: dict[str, Decimal]
    unpriced: int

    @property
    def whole(self) -> bool:
        return self.unpriced == 0


@cache
def rates() -> tuple[Rate, ...]:
    """The card: data/rates.tsv. ValueError for an amount without a source."""
    found = []
    for row in _read("rates.tsv"):
        if row["amount"] and not (row["source"] and row["currency"]):
            raise ValueError(f"rates.tsv: an amount needs its currency and source: {row}")
        found.append(
            Rate(
                row["provider"],
                row["kind"],
                row["country"],
                row["category"],
                row["direction"],
                row["unit"],
                Decimal(row["amount"]) if row["amount"] else None,
                row["currency"],
                date.fromisoformat(row["valid_from"]),
                row["source"],
            )
        )
    return tuple(found)


@cache
def allowances() -> tuple[Allowance, ...]:
    """data/allowances.tsv."""
    return tuple(
        Allowance(
            row["provider"],
            row["kind"],
            row["category"],
            int(row["messages"]),
            date.fromisoformat(row["valid_from"]),
            row["source"],
        )
        for row in _read("allowances.tsv")
    )


def reckon(sent: Iterable[Sent], on: date, *, card: Iterable[Rate] | None = None, country: str = COUNTRY) -> Bill:
    """What these cost on a day. A fee whose rate is not known, or that the card does not name, makes them unpriced."""
    card = tuple(rates() if card is None else card)
    money: dict[str, Decimal] = {}
    messages = parts = unpriced = 0
    for some in sent:
        messages += some.messages
        parts += some.messages * some.parts
        fees = [_find(card, who, some, on, country) for who in _takers(some)]
        for fee in fees:
            if fee is not None and fee.amount is not None:
                units = some.messages * (some.parts if fee.unit == "part" else 1)
                money[fee.currency] = money.get(fee.currency, Decimal(0)) + units * fee.amount
        if any(fee is None or fee.amount is None for fee in fees):
            unpriced += some.messages
    return Bill(messages, parts, money, unpriced)


def allowance(kind: str, category: str, on: date) -> Allowance | None:
    """The one that holds on a day."""
    held = [one for one in allowances() if (one.kind, one.category) == (kind, category) and one.valid_from <= on]
    return max(held, key=lambda one: one.valid_from, default=None)


def _takers(some: Sent) -> list[str]:
    beyond = BEYOND.get(some.kind) if some.direction == "out" else None
    return [some.provider, *([beyond] if beyond else [])]


def _find(card: Iterable[Rate], who: str, some: Sent, on: date, country: str) -> Rate | None:
    """The newest rate that holds on that day, of the country and category before that of any."""
    fitting = [
        one
        for one in card
        if (one.provider, one.kind, one.direction) == (who, some.kind, some.direction)
        and one.country in {country, ANY}
        and one.category in {some.category, ANY}
        and one.valid_from <= on
    ]
    return max(fitting, key=lambda one: (one.country != ANY, one.category != ANY, one.valid_from), default=None)


def _read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return [{key: value or "" for key, value in row.items()} for row in csv.DictReader(file, delimiter="\t")]
