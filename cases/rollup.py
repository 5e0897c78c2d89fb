"""What is counted of each week, kept beside the rows: a page reads what is kept, and counts only what changed since.

Whatever changes a row that is counted leaves its case in `to_recount`, in the same transaction (a trigger's work). A
page takes what is kept, less what such cases had added to it, and with what they add now; `recount` writes the same
down, a batch at a time, so that there is little to add. A district that was never counted, or by another rule, is
counted whole, by one statement. Nothing here decides a number: that is `cases.counting`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Json

from cases import calendar, counting
from cases.counting import STOCKS, Counts
from store.database import LOCKS, Conn, Tx, fetch_all, fetch_one

MOST = 500  # cases that a page counts beside what is kept; where more changed, it counts the district from its rows
BATCH = 2000  # marks of one transaction
# By which statement, values and rule of telling it was made: with another, all is counted and told again.
RULE = 1  # of what is told of a week: cases.figures, cases.suppression
MADE_WITH = hashlib.sha256(
    json.dumps([RULE, counting.QUERY, counting.STEPS, counting.bind("", [], "")]).encode()
).hexdigest()

Told = tuple[dict[str, Any], dict[str, Sequence[int]]]  # a week as it may be told, and what its total may count of it
Tell = Callable[[Counts], Told]

_NOW: LiteralString = f"live AS ({counting.STEPS})"
_WAS: LiteralString = """
was AS (
    SELECT c.district_id, c.category, c.place, f.monday, f.name, f.n
    FROM counted c CROSS JOIN unnest(c.mondays, c.names, c.steps) AS f (monday, name, n)
    WHERE c.case_id = ANY(%(cases)s)
)"""
# Of a district that is counted whole: what cases that came to it since had added to another.
_WAS_ELSEWHERE: LiteralString = """
was AS (
    SELECT c.district_id, c.category, c.place, f.monday, f.name, f.n
    FROM cases k JOIN counted c ON c.case_id = k.id
    CROSS JOIN unnest(c.mondays, c.names, c.steps) AS f (monday, name, n)
    WHERE k.district_id = %(district)s AND c.district_id <> k.district_id
)"""
_CHANGE: LiteralString = """
change AS (
    SELECT district_id, monday, name, category, place, sum(n)::int AS n
    FROM (SELECT %(district)s::text AS district_id, monday, name, category, place, n FROM live
        UNION ALL SELECT district_id, monday, name, category, place, -n FROM was) both_of_them
    GROUP BY district_id, monday, name, category, place HAVING sum(n) <> 0
)"""
_TOLD: LiteralString = "SELECT told, shares FROM told_weeks WHERE district_id = %s AND monday = ANY(%s) ORDER BY monday"
_NO_CHANGE: LiteralString = "change AS (SELECT * FROM week_cells WHERE false)"
_READ: LiteralString = """
zone_of AS (
    SELECT timezone AS tz FROM districts WHERE id = %(district)s
), again AS (
    -- The weeks that are not told as they are now.
    SELECT w.monday FROM unnest(%(mondays)s::date[]) AS w (monday)
    WHERE w.monday = ANY(%(again)s)
        OR NOT EXISTS (SELECT FROM told_weeks t WHERE t.district_id = %(district)s AND t.monday = w.monday)
        OR EXISTS (SELECT FROM change c WHERE c.district_id = %(district)s
            AND (c.monday = w.monday OR (c.monday < w.monday AND c.name = ANY(%(stocks)s))))
), cells AS (
    SELECT a.monday, c.name, c.category, c.place, c.n
    FROM again a JOIN week_cells c ON c.district_id = %(district)s AND c.monday = a.monday
    WHERE c.name <> ALL(%(stocks)s)
    UNION ALL
    SELECT a.monday, c.name, c.category, c.place, c.n
    FROM again a JOIN week_cells c ON c.district_id = %(district)s AND c.monday <= a.monday
    WHERE c.name = ANY(%(stocks)s)
    UNION ALL
    SELECT a.monday, c.name, c.category, c.place, c.n FROM again a JOIN change c ON c.district_id = %(district)s
        AND (c.monday = a.monday OR (c.monday < a.monday AND c.name = ANY(%(stocks)s)))
)
SELECT t.monday, t.told, t.shares, NULL::text AS name, NULL::text AS category, NULL::text AS place, NULL::bigint AS n
FROM told_weeks t
WHERE t.district_id = %(district)s AND t.monday = ANY(%(mondays)s) AND t.monday NOT IN (SELECT monday FROM again)
UNION ALL
SELECT monday, NULL, NULL, name, category, nullif(place, ''), sum(n) FROM cells
GROUP BY monday, name, category, place HAVING sum(n) <> 0
UNION ALL
SELECT a.monday, NULL, NULL, 'not_complaints', '', NULL, count(*)
FROM zone_of CROSS JOIN again a JOIN dismissals d ON d.district_id = %(district)s
    AND d.at >= a.monday::timestamp AT TIME ZONE tz AND d.at < (a.monday + 7)::timestamp AT TIME ZONE tz
    AND coalesce(d.taken_back_at >= (a.monday + 7)::timestamp AT TIME ZONE tz, true)
