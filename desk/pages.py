"""Pages: one template environment, one set of headers, error pages in plain words. No page needs JavaScript."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from fastapi import FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

import locales
from cases import calendar
from locales.values import choose_name, group, keep_dates_whole

log = structlog.get_logger()

ROOM = Path(__file__).parent
STATIC = ROOM / "static"
LANG_COOKIE = "jawab-lang"
STAFF_LANGS = ("en", "ur")
WEBHOOKS = ("/in/", "/health", "/ready", "/metrics")

CSP = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; script-src 'self'; "
    "form-action 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    b"content-security-policy": CSP.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}

ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]


def is_desk(path: str) -> bool:
    return path == "/desk" or path.startswith("/desk/")


# ── languages ────────────────────────────────────────────────────────────────────────────────────────────────────────
def lang_of(request: Request) -> str:
    """The reader's language: `?lang=`, the cookie, what the browser asks for, else English (Urdu in public)."""
    offered = STAFF_LANGS if is_desk(request.scope["path"]) else locales.ALL_LANGS
    asked = request.headers.get("accept-language", "")[:2].lower()
    wanted = (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE), asked)
    return next(
        (lang for lang in wanted if lang is not None and lang in offered),
        "en" if is_desk(request.scope["path"]) else "ur",
    )


# ── templates ────────────────────────────────────────────────────────────────────────────────────────────────────────
@cache
def environment() -> Environment:
    jinja = Environment(
        loader=FileSystemLoader(ROOM / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters["code"] = group
    jinja.globals["asset"] = asset
    jinja.globals["direction"] = locales.direction
    jinja.globals["own_name"] = locales.own_name
    return jinja


@cache
def asset(name: str) -> str:
    """The address of a static file, with a digest so that browsers may keep it."""
    file = STATIC / name
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else "none"
    return f"/static/{name}?v={digest}"


@cache
def has_htmx() -> bool:
    return (STATIC / "vendor" / "htmx.min.js").is_file()


@cache
def has_fonts() -> bool:
    return any((STATIC / "vendor").glob("*.woff2"))


def local_day(moment: datetime | date, zone: str) -> str:
    """2026-11-21, in the district's own time."""
    return (calendar.day_of(moment, zone) if isinstance(moment, datetime) else moment).isoformat()


def local_time(moment: datetime, zone: str) -> str:
    """21-11-2026 14:05, as locales writes dates."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%d-%m-%Y %H:%M")


def page(
    request: Request, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """Render `template` in the reader's language.

    Besides `values`, templates find t, name, day, time, lang, lang_dir, langs, staff, csrf, here, demo, fonts and htmx.
    """
    lang = lang_of(request)
    staff = getattr(request.state, "staff", None)
    zone = staff.timezone if staff else calendar.PROVINCE
    desk = is_desk(request.scope["path"])
    context: dict[str, Any] = {
        "t": lambda key, **said: locales.say(key, lang, **said),
        "name": lambda names: choose_name(names or {}, lang),
        "day": partial(local_day, zone=zone),
        "time": partial(local_time, zone=zone),
        "lang": lang,
        "lang_dir": locales.direction(lang),
        "langs": STAFF_LANGS if desk else locales.ALL_LANGS,
        "staff": staff,
        "csrf": staff.csrf if staff else "",
        "here": request.scope["path"],  # not request.url, which a malformed Host breaks
        "demo": request.app.state.jawab.settings.demo,
        "fonts": has_fonts(),
        "htmx": desk and has_htmx(),
        **values,
    }
    html = keep_dates_whole(environment().get_template(template).render(context))
    response = HTMLResponse(html, status_code=status, headers={"Content-Language": lang, **(headers or {})})
    if request.query_params.get("lang") == lang:
        # SameSite Lax and no secret in it: it only remembers which language to show.
        response.set_cookie(LANG_COOKIE, lang, max_age=31_536_000, samesite="lax", httponly=True)
    return response


# ── headers and errors ───────────────────────────────────────────────────────────────────────────────────────────────
class Headers:
    """The same headers on every answer, also where we crash; no browser or proxy keeps anything of the desk."""

    def __init__(self, app: ASGI) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        private = is_desk(scope["path"])
        started = False

        async def dressed(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = list(message.get("headers", []))
                present = {name.lower() for name, _ in given}
                given += [(name, value) for name, value in HEADERS.items() if name not in present]
                if private:
                    given = [(name, value) for name, value in given if name.lower() != b"cache-control"]
                    given.append((b"cache-control", b"no-store"))
                message["headers"] = given
            await send(message)

        try:
            await self.app(scope, receive, dressed)
        except Exception as crash:
            # Where it happened, never what it said: a database error quotes the words it choked on.
            where = [
                f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(crash.__traceback__)
            ]
            route = getattr(scope.get("route"), "path", "")
            log.error("crash", route=route, kind=type(crash).__name__, where=where[-6:])
            if started:
                raise
            await refuse(Request(scope), 500)(scope, receive, dressed)


def refuse(request: Request, status: int, key: str | None = None) -> Response:
    """An error page in plain words; the webhooks' side gets one plain word."""
    if request.scope["path"].startswith(WEBHOOKS) or request.method == "HEAD":
        return PlainTextResponse(str(status), status_code=status)
    told = status if status in {403, 404, 405, 413, 422, 429} else 500 if status >= 500 else 400
    return page(
        request, "error.html", status=status, code=status, title=f"error.{told}.title", text=key or f"error.{told}"
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    if error.status_code in {204, 304}:
        return Response(status_code=error.status_code)
    response = refuse(request, error.status_code)
    response.headers.update(error.headers or {})
    return response


def dress(app: FastAPI) -> None:
    """Give the app its headers, error pages and static files, once."""
    if getattr(app.state, "dressed", False):
        return
    app.state.dressed = True
    app.add_middleware(Headers)
    app.add_exception_handler(HTTPException, _http_error)
    app.mount("/static", _Static(directory=STATIC), name="static")


class _Static(StaticFiles):
    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response
