"""Who works here, for the admin: who may sign in, and signing people out. Opens no case and no key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from fastapi import FastAPI
from psycopg import sql
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases import staff
from cases.roles import PROTECTED, who_may
from desk import sessions
from desk.roles import Staff, within
from store import audit, desk_sessions
from store.database import Tx, fetch_all, fetch_one
from store.jawab import Jawab

LEAST = 2  # protected handlers who stay when one's access is taken away here
MOVES: dict[str, Callable[[Tx, UUID], Awaitable[None]]] = {
    "disable": staff.disable,
    "enable": staff.enable,
    "signout": desk_sessions.end_all,
}

REFUSED = ("readers", "few")


@dataclass(frozen=True, slots=True)
class Member:
    """One person at the desk; `here` while they are signed in."""

    id: UUID
    login: str
    name: str
    role: str
    demo: bool
    disabled_at: datetime | None
    district_id: str | None
    office_id: UUID | None
    office: dict[str, str] | None
    here: bool


async def _protect(tx: Tx, admin: Staff, other: UUID, move: str) -> str:
    """Why an admin may not do this to who reads sealed cases, or "": under pressure nobody here thins them out."""
    if admin.district_id is not None or move not in {"disable", "enable"}:
        return "readers"
    if move == "disable" and await staff.count_beside(tx, other) < LEAST:
        return "few"
    return ""


async def _seat(tx: Tx, other: UUID, district_id: str | None, office: str) -> None:
    """Raises HTTPException 404 for what is no office of theirs or of the province."""
    if not office:
        await staff.seat(tx, other, None)
        return
    found = await fetch_one(
        tx,
        "SELECT id FROM offices WHERE id::text = %s AND (district_id IS NULL OR district_id = %s)",
        (office, district_id),
    )
    if found is None:
        raise HTTPException(404)
    await staff.seat(tx, other, found["id"])


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request) -> Response:
        staff: Staff = request.state.staff
        now = datetime.now(UTC)
        async with jawab.db.autocommit("console") as conn:
            people = await fetch_all(
                conn,
                sql.SQL(
                    "SELECT f.id, f.login, f.name, f.role, f.demo, f.disabled_at, f.district_id,"
                    " f.office_id, o.names AS office,"
                    " EXISTS (SELECT 1 FROM desk_sessions s WHERE s.staff_id = f.id"
                    " AND s.expires_at > %(now)s AND s.seen_at > %(idle)s) AS here"
                    " FROM staff f LEFT JOIN offices o ON o.id = f.office_id"
                    " WHERE {within} ORDER BY f.disabled_at IS NOT NULL, f.role, f.name"
                ).format(within=within(staff, "f.district_id")),
                {**staff.scope, "now": now, "idle": now - sessions.IDLE},
                of=Member,
            )
            offices = await fetch_all(
                conn, "SELECT id, district_id, names FROM offices ORDER BY district_id IS NULL, names->>'en', id"
            )
        why = request.query_params.get("no", "")
        return pages.page(
            request,
            "desk/staff.html",
            people=people,
            offices=offices,
            protected=PROTECTED,
            problem=f"staff.no.{why}" if why in REFUSED else "",
            here="/desk/staff",
        )

    async def perform(request: Request) -> Response:
        staff: Staff = request.state.staff
        move, other = request.path_params["move"], request.path_params["staff_id"]
        if move not in MOVES and move != "seat":
            raise HTTPException(404)
        async with jawab.db.transaction("console") as tx:
            found = await fetch_one(
                tx,
                sql.SQL(
                    "SELECT id, role, district_id FROM staff WHERE id = %(other)s AND id <> %(me)s"
                    " AND {within} FOR UPDATE"
                ).format(within=within(staff)),
                {**staff.scope, "other": other, "me": staff.id},
            )
            if found is None:
                raise HTTPException(404)
            if found["role"] in who_may("unseal") and (why := await _protect(tx, staff, other, move)):
                return RedirectResponse(f"/desk/staff?no={why}", status_code=303)
            if move == "seat":
                await _seat(tx, other, found["district_id"], request.state.form.get("office", ""))
            else:
                await MOVES[move](tx, other)
            await audit.write(tx, str(staff.id), f"staff.{move}", str(other))
        return RedirectResponse("/desk/staff", status_code=303)

    app.add_route("/desk/staff", show, methods=["GET"])
    app.add_route("/desk/staff/{staff_id:uuid}/{move}", perform, methods=["POST"])