GROUP BY a.monday
"""
_READ_KEPT: LiteralString = f"WITH {_NO_CHANGE}, {_READ}"
_READ_WITH_CHANGE: LiteralString = f"WITH {_NOW}, {_WAS}, {_CHANGE}, {_READ}"
_KEEP: LiteralString = """
kept AS (
    INSERT INTO counted (case_id, district_id, category, place, mondays, names, steps)
    SELECT case_id, %(district)s, category, place, array_agg(monday ORDER BY monday, name),
        array_agg(name ORDER BY monday, name), array_agg(n ORDER BY monday, name)
    FROM live GROUP BY case_id, category, place
    ON CONFLICT (case_id) DO UPDATE SET district_id = excluded.district_id, category = excluded.category,
        place = excluded.place, mondays = excluded.mondays, names = excluded.names, steps = excluded.steps
), added AS (
    INSERT INTO week_cells (district_id, monday, name, category, place, n)
    SELECT district_id, monday, name, category, place, n FROM change
    ON CONFLICT (district_id, monday, name, category, place) DO UPDATE SET n = week_cells.n + excluded.n
)
SELECT district_id, monday, bool_or(name = ANY(%(stocks)s)) AS stands FROM change GROUP BY district_id, monday
"""
_RECOUNT: LiteralString = f"WITH {_NOW}, {_WAS}, {_CHANGE}, {_KEEP}"
_COUNT_WHOLE: LiteralString = f"WITH live AS ({counting.STEPS_OF_ALL}), {_WAS_ELSEWHERE}, {_CHANGE}, {_KEEP}"
WHOLE_MEM = "64MB"  # for what sorts and joins a district's whole history: in less it goes through files


@dataclass(slots=True)
class Stale:
    """What changed since it was kept: `cases` of a district, and the weeks of `moments` in which something else did."""

    cases: list[UUID] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)


async def find_stale(conn: Conn, district_id: str) -> Stale | None:
    """None where nothing is kept that would be of use: too much has changed, or it was counted by another rule."""
    kept = await fetch_one(
        conn, "SELECT query = %s AS same FROM counted_with WHERE district_id = %s", (MADE_WITH, district_id)
    )
    if kept is None or not kept["same"]:
        return None
    rows = await fetch_all(
        conn, "SELECT DISTINCT case_id, at FROM stale WHERE district_id = %s LIMIT %s", (district_id, MOST + 1)
    )
    if len(rows) > MOST:
        return None
    return Stale(
        [row["case_id"] for row in rows if row["case_id"] is not None],
        [row["at"] for row in rows if row["at"] is not None],
    )


async def read(
    conn: Conn, district_id: str, mondays: Sequence[date], *, zone: str, stale: Stale, tell: Tell
) -> list[Told]:
    """These weeks, in their order, as they may be told now."""
    if not stale.cases and not stale.moments:  # nearly always: nothing is to be counted
        rows = await fetch_all(conn, _TOLD, (district_id, list(mondays)))
        if len(rows) == len(mondays):
            return [(row["told"], row["shares"]) for row in rows]
    bound = counting.bind(district_id, mondays, "infinity") | {
        "cases": stale.cases,
        "again": list({_monday(moment, zone) for moment in stale.moments}),
        "stocks": list(STOCKS),
    }
    told: dict[date, Told] = {}
    counted = {monday: Counts(monday) for monday in mondays}
    for row in await fetch_all(conn, _READ_WITH_CHANGE if stale.cases else _READ_KEPT, bound):
        if row["told"] is not None:
            told[row["monday"]] = row["told"], row["shares"]
        else:
            counted[row["monday"]].add(row["name"], row["category"], row["place"], row["n"])
    return [told[monday] if monday in told else tell(counted[monday]) for monday in mondays]


async def recount(tx: Tx) -> bool:
    """Take up a batch of what changed. True where more may wait, False also where another does this now."""
    if not await _alone(tx):
        return False
    uncounted = await fetch_one(
        tx,
        "SELECT id FROM districts d WHERE NOT EXISTS (SELECT FROM counted_with w WHERE w.district_id = d.id"
        " AND w.query = %s) ORDER BY id LIMIT 1",
        (MADE_WITH,),
    )
    if uncounted is not None:
        await _count_whole(tx, uncounted["id"])
        return True
    marks = await fetch_all(
        tx,
        "DELETE FROM to_recount WHERE number IN (SELECT number FROM to_recount ORDER BY number LIMIT %s)"
        " RETURNING case_id, district_id, at",
        (BATCH,),
    )
    cases = list({mark["case_id"] for mark in marks if mark["case_id"] is not None})
    where = await fetch_all(
        tx, "SELECT district_id, array_agg(id) AS cases FROM cases WHERE id = ANY(%s) GROUP BY district_id", (cases,)
    )
    for row in where:
        bound = counting.bind(row["district_id"], [], "infinity") | {"cases": row["cases"], "stocks": list(STOCKS)}
        await _untell(tx, await fetch_all(tx, _RECOUNT, bound))
    for mark in marks:
        if mark["at"] is not None:
            await tx.execute(
                "DELETE FROM told_weeks t USING districts d WHERE d.id = %(district)s AND t.district_id = d.id"
                " AND t.monday = date_trunc('week', %(at)s AT TIME ZONE d.timezone)::date",
                {"district": mark["district_id"], "at": mark["at"]},
            )
    return len(marks) == BATCH


async def _alone(tx: Tx) -> bool:
    row = await fetch_one(tx, "SELECT pg_try_advisory_xact_lock(%s) AS ours", (LOCKS["weeks"],))
    return row is not None and bool(row["ours"])


async def _count_whole(tx: Tx, district_id: str) -> None:
    """Count every case of a district that was never counted, or by another rule; its weeks are to be told again.

    What is kept of each case is taken from the sums of whichever district kept it, so that one which moves meanwhile
    is in one of them. Marks stay: what was counted here is counted once more, to the same numbers.
    """
    for table in ("counted", "week_cells", "told_weeks"):
        await tx.execute(sql.SQL("DELETE FROM {} WHERE district_id = %s").format(sql.Identifier(table)), (district_id,))
    await tx.execute("SELECT set_config('work_mem', %s, true)", (WHOLE_MEM,))
    bound = counting.bind(district_id, [], "infinity") | {"stocks": list(STOCKS)}
    await _untell(tx, [row for row in await fetch_all(tx, _COUNT_WHOLE, bound) if row["district_id"] != district_id])
    await tx.execute(
        "INSERT INTO counted_with (district_id, query) VALUES (%s, %s)"
        " ON CONFLICT (district_id) DO UPDATE SET query = excluded.query",
        (district_id, MADE_WITH),
    )


async def _untell(tx: Tx, changed: Iterable[dict[str, Any]]) -> None:
    """Weeks that have changed are not told any more; of what stands at a week's end all later ones have."""
    for row in changed:
        await tx.execute(
            "DELETE FROM told_weeks WHERE district_id = %(district_id)s"
            " AND (monday = %(monday)s OR (%(stands)s AND monday > %(monday)s))",
            row,
        )
        await tx.execute(
            "DELETE FROM week_cells WHERE district_id = %(district_id)s AND monday = %(monday)s AND n = 0", row
        )


