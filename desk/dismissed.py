"""What was called no complaint, for the supervisor: who marked how many, how many senders took it back. No words."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

import pages
from cases import dismissals
from desk.roles import Staff
from store.jawab import Jawab


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.autocommit("console") as conn:
            rows = await dismissals.list_by_person(conn, staff.district_id)
        return pages.page(request, "desk/dismissed.html", rows=rows, here="/desk/dismissed")

    app.add_route("/desk/dismissed", show, methods=["GET"])
