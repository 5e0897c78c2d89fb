"""The numbers of a district, counted from its rows at every asking: one source for pages, data and the edition.

"The department says done" stands beside "people confirm done" everywhere: in the national portal 96 % were resolved and
35 % of complainants in Balochistan satisfied. Drafts count like other cases; sealed cases are in no number here. What
the names mean is in `cases.counting`, and what is told of small numbers in `cases.suppression`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cases import calendar, counting, rollup
from cases.counting import FLOWS, STOCKS, Counts
from cases.lifecycle import Refused
from cases.suppression import FEWEST, MANY, add_up, percent, suppress, tell
from flows.categories import CATEGORIES
from store.database import Conn, Tx, fetch_all, fetch_one

BY_CATEGORY = ("received", "done", "confirmed", "overdue")
IN_ALL = (*FLOWS, *STOCKS)
NUMBERS = (*IN_ALL, "not_complaints")  # what a week tells; the last is of messages, which are no cases
# Percent: a part of a whole, both counted in the same week.
RATES = {
    "in_72": "due_72", "told_72": "due_72", "code_72": "due_72",
    "in_14": "due_14", "told_14": "due_14", "code_14": "due_14", "confirmed": "asked",
}  # fmt: skip
DAYS = ("read", "answer")
# Held back at times for the sake of others, however many they are: their totals are what the weeks tell and no more.
_FOR_OTHERS = frozenset({"answered", "disputed", "half", "silent"})

Week = dict[str, Any]
Shares = dict[str, Sequence[int]]  # of a flow: (what the week tells, what waits for more); see `suppression.add_up`


@dataclass(frozen=True, slots=True)
class Published:
    """What anybody may read of a district: its weeks, oldest first, and all of them together.

    A week is {"week", "from", "to", "total": {count | None by NUMBERS}, "rates": {percent | None by RATES}, "days":
    {name: {"n", "median", "ninth_tenth"} by DAYS}, "categories": {id: {count | None by BY_CATEGORY}}, "places": the
    same by tehsil, "digest"}. `total` is {"total", "rates", "categories", "others"}: overdue and unnamed stood so at
    the last week's end; a subject has what the weeks tell of it, and "others" is what the total has besides.
    """

    weeks: list[Week]
    total: dict[str, Any]


async def week(conn: Conn, district_id: str, week: str, now: datetime) -> dict[str, Any]:
    """The figures of one ISO week such as "2026-W47" in the district's own time, up to `now` while it still runs.

    {"district", "week", "categories": [{"category", "received": F, "done": F, "confirmed": F, "overdue": F}, …],
    "total": {…F by IN_ALL}, "unnamed_categories": […]}; F = {"count": int | None, "cases": [id, …]}, None and no ids
    where it is held back. Overdue and unnamed stood so at its end; all else happened within it, so that "confirmed" and
    "disputed" are of "asked", which are the week's deeds that people were asked about and whatever they spoke on.
    Raises `Refused` for what is no week.
    """
    monday = _monday(week)
    cases = await counting.list_cases(conn, district_id, monday, now)
    told = hold_back(Counts(monday, {cell: len(ids) for cell, ids in cases.items()}))

    def figure(count: int | None, name: str, category: str | None = None) -> dict[str, Any]:
        ids = [] if count is None else _gather(cases, name, category)
        return {"count": count, "cases": ids}

    return {
        "district": district_id,
        "week": week,
        "categories": [
            {"category": category, **{name: figure(cells[name], name, category) for name in BY_CATEGORY}}
            for category, cells in told["categories"].items()
        ],
        "total": {name: figure(told["total"][name], name) for name in IN_ALL},
        "unnamed_categories": await unnamed_categories(conn, district_id),
    }


async def published(conn: Conn, district_id: str, now: datetime) -> Published:
    """Every week that is over, from the one in which the first words came: as kept, with what has changed since."""
    zone, mondays = await _over(conn, district_id, now)
    stale = await rollup.find_stale(conn, district_id) if mondays else None
    if stale is None:
        return await from_rows(conn, district_id, now)
    return add_together(await rollup.read(conn, district_id, mondays, zone=zone, stale=stale, tell=_tell))


async def from_rows(conn: Conn, district_id: str, now: datetime) -> Published:
    """The same, all of it counted from the rows."""
    zone, mondays = await _over(conn, district_id, now)
    if not mondays:
        return sum_up([])
    after = calendar.bounds(calendar.week_of(mondays[-1]), zone)[1]
    return sum_up(await counting.count(conn, district_id, mondays, after))


async def recount(tx: Tx) -> bool:
    """Keep what has changed, a batch of it; see `cases.rollup`. True where more may wait."""
    return await rollup.recount(tx)


async def tell_weeks(tx: Tx, now: datetime) -> bool:
    """Keep what may be told of the weeks that are over, for one district. True where others may wait."""
    return await rollup.tell_one(tx, now, _tell)


async def _over(conn: Conn, district_id: str, now: datetime) -> tuple[str, list[date]]:
    """The district's zone, and the Mondays of its weeks that are over."""
    row = await fetch_one(
        conn,
        "SELECT timezone, least((SELECT min(opened_at) FROM cases WHERE district_id = d.id),"
        " (SELECT min(at) FROM dismissals WHERE district_id = d.id)) AS first FROM districts d WHERE id = %s",
        (district_id,),
    )
    return (row["timezone"], rollup.list_mondays(row["first"], now, row["timezone"])) if row else ("", [])