async def tell_one(tx: Tx, now: datetime, tell: Tell) -> bool:
    """Write down what may be told of a district's weeks that are over, for the first that has some untold. True where
    others may have."""
    if not await _alone(tx):
        return False
    rows = await fetch_all(
        tx,
        "SELECT id, timezone, (SELECT min(c.opened_at) FROM cases c WHERE c.district_id = d.id) AS case_at,"
        " (SELECT min(n.at) FROM dismissals n WHERE n.district_id = d.id) AS dismissed_at,"
        " ARRAY(SELECT t.monday FROM told_weeks t WHERE t.district_id = d.id) AS told FROM districts d ORDER BY id",
    )
    for row in rows:
        first = min((row[name] for name in ("case_at", "dismissed_at") if row[name] is not None), default=None)
        untold = sorted({*list_mondays(first, now, row["timezone"])} - {*row["told"]})
        if not untold or await find_stale(tx, row["id"]) is None:
            continue  # while much is still to be counted, what is told would soon be told again
        weeks = await read(tx, row["id"], untold, zone=row["timezone"], stale=Stale(), tell=tell)
        async with tx.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO told_weeks (district_id, monday, told, shares) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (district_id, monday) DO UPDATE SET told = excluded.told, shares = excluded.shares",
                [
                    (row["id"], monday, Json(told), Json(shares))
                    for monday, (told, shares) in zip(untold, weeks, strict=True)
                ],
            )
        return True
    return False


def list_mondays(first: datetime | None, now: datetime, zone: str) -> list[date]:
    """Every week that is over, from the one in which `first` was."""
    if first is None:
        return []
    last = calendar.monday(calendar.last_full(now, zone))
    monday = _monday(first, zone)
    return [monday + timedelta(days=7 * number) for number in range((last - monday).days // 7 + 1)]


def _monday(moment: datetime, zone: str) -> date:
    return calendar.monday(calendar.week_of(calendar.day_of(moment, zone)))
