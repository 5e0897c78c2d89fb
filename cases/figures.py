"""The numbers of a district, counted from its rows at every asking: one source for pages, data and the edition.

"The department says done" stands beside "people confirm done" everywhere: in the national portal 96 % were resolved and
35 % of complainants in Balochistan satisfied. Drafts count like other cases; sealed cases are in no number here.

A week that is over stays as it was: what was reopened, disputed, closed or answered anew since is read from the lines
of its history up to that week's end, and counts in the week in which it happened. What is corrected or named later (the
subject, the office, whether they may be messaged) holds for all weeks: no line says what it was before.

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
from cases.lifecycle import MEETS, OPEN, RESUMES, Refused
from cases.outcomes import NEVER_DONE
from cases.suppression import FEWEST, round_down, suppress
from flows.categories import CATEGORIES
from store.database import Conn, fetch_all

BY_CATEGORY = ("received", "done", "confirmed", "overdue")
IN_ALL = (*BY_CATEGORY, "disputed", "half", "silent", "not_asked", "answered", "in_72", "in_14", "unnamed")

Ids = dict[str, list[UUID]]  # category → cases

# The verbs that meet the clock of the resolution, and those after which it runs on.
_MEET, _RUN = ([verb for verb, kinds in table.items() if "resolve" in kinds] for table in (MEETS, RESUMES))

# The span, and what was said to each case within it, as it stood when the span ended.
_ACTS: LiteralString = """
WITH span AS (
    SELECT coalesce(%(monday)s::date::timestamp AT TIME ZONE timezone, '-infinity') AS first,
        least(%(now)s, coalesce((%(monday)s::date + 7)::timestamp AT TIME ZONE timezone, %(now)s)) AS after
    FROM districts WHERE id = %(district)s
), acts AS (
    SELECT h.case_id, bool_or(h.verb = 'resolve') AS done,
        (array_agg(h.outcome ORDER BY h.id DESC) FILTER (WHERE h.verb = 'resolve'))[1] AS outcome,
        (array_agg(h.verb ORDER BY h.id DESC) FILTER (WHERE h.verb IN ('confirm', 'dispute', 'halve')))[1] AS verdict,
        (array_agg(h.verb ORDER BY h.id DESC) FILTER (WHERE h.verb IN ('resolve', 'reopen')))[1] = 'reopen' AS reopened
    FROM case_history h JOIN cases c ON c.id = h.case_id, span
    WHERE c.district_id = %(district)s AND h.at >= span.first AND h.at < span.after
    GROUP BY h.case_id
)"""

# Whose clock of the resolution was moved after the span, and how it stood before.
_STOOD: LiteralString = """, since AS (
    SELECT DISTINCT h.case_id FROM case_history h JOIN cases c ON c.id = h.case_id, span
    WHERE c.district_id = %(district)s AND h.at >= span.after AND (h.verb = ANY(%(meets)s) OR h.verb = ANY(%(resumes)s))
), stood AS (
    SELECT since.case_id, (
        SELECT min(h.at) FROM case_history h
        WHERE h.case_id = since.case_id AND h.at < span.after AND h.verb = ANY(%(meets)s) AND h.id > coalesce((
            SELECT max(b.id) FROM case_history b
            WHERE b.case_id = since.case_id AND b.at < span.after AND b.verb = ANY(%(resumes)s)), 0)
    ) AS met_at FROM span, since
)"""

# One row for each case of the district that does, or did within the span, something we count.
_CASES: LiteralString = f"""{_ACTS}{_STOOD}
SELECT c.id, c.category,
    c.opened_at >= span.first AND c.opened_at < span.after AS received,
    -- "Cannot be done" is an answer, and a sending-on none: published as done either would be a false claim.
    coalesce(acts.done AND acts.reopened IS NOT TRUE AND NOT acts.outcome = ANY(%(never)s), false) AS done,
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
    c.office_id IS NULL AND c.opened_at < span.after AND coalesce((SELECT h.became FROM case_history h
        WHERE h.case_id = c.id AND h.at < span.after ORDER BY h.id DESC LIMIT 1), 'received') = ANY(%(open)s) AS unnamed
FROM span, cases c
JOIN clocks a ON a.case_id = c.id AND a.kind = 'acknowledge'
JOIN clocks k ON k.case_id = c.id AND k.kind = 'resolve'
LEFT JOIN acts ON acts.case_id = c.id
LEFT JOIN stood ON stood.case_id = c.id
CROSS JOIN LATERAL (
    SELECT k.due_at, CASE WHEN stood.case_id IS NULL THEN k.met_at ELSE stood.met_at END AS met_at
) r
WHERE c.district_id = %(district)s
ORDER BY c.opened_at, c.id
"""  # noqa: S608 - no value from outside


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
    bound: dict[str, Any] = {
        "district": district_id,
        "now": now,
        "monday": monday,
        "open": list(OPEN),
        "meets": _MEET,
        "resumes": _RUN,
    }
    bound["never"] = list(NEVER_DONE)
    rows = await fetch_all(conn, _CASES, bound)
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
