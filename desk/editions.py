"""The editor's and the approver's page: draft, own lines, previews in every language, approve, stop, progress."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import locales
import pages
from broadcast import publish, renderings
from broadcast.edition import CLAIM_NOTHING, SECTIONS, Drop, Withheld
from broadcast.publish import Edition
from cases import calendar
from desk.roles import Staff
from store.database import Conn, Tx, fetch_all
from store.jawab import Jawab

LISTED = 60  # editions of a district on one page: more than a year

EditionAct = Callable[[Tx, Edition, Staff, dict[str, str], datetime], Awaitable[object]]


async def _redraft(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:  # noqa: ARG001 - every one of a table has one shape
    await publish.redraft(tx, held.id, staff.id, now)


async def _line(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:
    index, lang = form.get("item", ""), form.get("lang", "")
    if not index.isdecimal() or lang not in locales.ALL_LANGS:
        raise Withheld("no such item or language", "editions.refused.changed")
    await publish.add_line(tx, held.id, int(index), line=form.get("line", ""), lang=lang, by=staff.id, now=now)


async def _approve(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:
    await publish.approve(tx, held.id, staff.id, now, seen=form.get("seen", ""))


async def _stop(tx: Tx, held: Edition, staff: Staff, form: dict[str, str], now: datetime) -> None:  # noqa: ARG001 - every one of a table has one shape
    await publish.stop(tx, held.id, staff.id, now)


MOVES: dict[str, EditionAct] = {"redraft": _redraft, "line": _line, "approve": _approve, "stop": _stop}


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def index(request: Request, *, problem: Withheld | None = None) -> Response:
        staff: Staff = request.state.staff
        now = datetime.now(UTC)
        async with jawab.db.autocommit("console") as conn:
            rows = await list_editions(conn, staff)
        full = calendar.last_full(now, staff.timezone)
        this = calendar.week_of(calendar.day_of(now, staff.timezone))
        there = {row.week for row in rows}
        return pages.page(
            request,
            "editions/list.html",
            status=409 if problem else 200,
            rows=rows,
            weeks=[wanted for wanted in (full, this) if wanted not in there] if staff.may("draft") else [],
            problem=problem,
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

    async def show(request: Request, *, problem: Withheld | None = None) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.autocommit("console") as conn:
            held = await _find(conn, request, staff)
            if held is None:
                return pages.refuse(request, 404)
            context = await _context(conn, held, staff, pages.lang_of(request))
        status = 409 if problem else 200
        return pages.page(request, "editions/edition.html", status=status, problem=problem, **context)

    def door(move: EditionAct) -> Callable[[Request], Awaitable[Response]]:
        async def act(request: Request) -> Response:
            staff: Staff = request.state.staff
            try:
                async with jawab.db.transaction("console") as tx:
                    held = await _find(tx, request, staff)
                    if held is None:
                        return pages.refuse(request, 404)
                    await move(tx, held, staff, request.state.form, datetime.now(UTC))
            except Withheld as refused:
                return await show(request, problem=refused)
            if move is _approve:
                jawab.bell.ring("broadcasts", "broadcasts", str(held.id))  # a hold of zero is over now
            return RedirectResponse(f"/desk/editions/{held.id}", status_code=303)

        return act

    app.add_route("/desk/editions", index, methods=["GET"])
    app.add_route("/desk/editions", draft, methods=["POST"])
    app.add_route("/desk/editions/{edition_id:uuid}", show, methods=["GET"])
    for name, move in MOVES.items():
        app.add_route(f"/desk/editions/{{edition_id:uuid}}/{name}", door(move), methods=["POST"])


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
        return sum(self.messages.get(one, 0) for one in publish.LEFT)

    @property
    def standing(self) -> str:
        return publish.standing(self.state, self.messages)


async def list_editions(conn: Conn, staff: Staff) -> list[Listed]:
    """The district's editions, newest week first, each with its messages by state."""
    return await fetch_all(
        conn,
        "SELECT e.id, e.week, e.state, e.drafted_at, d.name AS drafted, a.name AS approved, e.approved_at,"
        " coalesce(m.messages, '{}') AS messages FROM editions e"
        " LEFT JOIN staff d ON d.id = e.drafted_by LEFT JOIN staff a ON a.id = e.approved_by"
        " LEFT JOIN LATERAL (SELECT jsonb_object_agg(s.state, s.n) AS messages"
        "  FROM (SELECT state, count(*) AS n FROM outbox WHERE edition_id = e.id GROUP BY state) s) m ON true"
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


async def _context(conn: Conn, held: Edition, staff: Staff, lang: str) -> dict[str, Any]:
    ids = [UUID(case) for item in held.items for case in item["cases"]]
    codes = {
        str(row["id"]): row["code"]
        for row in await fetch_all(
            conn,
            "SELECT id, code FROM cases WHERE id = ANY(%s) AND district_id = %s AND code IS NOT NULL",
            (ids, held.district.id),
        )
    }
    names = {
        row["id"]: row["name"]
        for row in await fetch_all(
            conn, "SELECT id, name FROM staff WHERE id = ANY(%s)", ([held.drafted_by, held.approved_by],)
        )
    }
    items = [
        {
            "at": at,
            "section": item["section"],
            "text": locales.say(item["key"], lang, **item["values"]),
            "codes": [codes[case] for case in item["cases"] if case in codes],
            "line": item.get("line", ""),
            "line_lang": item.get("line_lang", ""),
            "may_line": item["key"] not in CLAIM_NOTHING,
        }
        for at, item in enumerate(held.items)
    ]
    came = await publish.progress(conn, held)
    dropped: tuple[Drop, ...] = ()
    if held.state == "draft":
        dropped = (await publish.compile_week(conn, held.district.id, held.week, datetime.now(UTC))).dropped
    return {
        "held": held,
        "heading": locales.say("edition.title", lang, **held.heading.values),
        "sections": [(name, [item for item in items if item["section"] == name]) for name in SECTIONS],
        "previews": renderings.previews(held.items, held.heading),
        "most_parts": renderings.MOST_PARTS,
        "messages": came.messages,
        "gone": came.gone,
        "standing": publish.standing(held.state, came.messages),
        "subscribers": sum(came.subscribers.values()),
        "sms_parts": came.sms_parts(held),
        "dropped": dropped,
        "drafter": names.get(held.drafted_by),
        "approver": names.get(held.approved_by),
        "may_edit": staff.may("draft") and held.state == "draft",
        "may_approve": staff.may("approve") and held.state == "draft" and held.drafted_by != staff.id,
        "may_stop": held.state in {"approved", "sending"} or (held.state == "sent" and "queued" in came.messages),
        "all_langs": locales.ALL_LANGS,
    }
