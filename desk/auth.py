"""Signing in and out: slow hashes, few at a time, and the same answer whether or not a login exists."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases.roles import who_may
from desk import attempts, devices, gate, roles, sessions
from desk.place import Place
from store import alarms, second_factors
from store.crypto import Unopened, check_password, hash_password, unlock_private
from store.database import fetch_one
from store.jawab import Jawab

PASSWORD_MOST = 256  # letters
pause = asyncio.sleep
HASHES_AT_ONCE = 2  # 64 to 256 MiB each: a flood of logins must not take the machine's memory


@dataclass(frozen=True, slots=True)
class Identity:
    """What a right password opens."""

    staff_id: UUID
    role: str
    demo: bool
    private_key: bytes | None


@cache
def _nobody() -> str:
    """A hash that no password fits, so that an unknown login costs the same time as a known one."""
    return hash_password("\x00 nobody")


def mount(app: FastAPI, jawab: Jawab) -> None:
    app.state.hashing = asyncio.Semaphore(HASHES_AT_ONCE)
    place: Place = app.state.place

    async def show(request: Request) -> Response:
        if request.state.staff is not None:
            return RedirectResponse("/desk", status_code=303)
        return form(request, to=request.query_params.get("to", ""))

    async def enter(request: Request) -> Response:
        posted = request.state.form
        login, password = posted.get("login", "").strip().lower(), posted.get("password", "")
        source = request.client.host if request.client else ""
        base_url, now = place.url, datetime.now(UTC)
        device = devices.known(request, jawab.keys, login, base_url)
        try:
            async with jawab.db.transaction(place.role) as tx:
                turn = await attempts.take(tx, jawab.keys, login, source, device=device, now=now)
                if "x-forwarded-for" in request.headers and not jawab.settings.proxy:
                    await alarms.sound(tx, "proxy_not_named", once=["peer"], peer=source)
        except attempts.TooMany as refused:
            problem = "login.throttled" if refused.alone else "login.busy"
            again = {"Retry-After": str(refused.seconds)}
            return form(request, status=429, problem=problem, login=login, headers=again)
        await pause(turn.wait)
        async with app.state.hashing:
            known = await check(jawab, place, login, password)
        if known is None:
            return form(request, status=401, problem="login.wrong", login=login, to=posted.get("to", ""))
        now = datetime.now(UTC)
        asked = roles.needs_second_factor(known.role, demo=known.demo)
        async with jawab.db.transaction(place.role) as tx:
            await attempts.fit(tx, turn)
            if request.state.token:
                await sessions.end(tx, request.state.token)
            if asked:
                await second_factors.offer(tx, jawab.keys, known.staff_id)
                token = await sessions.begin_waiting(tx, known.staff_id, known.private_key, now)
            else:
                token = await sessions.begin(tx, known.staff_id, known.private_key, now)
        to = safe(posted.get("to", ""))
        response = RedirectResponse(f"{roles.SECOND}?to={to}" if asked else to, status_code=303)
        sessions.give(response, token, place)
        if not asked:
            devices.remember(response, jawab.keys, login, base_url)
        return response

    async def leave(request: Request) -> Response:
        async with jawab.db.transaction(place.role) as tx:
            await sessions.end(tx, request.state.token)
        response = RedirectResponse("/desk/login", status_code=303)
        sessions.take_back(response, place)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    async def home(request: Request) -> Response:
        return RedirectResponse(request.state.staff.home, status_code=303)

    app.add_route("/desk/login", show, methods=["GET"])
    app.add_route("/desk/login", enter, methods=["POST"])
    app.add_route("/desk/logout", leave, methods=["POST"])
    app.add_route("/desk", home, methods=["GET"])


async def check(jawab: Jawab, place: Place, login: str, password: str) -> Identity | None:
    """Whose password this is. An unknown, disabled or (outside demo mode) demo login takes the same time to refuse.

    So does one that signs in at the other place: custody is for protected handlers alone, and the desk never is.
    """
    row = None
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,39}", login) and len(password) <= PASSWORD_MOST:
        async with jawab.db.autocommit(place.role) as conn:
            row = await fetch_one(
                conn,
                "SELECT id, role, demo, password_hash, private_box, key_salt FROM staff"
                " WHERE login = %s AND disabled_at IS NULL AND (%s OR NOT demo) AND (%s OR (role = ANY(%s)) = %s)",
                (login, jawab.settings.demo, place.is_whole, list(who_may("unseal")), place.custody),
            )
    stored = row["password_hash"] if row else await asyncio.to_thread(_nobody)
    fits = await asyncio.to_thread(check_password, stored, password[:PASSWORD_MOST])
    if row is None or not fits:
        return None
    person = Identity(row["id"], row["role"], row["demo"], None)
    if row["private_box"] is None:
        return person
    try:
        private = await asyncio.to_thread(unlock_private, bytes(row["private_box"]), password, bytes(row["key_salt"]))
    except Unopened:
        return person
    return replace(person, private_key=private)


def safe(to: str) -> str:
    return to if gate.RETURN_TO.fullmatch(to) else "/desk"


def form(
    request: Request,
    *,
    status: int = 200,
    to: str = "",
    login: str = "",
    problem: str = "",
    headers: dict[str, str] | None = None,
) -> Response:
    shown = to if gate.RETURN_TO.fullmatch(to) else ""
    return pages.page(
        request, "desk/login.html", status=status, headers=headers, to=shown, login=login, problem=problem, kept=""
    )
