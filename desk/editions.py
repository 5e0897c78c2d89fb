"""The editor's and the approver's pages: the list of editions, the four steps of one, and what is done there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import locales
import pages
from broadcast import changes, publish
from broadcast.edition import Withheld
from broadcast.publish import Edition
from broadcast.reached import LEFT, standing
from cases import calendar
from desk import edition_steps
from desk.edition_steps import STEPS
from desk.roles import Staff
from store.database import Conn, Tx, fetch_all
from store.jawab import Jawab

LISTED = 60  # editions of a district on one page: more than a year
OFFERED = 8  # weeks that are over and have no edition yet

EditionAct = Callable[[Tx, Edition, Staff, dict[str, str], datetime], Awaitable[object]]


async def _redraft(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:  # noqa: ARG001 - every one of a table has one shape
    await publish.redraft(tx, held.id, staff.id, now)


async def _line(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:
    lang = form.get("lang", "")
    if lang not in locales.ALL_LANGS:
        raise Withheld("no such language", "editions.refused.changed")
    item, line = form.get("item", ""), form.get("line", "")
    await publish.add_line(tx, held.id, item, line=line, lang=lang, by=staff.id, now=now)


async def _move(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:
    act = partial(changes.move, marked=form.get("item", ""), step=-1 if form.get("way") == "up" else 1)
    await publish.change(tx, held.id, "move", act, by=staff.id, now=now)


async def _drop(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:
    item, reason = form.get("item", ""), form.get("reason", "")
    act = partial(changes.drop, marked=item, reason=reason, by=str(staff.id), at=now.isoformat(timespec="seconds"))
    await publish.change(tx, held.id, "drop", act, by=staff.id, now=now)


def _plain(what: str) -> EditionAct:
    """A change that needs no more than the line it is about."""
    do = {"restore": changes.restore, "join": changes.join, "part": changes.part}[what]

    async def act(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:
        await publish.change(tx, held.id, what, partial(do, marked=form.get("item", "")), by=staff.id, now=now)

    return act


async def _approve(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:
    await publish.approve(tx, held.id, staff.id, now, seen=form.get("seen", ""))


async def _stop(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:  # noqa: ARG001 - every one of a table has one shape
    await publish.stop(tx, held.id, staff.id, now)


MOVES: dict[str, EditionAct] = {
    "redraft": _redraft,
    "line": _line,
    "move": _move,
    "drop": _drop,
    **{what: _plain(what) for what in ("restore", "join", "part")},
    "approve": _approve,
    "stop": _stop,
}
HAPPENS_AT = {"redraft": "facts", "approve": "approval", "stop": "approval"}  # the others: at the lines


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def index(request: Request, *, problem: Withheld | None = None) -> Response:
        staff: Staff = request.state.staff
        now = datetime.now(UTC)
        async with jawab.db.autocommit("console") as conn:
            rows = await list_editions(conn, staff)
        weeks, status = offered(rows, staff, now), 409 if problem else 200
        return pages.page(
            request, "editions/list.html", status=status, rows=rows, problem=problem, weeks=weeks, now=now
        )

    async def draft(request: Request) -> Response:
        staff: Staff = request.state.staff
        try:
            async with jawab.db.transaction("console") as tx:
                wanted = request.state.form.get("week", "")
                made = await publish.draft(tx, staff.district_id or "", wanted, staff.id, datetime.now(UTC))
        except Withheld as refused:
            return await index(request, problem=refused)
        return RedirectResponse(f"/desk/editions/{made}", status_code=303)

    async def begin(request: Request) -> Response:
        """To the step at which this person's work on it begins."""
        staff: Staff = request.state.staff
        async with jawab.db.autocommit("console") as conn:
            held = await _find(conn, request, staff)
        if held is None:
            return pages.refuse(request, 404)
        step = "facts" if held.state == "draft" and staff.may("draft") else "approval"
        return RedirectResponse(f"/desk/editions/{held.id}/{step}", status_code=303)

    async def show(request: Request, *, at: str = "", problem: Withheld | None = None) -> Response:
        staff: Staff = request.state.staff
        step = at or request.path_params["step"]
        async with jawab.db.autocommit("console") as conn:
            held = await _find(conn, request, staff)
            if held is None or step not in STEPS:
                return pages.refuse(request, 404)
            context = await edition_steps.context(conn, jawab, held, request, step)
        status = 409 if problem else 200
        return pages.page(request, f"editions/{step}.html", status=status, problem=problem, **context)

    def door(name: str, move: EditionAct) -> Callable[[Request], Awaitable[Response]]:
        async def act(request: Request) -> Response:
            staff: Staff = request.state.staff
            step = HAPPENS_AT.get(name, "lines")
            try:
                async with jawab.db.transaction("console") as tx:
                    held = await _find(tx, request, staff)
                    if held is None:
                        return pages.refuse(request, 404)
                    await move(tx, held, staff, request.state.form, datetime.now(UTC))
            except Withheld as refused:
                return await show(request, at=step, problem=refused)
            if move is _approve:
                jawab.bell.ring("broadcasts", "broadcasts", str(held.id))  # a hold of zero is over now
            shown = edition_steps.shown_in(request)
            return RedirectResponse(f"/desk/editions/{held.id}/{step}?in={shown}", status_code=303)

        return act

    app.add_route("/desk/editions", index, methods=["GET"])
    app.add_route("/desk/editions", draft, methods=["POST"])
    app.add_route("/desk/editions/{edition_id:uuid}", begin, methods=["GET"])
    app.add_route("/desk/editions/{edition_id:uuid}/{step}", show, methods=["GET"])
    for name, move in MOVES.items():
        app.add_route(f"/desk/editions/{{edition_id:uuid}}/{name}", door(name, move), methods=["POST"])


