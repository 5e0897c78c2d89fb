"""What has been sent, and what it cost: by number and month, for each report, for one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from cases import calendar, cost
from cases.cost import Bill, Sent
from locales.templates import TEMPLATES
from store.database import Conn, fetch_all, fetch_one

FREE_TEXT = "service"  # what WhatsApp calls words of our own; a template has a category of its own


@dataclass(slots=True)
class Number:
    """One number of ours in one month: messages that left it, by the template that they were (None: our own words)."""

    channel_id: UUID
    address: str
    kind: str
    provider: str
    templates: dict[str, int]  # by category
    free_text: int
    last: datetime

    @property
    def messages(self) -> int:
        return self.free_text + sum(self.templates.values())

    @property
    def sent(self) -> list[Sent]:
        by_category = {FREE_TEXT: self.free_text, **self.templates}
        return [Sent(self.provider, self.kind, one, number) for one, number in by_category.items() if number]


@dataclass(frozen=True, slots=True)
class Reports:
    """A span of days: messages that left but for editions, reports that came, and what the messages cost."""

    messages: int
    reports: int
    bill: Bill

    @property
    def each(self) -> float | None:
        """Messages for each report; None where none came."""
        return round(self.messages / self.reports, 1) if self.reports else None


_BY_NUMBER: LiteralString = """
SELECT o.channel_id, c.address, o.kind, o.provider, o.template, count(*) AS messages, max(o.sent_at) AS last
FROM outgoing o JOIN channels c ON c.id = o.channel_id
WHERE o.sent_at >= %(first)s AND o.sent_at < %(after)s
GROUP BY o.channel_id, c.address, o.kind, o.provider, o.template ORDER BY c.address, o.channel_id
"""


async def by_number(conn: Conn, month: str, now: datetime) -> list[Number]:
    """What left each number in a month such as "2026-11" of the province, up to `now`. ValueError for any other."""
    first, after = calendar.month(month)
    found: dict[UUID, Number] = {}
    for row in await fetch_all(conn, _BY_NUMBER, {"first": first, "after": min(after, now)}):
        number = found.setdefault(
            row["channel_id"],
            Number(row["channel_id"], row["address"], row["kind"], row["provider"], {}, 0, row["last"]),
        )
        if row["template"] is None:
            number.free_text += row["messages"]
        else:
            category = _category(row["template"])
            number.templates[category] = number.templates.get(category, 0) + row["messages"]
        number.last = max(number.last, row["last"])
    return sorted(found.values(), key=lambda one: (-one.messages, one.address))


async def nearly_used(conn: Conn, now: datetime) -> list[tuple[Number, cost.Allowance]]:
    """The numbers whose free messages of this month are nearly used up, or are."""
    today = calendar.day_of(now)
    found = []
    for number in await by_number(conn, f"{today:%Y-%m}", now):
        free = cost.allowance(number.kind, FREE_TEXT, today)
        if free is not None and free.nearly_used(number.free_text):
            found.append((number, free))
    return found


async def for_each_report(conn: Conn, district_id: str, first: datetime, after: datetime) -> Reports:
    """How many messages a report takes: all that left within the span but editions, for the reports of the span."""
    rows = await fetch_all(
        conn,
        "SELECT provider, kind, template, count(*) AS messages FROM outgoing WHERE district_id = %s"
        " AND purpose <> 'edition' AND sent_at >= %s AND sent_at < %s GROUP BY provider, kind, template",
        (district_id, first, after),
    )
    came = await fetch_one(
        conn,
        "SELECT count(*) AS n FROM cases c JOIN case_history h ON h.case_id = c.id AND h.verb = 'open'"
        " WHERE c.district_id = %s AND h.at >= %s AND h.at < %s",
        (district_id, first, after),
    )
    bill = _reckon(rows, calendar.day_of(after))
    return Reports(bill.messages, came["n"] if came else 0, bill)


async def of_case(conn: Conn, case_id: UUID, on: date) -> Bill:
    """What has been sent about one case."""
    rows = await fetch_all(
        conn,
        "SELECT provider, kind, template, count(*) AS messages FROM outgoing WHERE case_id = %s"
        " GROUP BY provider, kind, template",
        (case_id,),
    )
    return _reckon(rows, on)


async def providers(conn: Conn, district_id: str) -> dict[str, str]:
    """Who carries each kind of channel of a district."""
    rows = await fetch_all(
        conn, "SELECT kind, provider FROM channels WHERE district_id = %s AND retired_at IS NULL", (district_id,)
    )
    return {row["kind"]: row["provider"] for row in rows}


def price(number: Number, on: date) -> Bill:
    return cost.reckon(number.sent, on)


def tell(bill: Bill) -> str:
    """In one line: the money where it is known whole, else the messages, and what of it is known at least."""
    known = " + ".join(f"{amount.normalize():f} {currency}" for currency, amount in sorted(bill.money.items()))
    if bill.whole:
        return known or "nothing"
    return f"{bill.messages} messages, {bill.unpriced} without a known rate{f', at least {known}' if known else ''}"


def _reckon(rows: Sequence[Mapping[str, Any]], on: date) -> Bill:
    return cost.reckon(
        [Sent(row["provider"], row["kind"], _category(row["template"]), row["messages"]) for row in rows], on
    )


def _category(template: str | None) -> str:
    """What a message was to WhatsApp; elsewhere there are no categories."""
    return FREE_TEXT if template is None else TEMPLATES[template].category.lower()
