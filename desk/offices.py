"""Offices as the admin sees them: how each can be reached, its PIN, and how it answers. Opens no case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from psycopg import sql
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases import offices, referrals, ways
from cases.lifecycle import Refused
from cases.ways import Way
from desk.roles import Staff, within
from store import audit
from store.database import Tx, fetch_all, fetch_one
from store.jawab import Jawab


@dataclass(frozen=True, slots=True)
class Shown:
    """One office, or one supervisor of the desk, with its ways: (way, address)."""

    id: UUID
    names: dict[str, str]
    ways: list[tuple[Way, str]]
    pin_at: datetime | None
    rung: int | None
    mine: bool  # the reader may change it
    counts: dict[str, Any]


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request) -> Response:
        return await _render(request)

    async def perform(request: Request) -> Response:
        """Set or end a way, or make a PIN, which this one answer shows."""
        staff: Staff = request.state.staff
        form: dict[str, str] = request.state.form
        office_id, move = request.path_params["office_id"], request.path_params["move"]
        kind, pin = form.get("kind", ""), ""
        try:
            async with jawab.db.transaction("console") as tx:
                await _hold(tx, staff, office_id)
                match move:
                    case "way":
                        address, lang = form.get("address", ""), form.get("lang", "ur")
                        await ways.put(
                            tx,
                            jawab.keys,
                            kind=kind,
                            address=address,
                            lang=lang,
                            now=datetime.now(UTC),
                            office_id=office_id,
                        )
                    case "end":
                        await ways.end(tx, kind=kind, now=datetime.now(UTC), office_id=office_id)
                    case "pin":
                        pin = await offices.give_pin(tx, jawab.keys, office_id, datetime.now(UTC))
                    case _:
                        raise HTTPException(404)
                await audit.write(tx, str(staff.id), f"office.{move}", str(office_id))
        except Refused as refused:
            return await _render(request, status=422, problem=f"refused.{refused.reason}", failed=office_id, kept=form)
        if pin:
            return await _render(request, pin=pin, pinned=office_id)
        return RedirectResponse("/desk/offices", status_code=303)

    async def _render(request: Request, *, status: int = 200, **more: Any) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.transaction("console") as tx:
            counts = {row["office"]: row for row in await referrals.count(tx, staff.district_id)}
            rows = await fetch_all(
                tx,
                sql.SQL(
                    "SELECT id, names, pin_at, rung, {within} AS mine FROM offices"
                    " WHERE {within} OR district_id IS NULL ORDER BY district_id IS NULL, names->>'en'"
                ).format(within=within(staff)),
                staff.scope,
            )
            shown = []
            for row in rows:
                found = await ways.of_office(tx, row["id"])
                addresses = [(way, ways.address(jawab.keys, way) if row["mine"] else "") for way in found]
                shown.append(Shown(**row, ways=addresses, counts=counts.get(row["id"], {})))
            await audit.write(tx, str(staff.id), "offices.read", staff.district_id or "")
        given = {"problem": "", "failed": None, "kept": {}, "pin": "", "pinned": None, **more}
        return pages.page(
            request,
            "desk/office_list.html",
            status=status,
            shown=shown,
            kinds=ways.KINDS,
            here="/desk/offices",
            **given,
        )

    app.add_route("/desk/offices", show, methods=["GET"])
    app.add_route("/desk/offices/{office_id:uuid}/{move}", perform, methods=["POST"])


async def _hold(tx: Tx, staff: Staff, office_id: UUID) -> None:
    """Raises HTTPException 404 where it is not the reader's to change: the province's are the province's."""
    statement = sql.SQL("SELECT id FROM offices WHERE id = %(office)s AND {within} FOR UPDATE")
    found = await fetch_one(tx, statement.format(within=within(staff)), {**staff.scope, "office": office_id})
    if found is None:
        raise HTTPException(404)
