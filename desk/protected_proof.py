"""The page on which a protected handler shows that their key opens what is sealed to them. It holds no case."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

import pages
from cases.protected import proving
from desk import sessions
from desk.roles import Staff
from store.jawab import Jawab


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request, *, said: str = "", good: bool = False, status: int = 200) -> Response:
        return pages.page(
            request, "desk/protected_proof.html", status=status, said=said, good=good, here="/desk/protected/proof"
        )

    async def prove(request: Request) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.transaction("custody") as tx:
            private = await sessions.unlock(tx, request.state.token)
            opened = private is not None and await proving.open_own(tx, staff.id, private)
        if private is None:
            return pages.refuse(request, 403, "protected.no_key")
        return await show(
            request, said="proof.opened" if opened else "proof.shut", good=opened, status=200 if opened else 409
        )

    app.add_route("/desk/protected/proof", show, methods=["GET"])
    app.add_route("/desk/protected/proof", prove, methods=["POST"])
