"""Behind the door: how whoever has read an ordinary case puts it there. No word of it is shown on the way."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI
from psycopg import sql
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases.lifecycle import Refused
from desk.protected import accused_of
from desk.roles import Staff, within
from desk.slot import Put, Slot
from flows import codes
from store.database import Conn, fetch_all, fetch_one
from store.jawab import Jawab

ONCE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Whoever may put a case behind the door sees no word of it here: the triage reads no cases.
_TO_SEAL = sql.SQL(
    "SELECT id, code, district_id, category, opened_at FROM cases"
    " WHERE contact_id IS NOT NULL AND {within} AND (id = %(case)s OR code = %(code)s)"
)


async def _to_seal(
    conn: Conn, staff: Staff, case_id: UUID | None = None, code: str | None = None
) -> dict[str, Any] | None:
    """An ordinary case of the reader's district by its id or its code, or None."""
    return await fetch_one(conn, _TO_SEAL.format(within=within(staff)), {**staff.scope, "case": case_id, "code": code})


def mount(app: FastAPI, jawab: Jawab) -> None:
    put_behind: Slot = app.state.slot

    async def ask_seal(request: Request, *, problem: str = "", status: int = 200) -> Response:
        staff: Staff = request.state.staff
        case_id = request.path_params["case_id"]
        async with jawab.db.autocommit("console") as conn:
            found = await _to_seal(conn, staff, case_id)
            if found is None:
                raise HTTPException(404)
            offices = await fetch_all(
                conn,
                "SELECT id, names FROM offices WHERE district_id = %s OR district_id IS NULL"
                " ORDER BY district_id IS NULL, names->>'en', id",
                (found["district_id"],),
            )
        return pages.page(
            request,
            "desk/behind.html",
            status=status,
            case=found,
            offices=offices,
            once=str(uuid4()),
            problem=problem,
            here=f"/desk/seal/{case_id}",
        )

    async def find_to_seal(request: Request) -> Response:
        """By its code, for the triage, who has no list of cases."""
        code = codes.find(request.state.form.get("code", "")[:60])
        found = None
        if code is not None:
            async with jawab.db.autocommit("console") as conn:
                found = await _to_seal(conn, request.state.staff, code=code)
        if found is None:
            return RedirectResponse(f"{request.state.staff.home}?done=no_case", status_code=303)
        return RedirectResponse(f"/desk/seal/{found['id']}", status_code=303)

    async def seal(request: Request) -> Response:
        staff: Staff = request.state.staff
        case_id, form = request.path_params["case_id"], request.state.form
        shown = form.get("once", "")
        asked = UUID(shown) if ONCE.fullmatch(shown) else None
        try:
            await put_behind(Put(case_id, staff.id, accused_of(form), asked))
        except Refused as refused:
            if refused.reason in {"case_unknown", "not_allowed"}:
                raise HTTPException(404) from refused
            return await ask_seal(request, problem=f"refused.{refused.reason}", status=422)
        return RedirectResponse(f"{staff.home}?done=behind", status_code=303)

    app.add_route("/desk/seal", find_to_seal, methods=["POST"])
    app.add_route("/desk/seal/{case_id:uuid}", ask_seal, methods=["GET"])
    app.add_route("/desk/seal/{case_id:uuid}", seal, methods=["POST"])
