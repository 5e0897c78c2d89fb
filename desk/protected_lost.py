"""The same as desk/lost for sealed cases: a reader's own key opens what the word is looked for in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from cases.lifecycle import Refused
from cases.lost import Sought
from cases.protected import lost as sealed
from cases.protected.acting import Reader
from desk import lost, sessions
from desk.lost import Told
from desk.roles import Staff
from store.database import Tx
from store.jawab import Jawab

BASE = "/desk/protected/lost"


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def answer(request: Request, told: Told) -> Response:
        staff: Staff = request.state.staff
        async with jawab.db.autocommit("custody") as conn:
            known, left = await lost.places(conn, staff), await sealed.left(conn, staff.id)
        return lost.show(request, known, told, base=BASE, left=left, opens="/desk/protected")

    async def ask(request: Request) -> Response:
        return await answer(request, Told())

    async def act(request: Request, make: Callable[[Tx, Sought, Reader], Awaitable[Told]]) -> Response:
        """One search in one transaction, by the key that the session holds; what is told leaves after it."""
        staff: Staff = request.state.staff
        try:
            async with jawab.db.transaction("custody") as tx:
                sought = lost.read(request, await lost.places(tx, staff))
                private = await sessions.unlock(tx, request.state.token)
                told = Told(problem="protected.no_key", status=403)
                if private is not None:
                    told = await make(tx, sought, Reader(staff.id, private, datetime.now(UTC)))
        except Refused as refused:
            told = Told(problem=f"refused.{refused.reason}", status=422)
        return await answer(request, told)

    async def find(request: Request) -> Response:
        async def make(tx: Tx, sought: Sought, reader: Reader) -> Told:
            return Told(await sealed.find(tx, jawab.keys, sought, reader))

        return await act(request, make)

    async def renumber(request: Request) -> Response:
        case_id = request.path_params["case_id"]

        async def make(tx: Tx, sought: Sought, reader: Reader) -> Told:
            await lost.spend(tx, request.state.staff, request.state.form.get("once", ""), case_id)
            code = await sealed.renumber(tx, jawab.keys, case_id, sought, reader)
            return Told(code=code) if code else Told([])

        return await act(request, make)

    app.add_route(BASE, ask, methods=["GET"])
    app.add_route(BASE, find, methods=["POST"])
    app.add_route(f"{BASE}/{{case_id:uuid}}", renumber, methods=["POST"])
