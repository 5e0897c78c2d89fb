"""Others to ask, as the admin sees them: named with source and day, and taken off the list. Opens no case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from fastapi import FastAPI
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases import calendar, districts, outside
from cases.lifecycle import Refused
from cases.outside import Body, Other
from desk.roles import Staff
from locales import ALL_LANGS
from store import audit
from store.database import Tx
from store.jawab import Jawab


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(
        request: Request, *, problem: str = "", told: str = "", kept: Mapping[str, str] | None = None, status: int = 200
    ) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.autocommit("console") as conn:
            served = [one for one in await districts.list_all(conn) if staff.district_id in {None, one.id}]
            named = [one for one in await outside.list_all(conn) if _is_seen(staff, one)]
        return pages.page(
            request,
            "desk/outside.html",
            status=status,
            named=named,
            districts={one.id: one.names for one in served},
            mine=lambda one: _is_mine(staff, one),
            name_langs=ALL_LANGS,
            name_most=outside.NAME_MOST,
            problem=problem,
            told=told,
            kept=kept or {},
            here="/desk/outside",
        )

    async def add(request: Request) -> Response:
        staff: Staff = request.state.staff
        form: dict[str, str] = request.state.form
        try:
            body = Body.model_validate(
                {
                    "names": {lang: form[f"name_{lang}"] for lang in ALL_LANGS if form.get(f"name_{lang}", "").strip()},
                    **{name: form.get(name, "").strip() for name in ("phone", "source", "read_on")},
                }
            )
            async with jawab.db.transaction("console") as tx:
                of = form.get("of") or None
                if staff.district_id is not None and of != staff.district_id:
                    raise HTTPException(404)
                await outside.put(tx, of, body, calendar.day_of(datetime.now(UTC)))
                await audit.write(tx, str(staff.id), "outside.put", f"{of or outside.PROVINCE} {body.phone}")
        except ValidationError as refused:
            return await show(request, problem="outside.refused", told=outside.tell(refused), kept=form, status=422)
        except Refused as refused:
            return await show(request, problem=f"refused.{refused.reason}", kept=form, status=422)
        return RedirectResponse("/desk/outside", status_code=303)

    async def remove(request: Request) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.transaction("console") as tx:
            one = await _hold(tx, staff, request.path_params["outside_id"])
            await outside.remove(tx, one.id)
            await audit.write(tx, str(staff.id), "outside.remove", f"{one.district_id or outside.PROVINCE} {one.phone}")
        return RedirectResponse("/desk/outside", status_code=303)

    app.add_route("/desk/outside", show, methods=["GET"])
    app.add_route("/desk/outside", add, methods=["POST"])
    app.add_route("/desk/outside/{outside_id:uuid}/remove", remove, methods=["POST"])


def _is_seen(staff: Staff, one: Other) -> bool:
    return staff.district_id is None or one.district_id in {None, staff.district_id}


def _is_mine(staff: Staff, one: Other) -> bool:
    """The province's are the province's to change."""
    return staff.district_id is None or one.district_id == staff.district_id


async def _hold(tx: Tx, staff: Staff, outside_id: UUID) -> Other:
    """Raises HTTPException 404 where it is not the reader's to change."""
    found = next((one for one in await outside.list_all(tx) if one.id == outside_id), None)
    if found is None or not _is_mine(staff, found):
        raise HTTPException(404)
    return found
