"""Lists of bodies outside, as the admin sees them: named with source and day, and taken off again. Opens no case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol
from uuid import UUID

from fastapi import FastAPI
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases import calendar, districts, outside
from cases.lifecycle import Refused
from desk.roles import Staff
from locales import ALL_LANGS
from store import audit
from store.database import Conn, Tx
from store.jawab import Jawab


class Named(Protocol):
    """One that stands on a list; `district_id` None is the province."""

    @property
    def id(self) -> UUID: ...
    @property
    def district_id(self) -> str | None: ...
    @property
    def phone(self) -> str: ...


@dataclass(frozen=True)
class Roll:
    """What one list has of its own."""

    name: str  # of its page and its template
    act: str  # what its lines in the audit begin with, as those of its command
    ending: str  # how somebody is taken off it
    body: type[outside.Body]  # what its form asks for
    fields: tuple[str, ...]  # of that, besides the names
    read: Callable[[Conn], Awaitable[Sequence[Named]]]
    put: Callable[[Tx, str | None, Any, date], Awaitable[None]]
    end: Callable[[Tx, UUID], Awaitable[None]]
    shown: Mapping[str, Any] = field(default_factory=dict)  # what its template needs besides

    @property
    def base(self) -> str:
        return f"/desk/{self.name}"


def mount_roll(app: FastAPI, jawab: Jawab, roll: Roll) -> None:
    """The three routes of a list."""

    async def show(
        request: Request, *, problem: str = "", told: str = "", kept: Mapping[str, str] | None = None, status: int = 200
    ) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.autocommit("console") as conn:
            served = [one for one in await districts.list_all(conn) if staff.district_id in {None, one.id}]
            named = [one for one in await roll.read(conn) if _is_seen(staff, one)]
        return pages.page(
            request,
            f"desk/{roll.name}.html",
            status=status,
            named=named,
            districts={one.id: one.names for one in served},
            mine=lambda one: _is_mine(staff, one),
            name_langs=ALL_LANGS,
            name_most=outside.NAME_MOST,
            problem=problem,
            told=told,
            kept=kept or {},
            here=roll.base,
            **roll.shown,
        )

    async def add(request: Request) -> Response:
        staff: Staff = request.state.staff
        form: dict[str, str] = request.state.form
        of = form.get("of") or None
        if staff.district_id is not None and of != staff.district_id:
            raise HTTPException(404)
        names = {lang: form[f"name_{lang}"] for lang in ALL_LANGS if form.get(f"name_{lang}", "").strip()}
        given = {name: form.get(name, "").strip() for name in roll.fields}
        try:
            body = roll.body.model_validate({"names": names, **given})
            async with jawab.db.transaction("console") as tx:
                await roll.put(tx, of, body, calendar.day_of(datetime.now(UTC)))
                await audit.write(tx, str(staff.id), f"{roll.act}.put", _tell(of, body.phone))
        except ValidationError as refused:
            return await show(request, problem="outside.refused", told=outside.tell(refused), kept=form, status=422)
        except Refused as refused:
            return await show(request, problem=f"refused.{refused.reason}", kept=form, status=422)
        return RedirectResponse(roll.base, status_code=303)

    async def end(request: Request) -> Response:
        staff: Staff = request.state.staff
        try:
            async with jawab.db.transaction("console") as tx:
                one = await _hold(tx, staff, request.path_params["body_id"])
                await roll.end(tx, one.id)
                await audit.write(tx, str(staff.id), f"{roll.act}.{roll.ending}", _tell(one.district_id, one.phone))
        except Refused as refused:
            return await show(request, problem=f"refused.{refused.reason}", status=422)
        return RedirectResponse(roll.base, status_code=303)

    async def _hold(tx: Tx, staff: Staff, body_id: UUID) -> Named:
        """Raises HTTPException 404 where it is not the reader's to change."""
        found = next((one for one in await roll.read(tx) if one.id == body_id), None)
        if found is None or not _is_mine(staff, found):
            raise HTTPException(404)
        return found

    app.add_route(roll.base, show, methods=["GET"])
    app.add_route(roll.base, add, methods=["POST"])
    app.add_route(f"{roll.base}/{{body_id:uuid}}/{roll.ending}", end, methods=["POST"])


def _tell(of: str | None, phone: str) -> str:
    return f"{of or outside.PROVINCE} {phone}"


def _is_seen(staff: Staff, one: Named) -> bool:
    return staff.district_id is None or one.district_id in {None, staff.district_id}


def _is_mine(staff: Staff, one: Named) -> bool:
    """The province's are the province's to change."""
    return staff.district_id is None or one.district_id == staff.district_id
