"""The web process: the citizen's door, the handler's side, the public window, and whether we are well."""

from __future__ import annotations

from hmac import compare_digest
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

import psycopg
import uvicorn
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp

import bot.doors
import bot.trial
import desk.doors
import window.doors
from desk.slot import Slot
from house.patience import Patient
from settings import Part, Settings
from store.database import ROLES_OF, check
from store.jawab import Jawab
from store.metrics import Metrics

PROXIED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def assemble(jawab: Jawab, part: Part = "all", slot: Slot | None = None) -> ASGIApp:
    """The application on parts that are already open, or one side of it: what is another's is nobody's there."""
    app = pages_of(jawab, part, slot)
    return bot.doors.stand_before(app, jawab) if part in {"all", "citizen"} else app


def pages_of(jawab: Jawab, part: Part = "all", slot: Slot | None = None) -> FastAPI:
    """All that stands behind the providers' doors."""
    app = FastAPI(
        title="Jawab",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # such a redirect leads to whatever name the request asked for
    )
    app.state.jawab = jawab
    if part in {"all", "citizen"} and jawab.settings.demo:
        bot.trial.mount(app, jawab)
    if part != "citizen":
        desk.doors.mount(app, jawab, part, slot)
    if part in {"all", "citizen"}:
        window.doors.mount(app)

    async def health(_: Request) -> Response:
        return PlainTextResponse("alive")

    async def ready(_: Request) -> Response:
        """200 once the database answers and is migrated; 503 with one line otherwise."""
        try:
            async with jawab.db.autocommit(ROLES_OF[part][0]) as connection:
                await check(connection)
        except psycopg.errors.UndefinedTable:
            return JSONResponse({"ready": False, "why": "the database is not migrated"}, status_code=503)
        except (psycopg.OperationalError, TimeoutError):
            return JSONResponse({"ready": False, "why": "the database does not answer"}, status_code=503)
        return JSONResponse({"ready": True})

    counted = Metrics(jawab)

    async def metrics(request: Request) -> Response:
        """For who holds the token, where one is set, else who asks from a private address by no proxy; else a 404."""
        token = jawab.settings.metrics_token
        if token:
            may = compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode())
        else:
            may = is_inside(request, urlsplit(jawab.settings.url_of(part)).hostname or "")
        if not may:
            raise HTTPException(404)
        return Response(await counted.text(), media_type=CONTENT_TYPE_LATEST)

    app.add_route("/health", health)
    app.add_route("/ready", ready)
    if part in {"all", "desk"}:
        app.add_route("/metrics", metrics)
    return app


def serve_with(
    app: ASGIApp, settings: Settings, patience: type[Patient] = Patient, part: Part = "all"
) -> uvicorn.Config:
    """How the application is served: with deadlines, without a log of people, believing the proxies that were named."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port_of(part),
        http=patience,
        ws="none",
        access_log=False,  # an access log holds addresses and query strings: people
        log_config=None,  # warnings and errors go where all others do; its own set-up wakes every logger there is
        server_header=False,
        proxy_headers=bool(settings.proxy),  # by itself it would believe whoever speaks from this machine
        forwarded_allow_ips=settings.proxy or [],
        timeout_graceful_shutdown=8,
    )


def is_inside(request: Request, public_name: str) -> bool:
    """Whether nobody outside can have sent this: a private peer, no trace of a proxy, our public name not asked for.

    A proxy on the same machine that adds no header and asks for another name cannot be told from a neighbour.
    """
    peer = request.client.host if request.client else ""
    if not _is_private(peer) or any(name in request.headers for name in PROXIED):
        return False
    try:
        asked = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    return asked != public_name or asked == "localhost" or _is_private(asked)


def _is_private(name: str) -> bool:
    try:
        address = ip_address(name)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_private
