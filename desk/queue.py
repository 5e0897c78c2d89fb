"""The queue: what is due next in this district, by what a handler filters on. Sealed cases have no row here to find."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
from desk import time_left
from desk.reached import UNREACHED
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

# filter → the condition it adds; the value is bound, never pasted
CONDITIONS = {
    "category": sql.SQL("c.category = %(category)s"),
    "place": sql.SQL("c.place_id = %(place)s"),
    "mine": sql.SQL("c.assigned_to = %(me)s"),
    "overdue": sql.SQL("c.next_due < %(now)s"),
    "drafts": sql.SQL("c.draft"),
}
OFFICE, NOBODY = sql.SQL("c.office_id = %(office)s"), sql.SQL("c.office_id IS NULL")

# Open cases go by what is due next, after those whose writers say that it is not so; done ones by when they came, the
# newest first. Both have an index in that order.
RANK = sql.SQL("(c.status NOT IN ('disputed', 'appealed'))")  # as in the index
OPEN_ORDER = sql.SQL("{}, c.next_due, c.id").format(RANK)
OPEN_AFTER = sql.SQL("({}, c.next_due, c.id) > (%(rank)s, %(at)s, %(id)s)").format(RANK)
DONE_ORDER, DONE_AFTER = sql.SQL("c.opened_at DESC, c.id DESC"), sql.SQL("(c.opened_at, c.id) < (%(at)s, %(id)s)")
QUEUE = sql.SQL(
    "SELECT c.id, c.code, c.category, c.status, c.draft, c.lang, c.channel, c.opened_at, c.next_due,"
    " c.place_text IS NOT NULL AS place_typed, p.names AS place, o.names AS office, f.name AS assigned,"
    " k.kind, k.due_at, {unreached} AS unreached"
    " FROM cases c LEFT JOIN places p ON p.id = c.place_id LEFT JOIN offices o ON o.id = c.office_id"
    " LEFT JOIN staff f ON f.id = c.assigned_to"
    " LEFT JOIN LATERAL (SELECT kind, due_at FROM clocks WHERE case_id = c.id AND met_at IS NULL"
    " ORDER BY due_at LIMIT 1) k ON true"
    " WHERE {where} ORDER BY {order} LIMIT {most}"
)


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
    place: dict[str, str] | None
    office: dict[str, str] | None
    assigned: str | None
    kind: str | None
    due_at: datetime | None
    unreached: bool

    def left(self, now: datetime) -> TimeLeft | None:
        return time_left.tell(self.kind, self.due_at, now) if self.kind and self.due_at else None


@dataclass(frozen=True, slots=True)
class Counts:
    """The tabs above the queue: how many are open, not done say people, late, mine, drafts, with nobody named."""

    open: int
    gainsaid: int
    overdue: int
    mine: int
    drafts: int
    nobody: int


@dataclass(frozen=True, slots=True)
class Named:
    """A place or an office that can be picked."""

    id: str | UUID
    names: dict[str, str]


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
    wanted = [
        within(staff, "c.district_id"),
        sql.SQL("c.contact_id IS NOT NULL"),
        sql.SQL("c.status = ANY(%(statuses)s)"),
    ]
    wanted += [condition for name, condition in CONDITIONS.items() if getattr(filters, name)]
    if filters.office:
        wanted.append(NOBODY if filters.office == "none" else OFFICE)
    if after:
        wanted.append(DONE_AFTER if filters.done else OPEN_AFTER)
    return await fetch_all(
        conn,
        QUEUE.format(
            where=sql.SQL(" AND ").join(wanted),
            order=DONE_ORDER if filters.done else OPEN_ORDER,
            most=sql.Literal(PAGE + 1),
            unreached=sql.SQL(UNREACHED),
        ),
        {
            **staff.scope,
            "statuses": list(filters.statuses),
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


async def count_cases(conn: Conn, staff: Staff, now: datetime) -> Counts:
    counts = await fetch_one(
        conn,
        sql.SQL(
            "SELECT count(*) AS open, count(*) FILTER (WHERE status = ANY(%(gainsaid)s)) AS gainsaid,"
            " count(*) FILTER (WHERE next_due < %(now)s) AS overdue,"
            " count(*) FILTER (WHERE assigned_to = %(me)s) AS mine, count(*) FILTER (WHERE draft) AS drafts,"
            " count(*) FILTER (WHERE office_id IS NULL) AS nobody"
            " FROM cases WHERE contact_id IS NOT NULL AND {within} AND status = ANY(%(statuses)s)"
        ).format(within=within(staff)),
        {**staff.scope, "now": now, "me": staff.id, "statuses": list(OPEN), "gainsaid": list(NOT_DONE)},
        of=Counts,
    )
    assert counts is not None  # noqa: S101 - a count is always one row
    return counts


async def choices(conn: Conn, staff: Staff) -> dict[str, list[Named]]:
    """Places and offices a handler of this district can pick."""
    places = await fetch_all(
        conn,
        sql.SQL("SELECT id, names FROM places WHERE {within} ORDER BY names->>'en', id").format(within=within(staff)),
        staff.scope,
        of=Named,
    )
    offices = await fetch_all(
        conn,
        sql.SQL("SELECT id, names FROM offices WHERE district_id IS NULL OR {within} ORDER BY names->>'en', id").format(
            within=within(staff)
        ),
        staff.scope,
        of=Named,
    )
    return {"places": places, "offices": offices}


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request, *, problem: str = "", sought: str = "", status: int = 200) -> Response:
        staff: Staff = request.state.staff
        filters, now = read_filters(request.query_params), datetime.now(UTC)
        async with jawab.db.autocommit("console") as conn:
            rows = await list_cases(conn, staff, filters, read_cursor(request.query_params.get("after", "")), now)
            counts = await count_cases(conn, staff, now)
            picks = await choices(conn, staff)
        more, rows = len(rows) > PAGE, rows[:PAGE]
        last = rows[-1] if rows else None
        at = (last.opened_at if filters.done else last.next_due) if last else None
        return pages.page(
            request,
            "desk/queue.html",
            status=status,
            rows=[(row, None if filters.done else row.left(now)) for row in rows],
            counts=counts,
            filters=filters,
            categories=CATEGORIES,
            statuses=(*OPEN, *DONE),
            problem=problem,
            sought=sought,
            next=filters.query(after=write_cursor(at, last)) if more and last and at else "",
            paged="after" in request.query_params,
            behind=request.query_params.get("done") == "behind",
            here="/desk/queue",
            places=picks["places"],
            offices=picks["offices"],
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
