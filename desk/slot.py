"""The slot in custody's door: what the desk says when something is to go behind it. Nothing comes out but a refusal."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from socket import AF_UNIX, socket
from typing import Any
from uuid import UUID

import psycopg
import structlog

from cases.lifecycle import Refused
from store import audit

log = structlog.get_logger()

PATIENCE = 15.0  # seconds: sealing reckons a slow hash for each code
MOST = 64 * 1024
AWAY = "custody_away"


@dataclass(frozen=True, slots=True)
class Put:
    """Put this ordinary case behind the door: who says so, whom its words are about, and the form that says it.

    In whose session it is said goes along: custody writes the act in that, and in nobody else's name.
    """

    case_id: UUID
    actor: UUID
    accused: tuple[UUID, ...] = ()
    form: UUID | None = None  # acts once; None: a page so old that it had no number


Slot = Callable[[Put], Awaitable[None]]  # raises cases.lifecycle.Refused


async def listen(put: Slot, socket: socket, word: str) -> asyncio.Server:
    """Custody's end: each line that knows the word is done, and answered by why it was refused, or by nothing."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                given = json.loads(await reader.readline())
                if hmac.compare_digest(str(given["word"]), word):
                    writer.write(json.dumps({"refused": await _do(put, given)}).encode() + b"\n")
                    await writer.drain()
        except (ValueError, KeyError, TypeError, TimeoutError, OSError) as odd:
            log.warning("slot", error=type(odd).__name__)
        finally:
            writer.close()

    return await asyncio.start_unix_server(answer, sock=socket, limit=MOST)


async def _do(put: Slot, given: dict[str, Any]) -> str:
    try:
        form = UUID(given["form"]) if given["form"] else None
        with audit.speaking(str(given["session"])):
            await put(Put(UUID(given["case"]), UUID(given["actor"]), tuple(map(UUID, given["accused"])), form))
    except Refused as refused:
        return refused.reason
    except psycopg.Error as broken:
        log.error("slot", error=type(broken).__name__)
        return AWAY
    return ""


def call(address: str, word: str) -> Slot:
    """The desk's end. Where custody does not answer the case stays where it is: `Refused`."""

    async def put(asked: Put) -> None:
        said = {
            "word": word,
            "case": str(asked.case_id),
            "actor": str(asked.actor),
            "accused": [str(one) for one in asked.accused],
            "form": str(asked.form) if asked.form else "",
            "session": audit.session(),
        }
        try:
            async with asyncio.timeout(PATIENCE):
                line = socket(AF_UNIX)
                line.connect(f"\0{address}")  # at once, or refused
                line.setblocking(False)
                reader, writer = await asyncio.open_unix_connection(sock=line, limit=MOST)
                try:
                    writer.write(json.dumps(said).encode() + b"\n")
                    answer = json.loads(await reader.readline())
                finally:
                    writer.close()
            refused = str(answer["refused"])
        except (OSError, ValueError, KeyError, TypeError, TimeoutError) as away:
            log.error("custody away", error=type(away).__name__)
            refused = AWAY
        if refused:
            raise Refused(refused)

    return put
