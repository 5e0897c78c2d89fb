"""The gate before every page of the desk: host, session, role, size and forgery are settled before a page runs."""

from __future__ import annotations

import hmac
import ipaddress
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

import pages
from desk import roles, sessions
from desk.place import here
from desk.roles import Staff
from settings import Settings
from store import audit

PREFIX = "/desk"
BODY_MOST = 64 * 1024  # bytes: the longest form is an answer of 1,000 letters in two bytes each, percent-encoded
FIELDS_MOST = 100
HOST = re.compile(r"(?:(?P<name>[A-Za-z0-9.-]{1,253})|\[(?P<six>[0-9a-fA-F:.]{2,45})\])(?::[0-9]{1,5})?")
RETURN_TO = re.compile(r"/desk(/[A-Za-z0-9_-]+)*")


def is_desk(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")


class Gate:
    """ASGI middleware over `/desk`. Pages behind it find `request.state.staff`, `.form` and `.token`."""

    def __init__(self, app: pages.ASGI) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_desk(scope["path"]):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        settings: Settings = scope["app"].state.jawab.settings
        place = here(request)
        if not host_allowed(request.headers.get("host", ""), settings, place.url):
            await PlainTextResponse("Misdirected request", status_code=421)(scope, receive, send)
            return
        body = b""
        form: dict[str, str] = {}
        if scope["method"] not in {"GET", "HEAD"}:
            read = await _body(receive, request.headers.get("content-length"))
            form = _form(request, read) if read is not None else {}
            body = read or b""
            refused = 413 if read is None else None
        else:
            refused = None
        token = request.cookies.get(place.cookie, "")
        # A page that refreshes itself must not keep a session alive at an empty desk; a link that somebody follows may.
        by_itself = request.headers.get("hx-request") == "true" and "hx-boosted" not in request.headers
        polled = by_itself and scope["method"] == "GET"
        staff = await _who(scope, token, settings, touch=not polled) if token else None
        scope["state"] = {**scope.get("state", {}), "staff": staff, "form": form, "token": token}
        answer = pages.refuse(request, refused) if refused else _judge(request, staff, form)
        with audit.speaking(token if staff else ""):
            await (answer or self.app)(scope, _again(body, receive), send)


async def _who(scope: Scope, token: str, settings: Settings, *, touch: bool) -> Staff | None:
    async with scope["app"].state.jawab.db.autocommit(scope["app"].state.place.role) as conn:
        return await sessions.find(conn, token, demo=settings.demo, now=datetime.now(UTC), touch=touch)


def _judge(request: Request, staff: Staff | None, form: dict[str, str]) -> Response | None:
    """None lets the request pass; otherwise the answer that ends it here."""
    try:
        admitted = roles.admitted(request.method, _route(request.scope))
    except KeyError:
        return pages.refuse(request, 404)
    if admitted is None:  # ANYBODY: signing in, which needs no session's token
        return pages.refuse(request, 403, "error.forged") if request.method == "POST" and foreign(request) else None
    if staff is None:
        return _sign_in(request, form)
    if staff.role not in admitted:
        return pages.refuse(request, 404)  # what is not yours does not exist
    if request.method == "POST" and (foreign(request) or not _same(form.get("csrf", ""), staff.csrf)):
        return pages.refuse(request, 403, "error.forged")
    return None


def _same(given: str, kept: str) -> bool:
    return hmac.compare_digest(given.encode(), kept.encode())


def _sign_in(request: Request, form: dict[str, str]) -> Response:
    if request.method in {"GET", "HEAD"}:
        where = f"?to={request.scope['path']}" if RETURN_TO.fullmatch(request.scope["path"]) else ""
        return RedirectResponse(f"/desk/login{where}", status_code=303)
    # Somebody wrote an answer for longer than the session lives: hand the words back instead of losing them.
    return pages.page(
        request, "desk/login.html", status=401, to="", login="", problem="login.expired", kept=form.get("text", "")
    )


def foreign(request: Request) -> bool:
    """Whether a browser says that another site made this request. Behind the session's own token, not instead of it."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = request.headers.get("origin", "null")  # our own no-referrer policy makes browsers say "null"
    return origin != "null" and urlsplit(origin).netloc != request.headers.get("host", "")


def host_allowed(host: str, settings: Settings, url: str) -> bool:
    """Only names this house was given; a bare IP where it listens on every address (names are what is rebound)."""
    found = HOST.fullmatch(host)
    name = (found["name"] or found["six"]) if found else ""
    if name in {urlsplit(url).hostname, settings.host, "localhost", "127.0.0.1", "::1"}:
        return True
    if settings.host not in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _route(scope: Scope) -> str:
    """The path of the plain route that will answer, as it was mounted; "" where there is none.

    Routes inside an included router have no path here, so they are refused: mount with `app.add_route`.
    """
    for route in scope["app"].router.routes:
        if route.matches(scope)[0] is Match.FULL:
            return str(getattr(route, "path", ""))
    return ""


async def read_form(request: Request) -> dict[str, str] | None:
    """What was posted to a page that no gate stands before; None where it is longer than any form of ours."""
    body = await _body(request.receive, request.headers.get("content-length"))
    return _form(request, body) if body is not None else None


async def _body(receive: Receive, length: str | None) -> bytes | None:
    """The whole body, or None where it is longer than any form of ours."""
    if length is not None and (not length.isdigit() or int(length) > BODY_MOST):
        return None
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None  # half an answer is none: it would go out as if it were whole
        body += bytes(message.get("body", b""))
        if len(body) > BODY_MOST:
            return None
        if not message.get("more_body", False):
            return body


def _form(request: Request, body: bytes) -> dict[str, str]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    try:
        pairs = parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MOST)
    except ValueError:
        return {}
    return {name: value.replace("\x00", "").replace("\r\n", "\n") for name, value in pairs}


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read here to whoever asks for it next."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
