"""What a person takes back from behind the door: one reader asks for it, another does it, and nothing of it is left.

The database asks each of them for their own session; a case that is not the reader's does not exist.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from desk.roles import Staff
from store import media
from store.database import Conn, fetch_one
from store.jawab import Jawab

# Each as a function of the database that writes its line in the audit, or does nothing.
ACTS = {"ask": "SELECT sealed.ask_erase(%s, %s, %s) AS done", "do": "SELECT sealed.erase(%s, %s, %s) AS done"}


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.autocommit("custody") as conn:
            asker = await _asker(conn, request.path_params["case_id"], staff.id)
        return pages.page(
            request,
            "desk/sealed_erasing.html",
            case_id=request.path_params["case_id"],
            asked_by_me=asker == staff.id,
            asked_by_other=asker not in {None, staff.id},
            here="/desk/protected",
        )

    async def perform(request: Request) -> Response:
        staff: Staff = request.state.staff
        case_id, act = request.path_params["case_id"], request.path_params["move"]
        if act not in ACTS:
            raise HTTPException(404)
        async with jawab.db.transaction("custody") as tx:
            row: Any = await fetch_one(tx, ACTS[act], (case_id, staff.id, request.state.token))
            if act == "do" and row["done"]:
                await media.erase_of_sealed(tx, jawab.keys, case_id)
        if not row["done"]:
            raise HTTPException(404)
        return RedirectResponse(f"/desk/erase/{case_id}" if act == "ask" else "/desk/protected", status_code=303)

    app.add_route("/desk/erase/{case_id:uuid}", show, methods=["GET"])
    app.add_route("/desk/erase/{case_id:uuid}/{move}", perform, methods=["POST"])


async def _asker(conn: Conn, case_id: UUID, staff_id: UUID) -> UUID | None:
    """Who asked, within a week. Raises HTTPException 404 where this is no case of theirs."""
    row = await fetch_one(
        conn,
        "SELECT CASE WHEN erase_asked_at > now() - interval '7 days' THEN erase_asked_by END AS asker"
        " FROM sealed.cases WHERE id = %s AND %s = ANY(recipients)",
        (case_id, staff_id),
    )
    if row is None:
        raise HTTPException(404)
    asker: UUID | None = row["asker"]
    return asker