def _tell(counted: Counts) -> tuple[Week, Shares]:
    told = hold_back(counted)
    return told, share(counted, told)


def sum_up(counted: Sequence[Counts]) -> Published:
    """What may be told of weeks and of their total."""
    return add_together([_tell(one) for one in counted])


def add_together(told: Sequence[tuple[Week, Shares]]) -> Published:
    """The total of weeks, each with what it may count of them."""
    weeks = [one for one, _ in told]
    total = {
        name: (weeks[-1]["total"][name] if weeks else None)
        if name in STOCKS
        else add_up((shares[name][0], shares[name][1]) for _, shares in told)
        for name in NUMBERS
    }
    flows = [name for name in BY_CATEGORY if name in FLOWS]
    named = {
        category: {name: sum(one["categories"][category][name] or 0 for one in weeks) for name in flows}
        for category in CATEGORIES
    }
    others = {name: (total[name] or 0) - sum(cells[name] for cells in named.values()) for name in flows}
    return Published(
        weeks,
        {
            "total": total,
            "rates": _rates(total),
            "categories": {one: {name: tell(count) for name, count in cells.items()} for one, cells in named.items()},
            "others": {name: tell(count) for name, count in others.items()},
        },
    )


def hold_back(counted: Counts) -> Week:
    """What may be told of one week."""
    week = calendar.week_of(counted.monday)
    sums = {name: sum(_column(counted, name, 1).values()) for name in IN_ALL}
    shown = {**{name: tell(count) for name, count in sums.items()}, "not_complaints": tell(counted.not_complaints)}
    categories = {name: _cells(counted, name, 1, CATEGORIES, total_first=name != "received") for name in BY_CATEGORY}
    # An edition names every subject from five on: where the rest could be reckoned, the total goes.
    _, gone = suppress(_full(counted, "received", CATEGORIES), total_first=False)
    places = sorted({place for _, _, place in counted.cells if place is not None})
    by_place = {name: _cells(counted, name, 2, places, total_first=True) for name in BY_CATEGORY}
    if gone:
        shown["received"] = None
        by_place["received"] = dict.fromkeys(places)
    _hold_back_verdicts(shown, sums)
    for part, whole in RATES.items():
        shown[part] = None if shown[whole] is None else shown[part]
    told = {
        "week": week,
        "from": counted.monday.isoformat(),
        "to": calendar.sunday(week).isoformat(),
        "total": shown,
        "rates": _rates(shown),
        "days": {name: _days(counted.lasted.get(name, {})) for name in DAYS},
        "categories": {one: {name: categories[name][one] for name in BY_CATEGORY} for one in CATEGORIES},
        "places": {one: {name: by_place[name][one] for name in BY_CATEGORY} for one in places},
    }
    return told | {"digest": digest(told)}


