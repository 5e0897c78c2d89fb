"""Who lost the number, on a call: their safe word, the month and the tehsil lead to their case, and to a new number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from fastapi import FastAPI
from psycopg import sql
from starlette.requests import Request
from starlette.responses import Response

import pages
from cases import calendar, lost
from cases.lifecycle import Refused
from cases.lost import Found, Sought
from desk.roles import Staff, within
from flows import safe_words
from store import once
from store.database import Conn, Tx, fetch_all
from store.jawab import Jawab

ONCE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BASE = "/desk/lost"


@dataclass(frozen=True, slots=True)
class Place:
    """A tehsil that can be picked."""

    id: str
    district_id: str
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What a page tells after a search: what was found, or the new number, or why there is none."""

    found: Sequence[Found] | None = None
    code: str = ""
    problem: str = ""
    status: int = 200


async def places(conn: Conn, staff: Staff) -> list[Place]:
    """Those of the reader's district; the province has all."""
    return await fetch_all(
        conn,
        sql.SQL(
            "SELECT id, district_id, names FROM places WHERE {within} ORDER BY district_id, names->>'en', id"
        ).format(within=within(staff)),
        staff.scope,
        of=Place,
    )


def read(request: Request, known: Sequence[Place]) -> Sought:
    """What the form asks for. Raises `Refused`."""
    form = request.state.form
    picked = next(((one.id, one.district_id) for one in known if one.id == form.get("place")), None)
    return lost.read(form.get("word", ""), form.get("month", ""), picked, calendar.day_of(datetime.now(UTC)))


async def spend(tx: Tx, staff: Staff, form: str, case_id: UUID) -> None:
    """A form gives one number: another would end the one that was just said. Raises `Refused`."""
    if not ONCE.fullmatch(form) or not await once.use(tx, UUID(form), staff.id, "renumber", str(case_id)):
        raise Refused("number_given")


def show(request: Request, known: Sequence[Place], told: Told, *, base: str, left: int, opens: str) -> Response:
    """The page; `opens` is where a found case is opened, "" where this reader opens none."""
    form = request.state.form
    return pages.page(
        request,
        "desk/lost.html",
        status=told.status,
        told=told,
        places=known,
        months=lost.months(calendar.day_of(datetime.now(UTC))),
        most=safe_words.MOST,
        kept={name: form.get(name, "") for name in ("word", "month", "place")},
        left=left,
        base=base,
        opens=opens,
        once=str(uuid4()),
        here=base,
    )


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def answer(request: Request, told: Told) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.autocommit("console") as conn:
            known, left = await places(conn, staff), await lost.left(conn, staff.id)
        return show(request, known, told, base=BASE, left=left, opens="/desk/cases" if staff.may("handle") else "")

    async def ask(request: Request) -> Response:
        return await answer(request, Told())

    async def find(request: Request) -> Response:
        staff: Staff = request.state.staff
        try:
            async with jawab.db.transaction("console") as tx:
                sought = read(request, await places(tx, staff))
                found = await lost.find(tx, jawab.keys, sought, staff_id=staff.id, cards=staff.may("sort"))
        except Refused as refused:
            return await answer(request, Told(problem=f"refused.{refused.reason}", status=422))
        return await answer(request, Told(found))

    async def renumber(request: Request) -> Response:
        staff: Staff = request.state.staff
        case_id = request.path_params["case_id"]
        try:
            async with jawab.db.transaction("console") as tx:
                sought = read(request, await places(tx, staff))
                await spend(tx, staff, request.state.form.get("once", ""), case_id)
                code = await lost.renumber(tx, jawab.keys, case_id, sought, staff_id=staff.id, now=datetime.now(UTC))
        except Refused as refused:
            return await answer(request, Told(problem=f"refused.{refused.reason}", status=422))
        return await answer(request, Told(code=code) if code else Told([]))

    app.add_route(BASE, ask, methods=["GET"])
    app.add_route(BASE, find, methods=["POST"])
    app.add_route(f"{BASE}/{{case_id:uuid}}", renumber, methods=["POST"])
