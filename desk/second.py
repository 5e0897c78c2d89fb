"""The second step of signing in, for who may read sealed cases or let others in: a code from the person's own phone.

At the first login the page shows the secret, as a square code and in letters, and takes the first code as proof that
the phone has it. Each code is good once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import segno
from fastapi import FastAPI
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from desk import attempts, auth, devices, sessions
from desk.place import here
from desk.roles import SECOND
from desk.sessions import Waiting
from store import alarms, login_waits, second_factors, totp
from store.database import Tx
from store.jawab import Jawab

MANY_WRONG = 10  # a day: somebody has the password and guesses


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request) -> Response:
        async with jawab.db.autocommit(here(request).role) as conn:
            waiting = await sessions.find_waiting(conn, request.state.token, datetime.now(UTC))
        if waiting is None:
            return RedirectResponse("/desk/login", status_code=303)
        return await _page(request, jawab, waiting)

    async def answer(request: Request) -> Response:
        now = datetime.now(UTC)
        async with jawab.db.autocommit(here(request).role) as conn:
            waiting = await sessions.find_waiting(conn, request.state.token, now)
        if waiting is None:
            return auth.form(request, status=401, problem="login.second_expired")
        try:
            # Counted and committed before it is looked at, so that many at once do not all find room.
            async with jawab.db.transaction(here(request).role) as tx:
                turn = await attempts.take_code(tx, jawab.keys, waiting.staff_id, now)
        except attempts.TooMany as refused:
            again = {"Retry-After": str(refused.seconds)}
            return await _page(request, jawab, waiting, status=429, problem="login.second_often", headers=again)
        code = "".join(str(int(letter)) for letter in request.state.form.get("code", "")[:20] if letter.isdigit())
        async with jawab.db.transaction(here(request).role) as tx:
            if await second_factors.use(tx, jawab.keys, waiting.staff_id, code, now):
                await attempts.fit(tx, turn)
                return await _let_in(request, jawab, tx, waiting)
            problem = await _refuse(tx, jawab, waiting, now)
        return await _page(request, jawab, waiting, status=401, problem=problem)

    app.add_route(SECOND, show, methods=["GET"])
    app.add_route(SECOND, answer, methods=["POST"])


async def _let_in(request: Request, jawab: Jawab, tx: Tx, waiting: Waiting) -> Response:
    place = here(request)
    await login_waits.end(tx, waiting.token_hash)
    token = await sessions.begin(tx, waiting.staff_id, waiting.private_key, datetime.now(UTC))
    response = RedirectResponse(auth.safe(request.state.form.get("to", "")), status_code=303)
    sessions.give(response, token, place)
    devices.remember(response, jawab.keys, waiting.login, place.url)
    return response


async def _refuse(tx: Tx, jawab: Jawab, waiting: Waiting, now: datetime) -> str:
    """Whoever is here knows the password, so a wrong code is written down. Returns the text that says what to do."""
    await login_waits.note_wrong(tx, waiting.token_hash)
    if await attempts.wrong_codes(tx, jawab.keys, waiting.staff_id, now - attempts.KEPT) >= MANY_WRONG:
        await alarms.sound(tx, "second_factor_guessed", once=["login"], login=waiting.login)
    again = await attempts.wrong_codes(tx, jawab.keys, waiting.staff_id, now - attempts.WINDOW) > 1
    return "login.second_wrong_again" if again else "login.second_wrong"


async def _page(request: Request, jawab: Jawab, waiting: Waiting, *, problem: str = "", **more: Any) -> Response:
    async with jawab.db.autocommit(here(request).role) as conn:
        secret = await second_factors.offered(conn, jawab.keys, waiting.staff_id)
    return pages.page(
        request,
        "desk/second.html",
        to=auth.safe(request.state.form.get("to", "") or request.query_params.get("to", "")),
        square=_draw(totp.address(secret, waiting.login)) if secret else "",
        spelled=totp.spell(secret) if secret else "",
        problem=problem,
        **more,
    )


def _draw(text: str) -> Markup:
    """A square code as part of the page: nothing is fetched, and nothing of it is kept by a browser."""
    return Markup(segno.make(text, error="m").svg_inline(scale=4, border=3, light="#fff"))  # noqa: S704 - drawn by us
