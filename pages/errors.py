"""The same headers on every answer, error pages in plain words, static files: what an app wears that shows pages."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from pages.kept import Kept
from pages.page import lang_of, page
from pages.room import ASGI, HERE, Room, room_of
from store import logs

log = structlog.get_logger()

WEBHOOKS = ("/in/", "/health", "/ready", "/metrics")

CSP = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; media-src 'self'; script-src 'self'; "
    "form-action 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    b"content-security-policy": CSP.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}
HTTPS_ONLY = (b"strict-transport-security", b"max-age=63072000")  # two years, once anybody came by https


Head = list[tuple[bytes, bytes]]


def wear(head: Head, *, https: bool) -> Head:
    """An answer's headers with those that every answer of ours has."""
    present = {name.lower() for name, _ in head}
    return [*head, *(one for one in HEADERS.items() if one[0] not in present), *([HTTPS_ONLY] if https else [])]


def note_crash(crash: Exception, route: str = "") -> None:
    """Where it happened, never what it said: a database error quotes the words it choked on."""
    log.error("crash", route=route, kind=type(crash).__name__, where=logs.where(crash))


def dress(app: FastAPI, room: Room) -> None:
    """Let an app show a room's pages. The first room brings the headers, which go around whatever was added before."""
    if not hasattr(app.state, "rooms"):
        app.state.rooms = []
        app.state.kept = Kept()
        app.state.static = _Static(directory=HERE / "static")
        app.add_middleware(Headers)
        app.add_exception_handler(HTTPException, _http_error)
        app.mount("/static", app.state.static, name="static")
    app.state.rooms.append(room)
    app.state.static.all_directories.append(room.folder / "static")


class Headers:
    """The same headers on every answer, also where we crash; of a private room nothing is kept by anybody."""

    def __init__(self, app: ASGI) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        room = room_of(scope)
        private = room.private
        https = scope["app"].state.jawab.settings.base_url.startswith("https://")
        started = False

        async def dressed(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = wear(list(message.get("headers", [])), https=https)
                if private:
                    given = [(name, value) for name, value in given if name.lower() != b"cache-control"]
                    given.append((b"cache-control", b"no-store"))
                message["headers"] = given
            await send(message)

        try:
            await self.app(scope, receive, dressed)
        except ClientDisconnect:
            return  # who asked is gone, or was too slow: there is nobody to answer
        except psycopg.OperationalError as away:
            log.error("page put off", route=getattr(scope.get("route"), "path", ""), kind=type(away).__name__)
            if started:
                raise
            await _put_off(request)(scope, receive, dressed)
        except Exception as crash:
            note_crash(crash, getattr(scope.get("route"), "path", ""))
            if started:
                raise
            await refuse(request, 500)(scope, receive, dressed)


def _put_off(request: Request) -> Response:
    """503 while the database is away: the page as it was last shown, where it is everybody's, else plain words."""
    lang, known = lang_of(request), room_of(request.scope).known_by(request) if request.method == "GET" else None
    html = request.app.state.kept.get(known, lang) if known is not None else None
    answer = refuse(request, 503) if html is None else HTMLResponse(html, 503, {"Content-Language": lang})
    answer.headers["retry-after"] = "10"
    return answer


def refuse(request: Request, status: int, key: str | None = None) -> Response:
    """An error page in plain words; the webhooks' side gets one plain word."""
    if request.scope["path"].startswith(WEBHOOKS) or request.method == "HEAD":
        return PlainTextResponse(str(status), status_code=status)
    told = status if status in {403, 404, 405, 413, 422, 429, 503} else 500 if status >= 500 else 400
    room = room_of(request.scope)
    return page(
        request,
        "error.html",
        status=status,
        layout=room.layout,
        back=room.prefix or "/",
        code=status,
        title=f"error.{told}.title",
        text=key or f"error.{told}",
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    if error.status_code in {204, 304}:
        return Response(status_code=error.status_code)
    response = refuse(request, error.status_code)
    response.headers.update(error.headers or {})
    return response


class _Static(StaticFiles):
    """Files of all rooms under one address; their names are told apart by the rooms themselves."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response