def digest(week: Week) -> str:
    """SHA-256 of all that is told of a week, in one canonical spelling."""
    told = {name: value for name, value in week.items() if name != "digest"}
    spelled = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(spelled.encode()).hexdigest()


async def unnamed_categories(conn: Conn, district_id: str) -> list[str]:
    """The categories for which the district as a whole has named no office yet, in menu order."""
    rows = await fetch_all(
        conn,
        "SELECT category FROM responsibilities WHERE district_id = %s AND place_id IS NULL AND office_id IS NOT NULL",
        (district_id,),
    )
    named = {row["category"] for row in rows}
    return [category for category in CATEGORIES if category not in named]


def _monday(week: str) -> date:
    try:
        return calendar.monday(week)
    except ValueError:
        raise Refused("week_unknown") from None


def _gather(cases: Mapping[tuple[str, str, str | None], list[UUID]], name: str, category: str | None) -> list[UUID]:
    return [
        one
        for (called, subject, _), ids in cases.items()
        if called == name and category in {None, subject}
        for one in ids
    ]


def _column(counted: Counts, name: str, at: int) -> dict[str | None, int]:
    """One column by subject (1) or by tehsil (2)."""
    found: dict[str | None, int] = {}
    for cell, count in counted.cells.items():
        if cell[0] == name:
            found[cell[at]] = found.get(cell[at], 0) + count
    return found


def _full(counted: Counts, name: str, rows: Iterable[str]) -> dict[str, int]:
    column = _column(counted, name, 1)
    return {row: column.get(row, 0) for row in rows}


def _cells(counted: Counts, name: str, at: int, rows: Sequence[str], *, total_first: bool) -> dict[str, int | None]:
    column = {str(row): count for row, count in _column(counted, name, at).items()}  # "None": no tehsil is known
    hidden, _ = suppress({**dict.fromkeys(rows, 0), **column}, total_first=total_first)
    return {row: None if row in hidden else column.get(row, 0) for row in rows}


def _hold_back_verdicts(shown: dict[str, int | None], sums: Mapping[str, int]) -> None:
    """How many of those asked have not confirmed is always told; who of them is silent and who says no only where
    neither is small, and "half" where "not at all" is not."""
    rest = ("disputed", "silent") if shown["confirmed"] is not None else ("confirmed", "disputed", "silent")
    hidden, _ = suppress({name: sums[name] for name in rest})
    shown |= dict.fromkeys(hidden)
    if shown["confirmed"] is None or shown["disputed"] is None:
        shown["answered"] = None
    if shown["disputed"] is None or 0 < sums["disputed"] - sums["half"] < FEWEST:
        shown["half"] = None


def share(counted: Counts, week: Week) -> Shares:
    """What a total may count of a week."""
    return {name: _share(counted, week, name) for name in NUMBERS if name not in STOCKS}


def _share(counted: Counts, week: Week, name: str) -> tuple[int, int]:
    told = week["total"][name]
    if told is not None:
        return told, 0
    if name == "not_complaints":
        return 0, counted.not_complaints
    cells = _full(counted, name, CATEGORIES).values()
    if name == "received":  # its subjects are told, though their total may not be
        return sum(count for count in cells if count >= FEWEST), sum(count for count in cells if count < FEWEST)
    return 0, 0 if name in _FOR_OTHERS else sum(cells)


def _rates(told: Mapping[str, int | None]) -> dict[str, int | None]:
    return {part: percent(told[part], told[whole]) for part, whole in RATES.items()}


def _days(took: Mapping[int, int]) -> dict[str, Any]:
    """Of enough cases the median, and of twice as many the ninth tenth, in days; `took` is tenths of a day: cases."""
    n = sum(took.values())
    return {
        "n": tell(n),
        "median": _day_of(took, -(-n // 2)) if n >= FEWEST else None,
        "ninth_tenth": _day_of(took, -(-9 * n // 10)) if n >= MANY else None,
    }


def _day_of(took: Mapping[int, int], place: int) -> float:
    """What the case took that is the `place`th from the shortest."""
    passed = 0
    for tenths in sorted(took):
        passed += took[tenths]
        if passed >= place:
            break
    return tenths / 10
