"""The numbers of a district, counted from its rows at every asking: one source for pages, data and the edition.

"The department says done" stands beside "people confirm done" everywhere: in the national portal 96 % were resolved and
35 % of complainants in Balochistan satisfied. Drafts count like other cases; sealed cases are in no number here.

Small numbers never leave. A count under FEWEST is None, and where what is hidden adds up to less than FEWEST the
smallest number beside it is hidden too, so that nobody can reckon it from the total. A running total is rounded down
to fives: of an exact one, two readings would show a single new case.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from cases import calendar, dismissals
from cases.lifecycle import OPEN, Refused
from cases.suppression import FEWEST, round_down, suppress
from flows.categories import CATEGORIES
from store.database import Conn, fetch_all

BY_CATEGORY = ("received", "done", "confirmed", "overdue")
IN_ALL = (*BY_CATEGORY, "disputed", "half", "silent", "not_asked", "answered", "in_72", "in_14", "unnamed")

Ids = dict[str, list[UUID]]  # category → cases

# One row for each case of the district that does, or did within the span, something we count.
_CASES: LiteralString = """
WITH span AS (
    SELECT coalesce(%(monday)s::date::timestamp AT TIME ZONE timezone, '-infinity') AS first,
        least(%(now)s, coalesce((%(monday)s::date + 7)::timestamp AT TIME ZONE timezone, %(now)s)) AS after
    FROM districts WHERE id = %(district)s
), acts AS (
    SELECT h.case_id, bool_or(h.verb = 'resolve') AS done,
        (array_agg(h.verb ORDER BY h.id DESC) FILTER (WHERE h.verb IN ('confirm', 'dispute', 'halve')))[1] AS verdict,
        (array_agg(h.verb ORDER BY h.id DESC) FILTER (WHERE h.verb IN ('resolve', 'reopen')))[1] = 'reopen' AS reopened
    FROM case_history h JOIN cases c ON c.id = h.case_id, span
    WHERE c.district_id = %(district)s AND h.at >= span.first AND h.at < span.after
    GROUP BY h.case_id
)
SELECT c.id, c.category,
    c.opened_at >= span.first AND c.opened_at < span.after AS received,
    -- "Cannot be done" is an answer: published as done it would be a false claim.
    coalesce(acts.done AND acts.reopened IS NOT TRUE AND c.outcome NOT LIKE 'cannot%%', false) AS done,
    coalesce(acts.verdict = 'confirm' AND acts.reopened IS NOT TRUE, false) AS confirmed,
    coalesce(acts.verdict IN ('dispute', 'halve'), false) AS disputed,
    coalesce(acts.verdict = 'halve', false) AS half,  -- of the disputed
    coalesce(acts.done AND acts.reopened IS NOT TRUE AND c.may_message AND acts.verdict IS NULL, false) AS silent,
    coalesce(acts.done AND acts.reopened IS NOT TRUE AND c.may_message IS NOT TRUE, false) AS not_asked,
    acts.verdict IS NOT NULL AS answered,
    coalesce(a.met_at >= span.first AND a.met_at < span.after AND a.met_at < a.due_at, false) AS in_72,
    coalesce(r.met_at >= span.first AND r.met_at < span.after AND r.met_at < r.due_at, false) AS in_14,
    (a.due_at < span.after AND coalesce(a.met_at >= span.after, true))
        OR (r.due_at < span.after AND coalesce(r.met_at >= span.after, true)) AS overdue,
    c.office_id IS NULL AND c.opened_at < span.after AND c.status = ANY(%(open)s) AS unnamed
FROM span, cases c
JOIN clocks a ON a.case_id = c.id AND a.kind = 'acknowledge'
JOIN clocks r ON r.case_id = c.id AND r.kind = 'resolve'
LEFT JOIN acts ON acts.case_id = c.id
WHERE c.district_id = %(district)s
ORDER BY c.opened_at, c.id
"""


async def week(conn: Conn, district_id: str, week: str, now: datetime) -> dict[str, Any]:
    """The figures of one ISO week such as "2026-W47" in the district's own time, up to `now` while it still runs.

    {"district", "week", "categories": [{"category", "received": F, "done": F, "confirmed": F, "overdue": F}, …],
    "total": {…F by IN_ALL}, "unnamed_categories": […]}; F = {"count": int | None, "cases": [id, …]}, None and no ids
    where it is held back. Received, done, confirmed, disputed, in_72 and in_14 happened within the week; overdue and
    unnamed stood so at its end. Raises `Refused` for what is no week.
    """
    cells = await _count(conn, district_id, now, _monday(week))
    columns = {name: _hold_back(cells[name]) for name in BY_CATEGORY}
    return {
        "district": district_id,
        "week": week,
        "categories": [
            {"category": category, **{name: _figure(columns[name][0][category]) for name in BY_CATEGORY}}
            for category in CATEGORIES
        ],
        "total": {name: _figure(columns[name][1] if name in columns else _large(_all(cells[name]))) for name in IN_ALL},
        "unnamed_categories": await unnamed_categories(conn, district_id),
    }


async def totals(conn: Conn, district_id: str, now: datetime) -> dict[str, Any]:
    """The same from the first day until now, as plain numbers rounded down to fives; None under FEWEST."""
    cells = await _count(conn, district_id, now, None)
    return {
        "district": district_id,
        "categories": [
            {"category": category, **{name: round_down(len(cells[name][category])) for name in BY_CATEGORY}}
            for category in CATEGORIES
        ],
        "total": {name: round_down(len(_all(cells[name]))) for name in IN_ALL},
        "unnamed_categories": await unnamed_categories(conn, district_id),
    }


async def not_complaints(conn: Conn, district_id: str, now: datetime) -> int | None:
    """How many messages stood as no complaint then, in fives; None under FEWEST. They are in no other number."""
    return round_down(await dismissals.count(conn, district_id, now))


async def unnamed_categories(conn: Conn, district_id: str) -> list[str]:
    """The categories for which the district as a whole has named no office yet, in menu order."""
    rows = await fetch_all(
        conn,
        "SELECT category FROM responsibilities WHERE district_id = %s AND place_id IS NULL AND office_id IS NOT NULL",
        (district_id,),
    )
    named = {row["category"] for row in rows}
    return [category for category in CATEGORIES if category not in named]


async def _count(conn: Conn, district_id: str, now: datetime, monday: date | None) -> dict[str, Ids]:
    rows = await fetch_all(conn, _CASES, {"district": district_id, "now": now, "monday": monday, "open": list(OPEN)})
    return {
        name: {
            category: [row["id"] for row in rows if row["category"] == category and row[name]]
            for category in CATEGORIES
        }
        for name in IN_ALL
    }


def _monday(week: str) -> date:
    try:
        return calendar.monday(week)
    except ValueError:
        raise Refused("week_unknown") from None


def _hold_back(column: Ids) -> tuple[dict[str, list[UUID] | None], list[UUID] | None]:
    hidden, total_too = suppress({category: len(ids) for category, ids in column.items()})
    cells = {category: None if category in hidden else ids for category, ids in column.items()}
    return cells, None if total_too else _all(column)


def _all(column: Ids) -> list[UUID]:
    return [one for ids in column.values() for one in ids]


def _large(ids: list[UUID]) -> list[UUID] | None:
    return ids if len(ids) >= FEWEST else None


def _figure(ids: Sequence[UUID] | None) -> dict[str, Any]:
    return {"count": None, "cases": []} if ids is None else {"count": len(ids), "cases": list(ids)}
