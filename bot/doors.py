"""The provider's doors: plain routes, because a web hook is most of what this process does.

Nothing a stranger posts is answered with a 5xx; the only one there is asks the provider to try again, because the
database is away.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import psycopg
import structlog
from fastapi import FastAPI
from psycopg_pool import PoolTimeout
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bot import intake, providers
from bot.channels import Forged, Inbound, Posted, Unreadable
from bot.channels.twilio import Twilio
from bot.receipts import Receipts
from store import alarms, inbox
from store.jawab import Jawab

log = structlog.get_logger()

BODY_MOST = 64 * 1024  # a hook has some 2 KB
BODY_SECONDS = 15.0  # who is slower only holds a connection
ANSWER_SECONDS = 12.0  # Twilio waits 15; a database that hangs, and does not even refuse, is a database that is away
NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'  # replies go by REST, where they have an id
AWAY = (psycopg.OperationalError, PoolTimeout, OSError, TimeoutError)
Handler = Callable[[Twilio, Posted], Awaitable[Response]]


def mount(app: FastAPI, jawab: Jawab) -> None:
    """`POST /in/twilio` and `POST /in/twilio/status?mid=…`; 404 with one line where no account is set up."""
    receipts = Receipts(jawab)

    async def take_message(twilio: Twilio, posted: Posted) -> Response:
        inbound = twilio.read(posted)
        outcome = await (_keep_aside(jawab, inbound) if inbound.system else intake.take(jawab, inbound))
        log.debug("inbound", provider="twilio", outcome=outcome)
        return Response(NOTHING_TO_SAY, media_type="text/xml")

    async def take_receipt(twilio: Twilio, posted: Posted) -> Response:
        receipt = twilio.read_receipt(posted)
        if receipt is not None:
            await receipts.take(receipt)
        return Response(status_code=204)

    app.add_route("/in/twilio", _door(jawab, take_message), methods=["POST"])
    app.add_route("/in/twilio/status", _door(jawab, take_receipt), methods=["POST"])


def _door(jawab: Jawab, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def door(request: Request) -> Response:
        twilio = providers.of(jawab).channel("twilio")
        if not isinstance(twilio, Twilio):
            return Response("No Twilio account is set up here.\n", 404, media_type="text/plain")
        body = await _body(request)
        if isinstance(body, Response):
            return body
        posted = Posted(
            path=request.scope["path"],
            query=request.scope["query_string"].decode("latin-1"),
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers.raw},
            body=body,
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await handle(twilio, posted)
        except Forged as forged:
            log.warning("hook forged", why=str(forged))  # neither the signature nor a field: logs hold no person
            return Response("Not signed by the provider.\n", 403, media_type="text/plain")
        except Unreadable as unreadable:
            await _alarm(jawab, str(unreadable))
            return Response("Signed, but not readable.\n", 400, media_type="text/plain")
        except AWAY as away:
            log.error("hook put off", error=type(away).__name__)
            return Response("Try again.\n", 503, media_type="text/plain", headers={"Retry-After": "5"})

    return door


async def _body(request: Request) -> bytes | Response:
    """The body, or the refusal of one too large or too slow. What a length header says is not believed."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_MOST:
                    return Response("Too large.\n", 413, media_type="text/plain")
    except (ClientDisconnect, TimeoutError):
        return Response("Too slow.\n", 408, media_type="text/plain", headers={"Connection": "close"})
    return bytes(body)


async def _keep_aside(jawab: Jawab, inbound: Inbound) -> str:
    """Banks, operators and other robots: kept, and never answered."""
    async with jawab.db.transaction("intake") as tx:
        kept = await inbox.keep(
            tx,
            jawab.keys,
            id=uuid.uuid4(),
            provider=inbound.provider,
            provider_id=inbound.provider_id,
            contact_id=None,
            body=inbound.as_dict(),
            state="unrouted",
            error="system_sender",
        )
    return "unrouted" if kept else "repeat"


async def _alarm(jawab: Jawab, why: str) -> None:
    """A signed request that we cannot read means that the provider has changed something: a person must look."""
    try:
        async with jawab.db.transaction("intake") as tx:
            await alarms.sound(tx, "hook_unreadable", why=why)
    except AWAY as away:
        log.error("alarm lost", error=type(away).__name__)
