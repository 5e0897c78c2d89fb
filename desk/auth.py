"""Signing in and out: slow hashes, few at a time, and the same answer whether or not a login exists."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from desk import gate, sessions
from store.crypto import Unopened, check_password, hash_password, unlock_private
from store.database import LOCKS, Tx, fetch_one
from store.jawab import Jawab

WINDOW = timedelta(minutes=15)
MOST_BY_LOGIN = 5
MOST_BY_SOURCE = 20
KEPT = timedelta(days=1)
PASSWORD_MOST = 256  # letters
HASHES_AT_ONCE = 2  # 64 to 256 MiB each: a flood of logins must not take the machine's memory


@dataclass(frozen=True, slots=True)
class Identity:
    """What a right password opens."""

    staff_id: UUID
    private_key: bytes | None


@cache
def _nobody() -> str:
    """A hash that no password fits, so that an unknown login costs the same time as a known one."""
    return hash_password("\x00 nobody")


def mount(app: FastAPI, jawab: Jawab) -> None:
    app.state.hashing = asyncio.Semaphore(HASHES_AT_ONCE)

    async def show(request: Request) -> Response:
        if request.state.staff is not None:
            return RedirectResponse("/desk", status_code=303)
        return _form(request, to=request.query_params.get("to", ""))

    async def enter(request: Request) -> Response:
        form = request.state.form
        login, password = form.get("login", "").strip().lower(), form.get("password", "")
        source = request.client.host if request.client else ""
        async with jawab.db.transaction("console") as tx:
            attempt = await count(tx, jawab, login, source)
        if attempt is None:
            return _form(request, status=429, problem="login.throttled", login=login, headers={"Retry-After": "900"})
        async with app.state.hashing:
            known = await check(jawab, login, password)
        if known is None:
            return _form(request, status=401, problem="login.wrong", login=login, to=form.get("to", ""))
        now = datetime.now(UTC)
        async with jawab.db.transaction("console") as tx:
            await tx.execute("UPDATE login_attempts SET ok = true WHERE id = %s", (attempt,))
            if request.state.token:
                await sessions.end(tx, request.state.token)
            token = await sessions.begin(tx, known.staff_id, known.private_key, now)
        response = RedirectResponse(_safe(form.get("to", "")), status_code=303)
        sessions.give(response, token, jawab.settings.base_url)
        return response

    async def leave(request: Request) -> Response:
        async with jawab.db.transaction("console") as tx:
            await sessions.end(tx, request.state.token)
        response = RedirectResponse("/desk/login", status_code=303)
        sessions.take_back(response, jawab.settings.base_url)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    async def home(request: Request) -> Response:
        return RedirectResponse(request.state.staff.home, status_code=303)

    app.add_route("/desk/login", show, methods=["GET"])
    app.add_route("/desk/login", enter, methods=["POST"])
    app.add_route("/desk/logout", leave, methods=["POST"])
    app.add_route("/desk", home, methods=["GET"])


async def count(tx: Tx, jawab: Jawab, login: str, source: str) -> int | None:
    """Write the attempt down as failed before any slow hash. Returns its id, or None where there were too many.

    The login is kept as a keyed hash: people type passwords into the wrong field.
    """
    now = datetime.now(UTC)
    who, where = jawab.keys.tag("login", login).hex(), jawab.keys.tag("source", source).hex()
    # One at a time for one login or source: twenty at once must not all see "four so far".
    for lock in sorted({who, where}):
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", (lock, LOCKS["login"]))
    failed: Any = await fetch_one(
        tx,
        "SELECT (SELECT count(*) FROM login_attempts WHERE NOT ok AND at > %(since)s AND login = %(who)s) AS mine,"
        " (SELECT count(*) FROM login_attempts WHERE NOT ok AND at > %(since)s AND source = %(where)s) AS near",
        {"since": now - WINDOW, "who": who, "where": where},
    )
    if failed["mine"] >= MOST_BY_LOGIN or failed["near"] >= MOST_BY_SOURCE:
        return None
    row: Any = await fetch_one(
        tx,
        "INSERT INTO login_attempts (login, source, ok, at) VALUES (%s, %s, false, %s) RETURNING id",
        (who, where, now),
    )
    return int(row["id"])


async def forget_attempts(tx: Tx, now: datetime) -> int:
    """Let go of attempts that no longer count. Returns how many."""
    gone = await tx.execute("DELETE FROM login_attempts WHERE at < %s", (now - KEPT,))
    return gone.rowcount


async def check(jawab: Jawab, login: str, password: str) -> Identity | None:
    """Whose password this is. An unknown, disabled or (outside demo mode) demo login takes the same time to refuse."""
    row = None
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,39}", login) and len(password) <= PASSWORD_MOST:
        async with jawab.db.autocommit("console") as conn:
            row = await fetch_one(
                conn,
                "SELECT id, password_hash, private_box, key_salt FROM staff"
                " WHERE login = %s AND disabled_at IS NULL AND (%s OR NOT demo)",
                (login, jawab.settings.demo),
            )
    stored = row["password_hash"] if row else await asyncio.to_thread(_nobody)
    fits = await asyncio.to_thread(check_password, stored, password[:PASSWORD_MOST])
    if row is None or not fits:
        return None
    if row["private_box"] is None:
        return Identity(row["id"], None)
    try:
        private = await asyncio.to_thread(unlock_private, bytes(row["private_box"]), password, bytes(row["key_salt"]))
    except Unopened:
        return Identity(row["id"], None)
    return Identity(row["id"], private)


def _safe(to: str) -> str:
    return to if gate.RETURN_TO.fullmatch(to) else "/desk"


def _form(
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