@dataclass(frozen=True, slots=True)
class Listed:
    """One edition of the list: who drafted and approved it, and what became of its messages."""

    id: UUID
    week: str
    state: str
    drafted_at: datetime
    drafted: str | None
    approved: str | None
    approved_at: datetime | None
    messages: dict[str, int]  # by state

    @property
    def total(self) -> int:
        return sum(self.messages.values())

    @property
    def gone(self) -> int:
        return sum(self.messages.get(one, 0) for one in LEFT)

    @property
    def standing(self) -> str:
        return standing(self.state, self.messages)


def offered(rows: list[Listed], staff: Staff, now: datetime) -> list[tuple[str, bool]]:
    """The weeks that may be drafted, and whether each still runs: that one is cut off at the moment of drafting, and
    the next edition begins there."""
    if not staff.may("draft"):
        return []
    there = {row.week for row in rows}
    today = calendar.day_of(now, staff.timezone)
    over = [calendar.week_before(today, weeks) for weeks in range(1, OFFERED + 1)]
    return [(week, week not in over) for week in (*over, calendar.week_of(today)) if week not in there]


async def list_editions(conn: Conn, staff: Staff) -> list[Listed]:
    """The district's editions, newest week first, each with its messages by state."""
    return await fetch_all(
        conn,
        "SELECT e.id, e.week, e.state, e.drafted_at, d.name AS drafted, a.name AS approved, e.approved_at,"
        " coalesce(k.messages, m.messages, '{}') AS messages FROM editions e"
        " LEFT JOIN staff d ON d.id = e.drafted_by LEFT JOIN staff a ON a.id = e.approved_by"
        " LEFT JOIN reaches k ON k.edition_id = e.id AND k.until > now() AND e.state <> 'sending'"
        " LEFT JOIN LATERAL (SELECT jsonb_object_agg(s.state, s.n) AS messages FROM (SELECT state, count(*) AS n"
        "  FROM outbox WHERE edition_id = e.id AND k.edition_id IS NULL GROUP BY state) s) m ON true"
        " WHERE e.district_id = %s ORDER BY e.week DESC LIMIT %s",
        (staff.district_id, LISTED),
        of=Listed,
    )


async def _find(conn: Conn, request: Request, staff: Staff) -> Edition | None:
    """The edition asked for; what belongs to another district does not exist."""
    edition_id: UUID = request.path_params["edition_id"]
    try:
        held = await publish.find(conn, edition_id)
    except Withheld:
        return None
    return held if held.district.id == staff.district_id else None
