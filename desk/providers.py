"""Providers, as the admin sees them: named with source and day, and referred to no more. Opens no case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from fastapi import FastAPI
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases import calendar, districts, outside, providers
from cases.lifecycle import Refused
from cases.providers import Helper, Provider
from desk.roles import Staff
from locales import ALL_LANGS
from store import audit
from store.jawab import Jawab

BASE = "/desk/providers"


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(
        request: Request, *, problem: str = "", told: str = "", kept: Mapping[str, str] | None = None, status: int = 200
    ) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.autocommit("console") as conn:
            served = [one for one in await districts.list_all(conn) if staff.district_id in {None, one.id}]
            named = [one for one in await providers.list_all(conn) if _is_seen(staff, one)]
        return pages.page(
            request,
            "desk/providers.html",
            status=status,
            named=named,
            kinds=providers.KINDS,
            districts={one.id: one.names for one in served},
            mine=lambda one: _is_mine(staff, one),
            name_langs=ALL_LANGS,
            name_most=outside.NAME_MOST,
            problem=problem,
            told=told,
            kept=kept or {},
            here=BASE,
        )

    async def add(request: Request) -> Response:
        staff: Staff = request.state.staff
        form: dict[str, str] = request.state.form
        of = form.get("of") or None
        if staff.district_id is not None and of != staff.district_id:
            raise HTTPException(404)
        try:
            one = Helper.model_validate(
                {
                    "names": {lang: form[f"name_{lang}"] for lang in ALL_LANGS if form.get(f"name_{lang}", "").strip()},
                    **{name: form.get(name, "").strip() for name in ("kind", "phone", "source", "read_on")},
                }
            )
            async with jawab.db.transaction("console") as tx:
                await providers.put(tx, of, one, calendar.day_of(datetime.now(UTC)))
                await audit.write(tx, str(staff.id), "provider.put", f"{of or outside.PROVINCE} {one.kind} {one.phone}")
        except ValidationError as refused:
            return await show(request, problem="outside.refused", told=outside.tell(refused), kept=form, status=422)
        except Refused as refused:
            return await show(request, problem=f"refused.{refused.reason}", kept=form, status=422)
        return RedirectResponse(BASE, status_code=303)

    async def disable(request: Request) -> Response:
        staff: Staff = request.state.staff
        try:
            async with jawab.db.transaction("console") as tx:
                found = next(
                    (one for one in await providers.list_all(tx) if one.id == request.path_params["provider_id"]), None
                )
                if found is None or not _is_mine(staff, found):
                    raise HTTPException(404)
                await providers.disable(tx, found.id, datetime.now(UTC))
                await audit.write(tx, str(staff.id), "provider.disable", str(found.id))
        except Refused as refused:
            return await show(request, problem=f"refused.{refused.reason}", status=422)
        return RedirectResponse(BASE, status_code=303)

    app.add_route(BASE, show, methods=["GET"])
    app.add_route(BASE, add, methods=["POST"])
    app.add_route(f"{BASE}/{{provider_id:uuid}}/disable", disable, methods=["POST"])


def _is_seen(staff: Staff, one: Provider) -> bool:
    return staff.district_id is None or one.district_id in {None, staff.district_id}


def _is_mine(staff: Staff, one: Provider) -> bool:
    """The province's are the province's to change."""
    return staff.district_id is None or one.district_id == staff.district_id
