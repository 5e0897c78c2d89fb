"""The queue: what is due next in this district, by what a handler filters on. Sealed cases have no row here to find."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import FastAPI
from psycopg import sql
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases.lifecycle import OPEN
from desk import names, time_left
from desk.reached import MISSED, find_unreached
from desk.roles import Staff, within
from desk.time_left import TimeLeft
from flows import codes
from flows.categories import CATEGORIES
from store.database import Conn, fetch_all, fetch_one
from store.jawab import Jawab

PAGE = 50
Cursor = tuple[datetime, UUID, bool]  # what is due, or came, last on a page; its id; whether nobody gainsays it
DONE = ("resolved", "cannot", "confirmed", "withdrawn", "closed")
NOT_DONE = ("disputed", "appealed")  # says the citizen: they stand first, whatever is due

# Open cases go by what is due next, after those whose writers say that it is not so; done ones by when they came, the
# newest first. Both have indexes in that order, which are found by the very words of their conditions: statuses are
# written out and never bound.
RANK = sql.SQL("(c.status NOT IN ('disputed', 'appealed'))")  # as in the indexes
OPEN_ORDER = sql.SQL("{}, c.next_due, c.id").format(RANK)
OPEN_AFTER = sql.SQL("({}, c.next_due, c.id) > (%(rank)s, %(at)s, %(id)s)").format(RANK)
DUE_ORDER, DUE_AFTER = sql.SQL("c.next_due, c.id"), sql.SQL("(c.next_due, c.id) > (%(at)s, %(id)s)")  # of one rank
DONE_ORDER, DONE_AFTER = sql.SQL("c.opened_at DESC, c.id DESC"), sql.SQL("(c.opened_at, c.id) < (%(at)s, %(id)s)")

# filter → the condition it adds; the value is bound, never pasted
CONDITIONS = {
    "category": sql.SQL("c.category = %(category)s"),
    "place": sql.SQL("c.place_id = %(place)s"),
    "mine": sql.SQL("c.assigned_to = %(me)s"),
    "overdue": sql.SQL("c.next_due < %(now)s"),
    "drafts": sql.SQL("c.draft"),
}
OFFICE, NOBODY = sql.SQL("c.office_id = %(office)s"), sql.SQL("c.office_id IS NULL")
SHOWN = sql.SQL("c.contact_id IS NOT NULL")

# What is shown of a case is looked up for the lines of one page: picked out first, they are never more than these, and
# each table is gone through once for all of them. How places, offices and people are called is known: desk.names.
QUEUE = sql.SQL(
    "WITH picked AS MATERIALIZED ("
    "  SELECT ARRAY(SELECT c.id FROM cases c WHERE {where} ORDER BY {order} LIMIT {most}) AS ids"
    "), next AS MATERIALIZED ("
    "  SELECT DISTINCT ON (case_id) case_id, kind, due_at FROM clocks"
    "  WHERE case_id = ANY((SELECT ids FROM picked)::uuid[]) AND met_at IS NULL ORDER BY case_id, due_at"
    "), missed AS MATERIALIZED ({missed})"
    " SELECT c.id, c.code, c.category, c.status, c.draft, c.lang, c.channel, c.opened_at, c.next_due,"
    " c.place_text IS NOT NULL AS place_typed, c.place_id, c.office_id, c.assigned_to, next.kind, next.due_at,"
    " missed.unreached IS TRUE AS unreached, missed.apart IS TRUE AS apart"
    " FROM cases c LEFT JOIN next ON next.case_id = c.id LEFT JOIN missed ON missed.case_id = c.id"
    " WHERE c.id = ANY((SELECT ids FROM picked)::uuid[]) ORDER BY {order}"
)

# The tabs count no further than anybody reads on: a tab costs the same in the largest district as in the smallest.
COUNTED = 100
_COUNT = sql.SQL("(SELECT count(*) FROM (SELECT FROM cases c WHERE {where} LIMIT {most}) counted)")


@dataclass(frozen=True, slots=True)
class Queued:
    """One line of the queue; `kind` and `due_at` are of the clock that runs out next."""

    id: UUID
    code: str
    category: str
    status: str
    draft: bool
    lang: str
    channel: str
    opened_at: datetime
    next_due: datetime | None
    place_typed: bool
    place_id: str | None
    office_id: UUID | None
    assigned_to: UUID | None
    kind: str | None
    due_at: datetime | None
    unreached: bool
    apart: bool  # of a message that other words let go: see desk.reached

    def left(self, now: datetime) -> TimeLeft | None:
        return time_left.tell(self.kind, self.due_at, now) if self.kind and self.due_at else None


@dataclass(frozen=True, slots=True)
class Counts:
    """The tabs above the queue: how many are open, not done say people, late, mine, drafts, with nobody named.

    Each up to COUNTED, which stands for "as many or more".
    """

    open: int
    gainsaid: int
    overdue: int
    mine: int
    drafts: int
    nobody: int


@dataclass(frozen=True, slots=True)
class Filters:
    """What a handler asked to see; unknown values are dropped."""

    status: str = ""  # "" all open; one status; "done" all that ended; "gainsaid" all that people say are not done
    category: str = ""
    place: str = ""
    office: str = ""  # an office's id, or "none": nobody named yet
    mine: bool = False
    overdue: bool = False
    drafts: bool = False

    @property
    def statuses(self) -> tuple[str, ...]:
        return {"": OPEN, "done": DONE, "gainsaid": NOT_DONE}.get(self.status, (self.status,))

    @property
    def done(self) -> bool:
        return self.statuses[0] in DONE

    @property
    def order(self) -> tuple[sql.Composable, sql.Composable]:
        """In which order the list is read, and the condition that leaves out what came before a cursor."""
        if self.done:
            return DONE_ORDER, DONE_AFTER
        return (DUE_ORDER, DUE_AFTER) if self.status == "gainsaid" else (OPEN_ORDER, OPEN_AFTER)

    def query(self, **more: str) -> str:
        """The same filters as the end of an address."""
        words = {name: getattr(self, name) for name in ("status", "category", "place", "office")}
        words |= {name: "1" for name in ("mine", "overdue", "drafts") if getattr(self, name)}
        return urlencode({name: word for name, word in {**words, **more}.items() if word})


def read_filters(query: Any) -> Filters:
    status, category, office = (query.get(name, "") for name in ("status", "category", "office"))
    return Filters(
        status=status if status in (*OPEN, *DONE, "done", "gainsaid") else "",
        category=category if category in CATEGORIES else "",
        place=query.get("place", "")[:80].replace("\x00", ""),
        office=office if office == "none" or _uuid(office) else "",
        mine=query.get("mine") == "1",
        overdue=query.get("overdue") == "1",
        drafts=query.get("drafts") == "1",
    )


async def list_cases(conn: Conn, staff: Staff, filters: Filters, after: Cursor | None, now: datetime) -> list[Queued]:
    """At most PAGE + 1 rows: the last one only says that there are more."""
    if filters.done and filters.overdue:
        return []  # what has ended has no clock that could be late
    narrowed = await _district_of(conn, filters) if staff.district_id is None else None
    here = sql.SQL("c.district_id = %(narrowed)s") if narrowed else within(staff, "c.district_id")
    wanted = [here, SHOWN, _are(filters.statuses)]
    wanted += [condition for name, condition in CONDITIONS.items() if getattr(filters, name)]
    if filters.office:
        wanted.append(NOBODY if filters.office == "none" else OFFICE)
    order, beyond = filters.order
    if after:
        wanted.append(beyond)
    rows = await fetch_all(
        conn,
        QUEUE.format(
            where=sql.SQL(" AND ").join(wanted),
            order=order,
            most=sql.Literal(PAGE + 1),
            missed=sql.SQL(MISSED),
        ),
        {
            **staff.scope,
            "narrowed": narrowed,
            "category": filters.category,
            "place": filters.place,
            "office": filters.office,
            "me": staff.id,
            "now": now,
            "at": after[0] if after else None,
            "id": after[1] if after else None,
            "rank": after[2] if after else None,
        },
        of=Queued,
    )
    asked = [row.id for row in rows if row.apart and not row.unreached]
    unreached = await find_unreached(conn, asked) if asked else frozenset()
    return [replace(row, unreached=True) if row.id in unreached else row for row in rows]


async def count_cases(conn: Conn, staff: Staff, now: datetime) -> Counts:
    ours = [within(staff, "c.district_id"), SHOWN]
    here, gainsaid, late = [*ours, _are(OPEN)], [*ours, _are(NOT_DONE)], CONDITIONS["overdue"]
    columns = {
        "open": _count(here),
        "gainsaid": _count(gainsaid),
        # One span of an index for each rank.
        "overdue": sql.SQL("least({}, {} + {})").format(
            COUNTED, _count([*gainsaid, late]), _count([*here, RANK, late])
        ),
        "mine": _count([*here, CONDITIONS["mine"]]),
        "drafts": _count([*here, CONDITIONS["drafts"]]),
        "nobody": _count([*here, NOBODY]),
    }
    named = sql.SQL(", ").join(sql.SQL("{} AS {}").format(one, sql.Identifier(name)) for name, one in columns.items())
    counts = await fetch_one(
        conn, sql.SQL("SELECT {}").format(named), {**staff.scope, "now": now, "me": staff.id}, of=Counts
    )
    assert counts is not None  # noqa: S101 - a count is always one row
    return counts


async def _district_of(conn: Conn, filters: Filters) -> str | None:
    """The one district where all lies that a reader of the province asks for: its list is shorter than theirs."""
    office = filters.office if filters.office != "none" else ""
    row = (
        await fetch_one(
            conn,
            "SELECT coalesce((SELECT district_id FROM places WHERE id = %s),"
            " (SELECT district_id FROM offices WHERE id = nullif(%s, '')::uuid)) AS id",
            (filters.place, office),
        )
        if filters.place or office
        else None
    )
    return row["id"] if row else None


def _are(statuses: Sequence[str]) -> sql.Composable:
    return sql.SQL("c.status IN ({})").format(sql.SQL(", ").join(map(sql.Literal, statuses)))


def _count(where: Sequence[sql.Composable]) -> sql.Composable:
    return _COUNT.format(where=sql.SQL(" AND ").join(where), most=COUNTED)


def mount(app: FastAPI, jawab: Jawab) -> None:
    kept = app.state.names = names.Kept()  # the page of a case offers the same to pick from

    async def show(request: Request, *, problem: str = "", sought: str = "", status: int = 200) -> Response:
        staff: Staff = request.state.staff
        filters, now = read_filters(request.query_params), datetime.now(UTC)
        async with jawab.db.autocommit("console") as conn:
            rows = await list_cases(conn, staff, filters, read_cursor(request.query_params.get("after", "")), now)
            counts = await count_cases(conn, staff, now)
            called = await kept.of(conn, staff, [(row.place_id, row.office_id, row.assigned_to) for row in rows])
        more, rows = len(rows) > PAGE, rows[:PAGE]
        last = rows[-1] if rows else None
        at = (last.opened_at if filters.done else last.next_due) if last else None
        return pages.page(
            request,
            "desk/queue.html",
            status=status,
            rows=[(row, None if filters.done else row.left(now)) for row in rows],
            counts=counts,
            most=COUNTED,
            filters=filters,
            categories=CATEGORIES,
            statuses=(*OPEN, *DONE),
            problem=problem,
            sought=sought,
            next=filters.query(after=write_cursor(at, last)) if more and last and at else "",
            paged="after" in request.query_params,
            behind=request.query_params.get("done") == "behind",
            here="/desk/queue",
            called=called,
        )

    async def find(request: Request) -> Response:
        """By case code in any digits. One answer for "no such code", "another district" and "behind the door"."""
        staff: Staff = request.state.staff
        sought = request.state.form.get("code", "")[:60]
        code = codes.find(sought)
        if code is not None:
            async with jawab.db.autocommit("console") as conn:
                row = await fetch_one(
                    conn,
                    sql.SQL("SELECT id FROM cases WHERE code = %(code)s AND {within}").format(within=within(staff)),
                    {**staff.scope, "code": code},
                )
            if row:
                return RedirectResponse(f"/desk/cases/{row['id']}", status_code=303)
        return await show(request, problem="find.none" if code else "find.malformed", sought=sought, status=404)

    app.add_route("/desk/queue", show, methods=["GET"])
    app.add_route("/desk/find", find, methods=["POST"])


def write_cursor(at: datetime, last: Queued) -> str:
    """Where the page after this line begins."""
    return f"{at.isoformat()}~{last.id}~{int(last.status not in NOT_DONE)}"


def read_cursor(text: str) -> Cursor | None:
    """Where a page begins: `2026-11-21T10:00:00+00:00~<uuid>~1`; anything else is the first page."""
    at, _, last = text.partition("~")
    last, _, rank = last.partition("~")
    found = _uuid(last)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (moment, found, rank != "0") if found and moment.tzinfo else None


def _uuid(text: str) -> UUID | None:
    return UUID(text) if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) else None
