"""The sorting list: words written before any choice. One key sends them to a queue, one key seals them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases import sorting
from cases.lifecycle import Refused
from desk import time_left
from desk.protected import seal_from_sorting
from desk.roles import Staff
from flows.categories import CATEGORIES
from store.database import fetch_all
from store.jawab import Jawab

PAGE = 20


@dataclass(frozen=True, slots=True)
class Accusable:
    """An office that kept words may be about."""

    id: UUID
    district_id: str
    names: dict[str, str]


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request, *, problem: str = "", status: int = 200) -> Response:
        staff: Staff = request.state.staff
        now = datetime.now(UTC)
        try:
            async with jawab.db.transaction("console") as tx:
                rows = await sorting.list_for(tx, jawab.keys, staff.id, now, limit=PAGE)
                offices = await fetch_all(
                    tx,
                    "SELECT id, district_id, names FROM offices WHERE district_id = ANY(%s) ORDER BY names->>'en', id",
                    (list({row.district_id for row in rows}),),
                    of=Accusable,
                )
        except Refused:
            return pages.refuse(request, 403, "sorting.conflict")
        done = request.query_params.get("done", "")
        return pages.page(
            request,
            "desk/sorting.html",
            status=status,
            rows=[(row, time_left.tell("acknowledge", row.due_acknowledge, now)) for row in rows],
            offices=offices,
            categories=CATEGORIES,
            full=len(rows) == PAGE,
            problem=problem,
            done=done if done in {"queue", "seal"} else "",
            here="/desk/sorting",
        )

    async def send(request: Request) -> Response:
        staff: Staff = request.state.staff
        form = request.state.form
        try:
            async with jawab.db.transaction("console") as tx:
                await sorting.send_to_queue(
                    tx,
                    jawab.keys,
                    request.path_params["item_id"],
                    actor=staff.id,
                    category=form.get("category", ""),
                    now=datetime.now(UTC),
                )
        except Refused as refused:
            return await _refused(request, refused)
        return RedirectResponse("/desk/sorting?done=queue", status_code=303)

    async def seal(request: Request) -> Response:
        staff: Staff = request.state.staff
        try:
            async with jawab.db.transaction("console") as tx:
                await seal_from_sorting(
                    tx,
                    jawab.keys,
                    request.path_params["item_id"],
                    actor=staff.id,
                    now=datetime.now(UTC),
                    accused=_accused(request.state.form.get("accused", "")),
                )
        except Refused as refused:
            return await _refused(request, refused)
        return RedirectResponse("/desk/sorting?done=seal", status_code=303)

    async def _refused(request: Request, refused: Refused) -> Response:
        # "gone" and "not yours" are one answer: the row may have been sealed by somebody else meanwhile.
        if refused.reason in {"not_allowed", "gone"}:
            raise HTTPException(404) from refused
        return await show(request, problem=f"refused.{refused.reason}", status=422)

    app.add_route("/desk/sorting", show, methods=["GET"])
    app.add_route("/desk/sorting/{item_id:uuid}/queue", send, methods=["POST"])
    app.add_route("/desk/sorting/{item_id:uuid}/seal", seal, methods=["POST"])


def _accused(office: str) -> tuple[UUID, ...]:
    """The office the words are about, where the triage could tell."""
    if not office:
        return ()
    try:
        return (UUID(office),)
    except ValueError:
        raise Refused("office_unknown") from None
