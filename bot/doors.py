"""The providers' doors: in front of the framework, because a web hook is most of what this process does.

Nothing a stranger posts is answered with a 5xx; the only one there is asks the provider to try again, because the
database is away, or because the settings of its own channel cannot be opened before somebody has mended them.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import psycopg
import structlog
from psycopg_pool import PoolTimeout
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

import pages
from bot import bodies, consequences, intake, registry
from bot.bodies import TooLarge, TooSlow
from bot.channels import Answer, Channel, Forged, Heard, Inbound, Posted, Stopped, Unreadable
from bot.receipts import Receipts
from bot.registry import Door, Registry, Unusable, scoped
from store import alarms, channels, contacts, inbox
from store.database import new_id
from store.jawab import Jawab

log = structlog.get_logger()

T = TypeVar("T")

ANSWER_SECONDS = 12.0  # Twilio waits 15; a database that hangs, and does not even refuse, is a database that is away
AGAIN_SECONDS = (
    0.25  # between two tries while it is away: it may be back at once, and a provider's next try may never come
)
METHODS = ("GET", "HEAD", "POST")  # of any provider; each channel has its own
NAMES, STATUS = 2, "status"  # a path's parts: provider and name, and what receipts come to
AWAY = (psycopg.OperationalError, PoolTimeout, OSError, TimeoutError)


def stand_before(app: ASGIApp, jawab: Jawab) -> ASGIApp:
    """`/in/<provider>` for the environment's account, `/in/<provider>/<name>` for a row's own; receipts below each."""
    return Front(app, Doors(jawab, Receipts(jawab)))


def read_path(path: str) -> tuple[str, str | None, bool] | None:
    """(provider, the name of a row or None, whether receipts come here) of a path below `/in/`; None for any other."""
    _, _, *parts = path.split("/")
    if not all(parts) or not 1 <= len(parts) <= NAMES + 1:
        return None
    status = parts[-1] == STATUS and len(parts) > 1
    names = parts[:-1] if status else parts
    if len(names) > NAMES:
        return None
    return names[0], names[1] if len(names) > 1 else None, status


class Front:
    """Web hooks, in front of whatever the framework does for pages: its layers know nothing of them.

    What these promise of every answer is held here: the same headers, and a crash that quotes nobody.
    """

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self.app, self._doors = app, doors
        self._https = doors.jawab.settings.base_url.startswith("https://")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = read_path(scope["path"]) if scope["type"] == "http" and scope["path"].startswith("/in/") else None
        if asked is None:
            await self.app(scope, receive, send)
            return
        try:
            answer = await self._doors.answer(scope, receive, *asked)
        except Exception as crash:  # noqa: BLE001 - told to nobody, and noted without its words
            pages.note_crash(crash)
            answer = Answer(500, "500")
        body = answer.body.encode()
        head = _head(answer.status, len(body), answer.content_type, answer.headers, self._https)
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=64)
def _head(status: int, length: int, kind: str, more: tuple[tuple[str, str], ...], https: bool) -> pages.Head:
    """All headers of an answer: the same for thousands of them."""
    return pages.wear(Response(bytes(length), status, dict(more), kind).raw_headers, https=https)


@dataclass(frozen=True, slots=True)
class Doors:
    jawab: Jawab
    receipts: Receipts

    async def answer(self, scope: Scope, receive: Receive, provider: str, name: str | None, status: bool) -> Answer:
        try:
            return await self._answer(scope, receive, provider, name, status=status)
        except Forged as forged:
            log.warning("hook forged", why=str(forged))  # neither the signature nor a field: logs hold no person
            return _plain(403, "Not signed by the provider.")
        except Unreadable as unreadable:
            await self._alarm("hook_unreadable", scope["path"], str(unreadable))
            return _plain(400, "Signed, but not readable.")
        except TooLarge:
            await self._alarm("hook_too_large", scope["path"], "refused")
            return _plain(413, "Too large.")
        except TooSlow:
            return _plain(408, "Too slow.", ("Connection", "close"))
        except (Unusable, *AWAY) as away:
            log.error("hook put off", error=type(away).__name__)
            return _plain(503, "Try again.", ("Retry-After", "5"))

    async def _answer(self, scope: Scope, receive: Receive, provider: str, name: str | None, *, status: bool) -> Answer:
        if scope["method"] not in METHODS:
            return _plain(405, "Not by this method.", ("Allow", ", ".join(METHODS)))
        here = registry.of(self.jawab)
        end = asyncio.get_running_loop().time() + ANSWER_SECONDS
        if name is None:
            door = here.front_door(provider)
        else:
            door = await _insist(end, lambda: here.door(provider, name))
        if door is None:
            return _plain(404, "No such account is set up here.")
        if scope["method"] not in door.channel.methods:
            return _plain(405, "Not by this method.")
        body = await bodies.read(receive, door.channel.body_cap)
        posted = Posted(
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
            body=body,
            method=scope["method"],
        )
        read = door.channel.read_receipt if status else door.channel.read
        heard = await asyncio.to_thread(read, posted) if len(body) > bodies.ON_A_THREAD else read(posted)
        if len(body) > door.channel.body_most:
            heard = await self._shorten(door.channel, heard, posted.path)
        await _insist(end, lambda: self._take(here, door, heard))
        return heard.answer

    async def _shorten(self, channel: Channel, heard: Heard, door: str) -> Heard:
        """What it said, in part where it said too much. That so large a body came at all is told."""
        cut = tuple(bodies.cut(message, channel.body_most) for message in heard.messages)
        await self._alarm("hook_too_large", door, "kept in part" if any(one.cut for one in cut) else "kept")
        return dataclasses.replace(heard, messages=cut)

    async def _take(self, here: Registry, door: Door, heard: Heard) -> None:
        """Returns once everything that was heard is durable. All of it may come again."""
        if door.row is not None and here.is_news(door.row.id):
            async with self.jawab.db.autocommit("intake") as connection:
                await channels.note_heard(connection, door.row.id)
        for message in heard.messages:
            log.debug("inbound", provider=message.provider, outcome=await self._take_message(here, door, message))
        for receipt in heard.receipts:
            await self.receipts.take(
                dataclasses.replace(receipt, provider_id=scoped(door.channel, door.row, receipt.provider_id))
                if door.row is not None
                else receipt
            )
        for stopped in heard.stops:
            await self._note_stop(here, door, stopped)

    async def _take_message(self, here: Registry, door: Door, message: Inbound) -> str:
        row = await self._owner(here, door, message.channel, message.to)
        if door.channel.ids == "none":
            message = dataclasses.replace(message, provider_id=await self._fingerprint(row, message))
        elif door.row is not None:
            message = dataclasses.replace(message, provider_id=scoped(door.channel, door.row, message.provider_id))
        if message.system or await here.is_ours(message.address):
            return await self._keep_aside(message, "system_sender")
        # At the environment's door a number may be new since the rows were read, or the demo's to adopt: intake knows.
        if row.retired if row is not None else door.row is not None:
            return await self._keep_aside(message, "unknown_number")
        return await intake.take(self.jawab, message)

    async def _owner(self, here: Registry, door: Door, kind: str, to: str) -> channels.Row | None:
        """The row of the number that this was sent to. Raises `Unreadable` where the door is another account's."""
        row = await here.owner(kind, to, surely=door.row is not None)
        if row is not None and not row.retired and await here.open(row) is not door.channel:
            raise Unreadable("a number of another account")
        return row

    async def _note_stop(self, here: Registry, door: Door, stopped: Stopped) -> None:
        await self._owner(here, door, stopped.channel, stopped.to)
        async with self.jawab.db.transaction("intake") as tx:
            await consequences.note_stop(tx, self.jawab.keys, stopped)

    async def _fingerprint(self, row: channels.Row | None, message: Inbound) -> str:
        """An id for a message that has none: the same words from one address, until we have written there, are one."""
        since = ""
        if row is not None:
            tag = contacts.tag(self.jawab.keys, message.channel, message.to, message.address)
            async with self.jawab.db.autocommit("intake") as connection:
                said = await contacts.said_at(connection, row.id, tag)
            since = said.isoformat() if said else ""
        words = message.as_dict() | {"provider_id": since}
        return self.jawab.keys.tag("repeat", json.dumps(words, sort_keys=True)).hex()

    async def _keep_aside(self, message: Inbound, why: str) -> str:
        """What a robot sent, or what came to no number of ours: kept, and never answered."""
        async with self.jawab.db.transaction("intake") as tx:
            kept = await inbox.keep(
                tx,
                self.jawab.keys,
                id=new_id(),
                provider=message.provider,
                provider_id=message.provider_id,
                contact_id=None,
                body=message.as_dict(),
                state="unrouted",
                error=why,
            )
            if kept and why == "unknown_number":
                await alarms.sound(tx, why, to=message.to)
        return "unrouted" if kept else "repeat"

    async def _alarm(self, kind: str, door: str, why: str) -> None:
        """A request that we cannot read, or not whole, means that the provider has changed: a person must look."""
        try:
            async with self.jawab.db.transaction("intake") as tx:
                await alarms.sound(tx, kind, once=("door", "why"), door=door, why=why)
        except AWAY as away:
            log.error("alarm lost", error=type(away).__name__)


async def _insist(end: float, do: Callable[[], Awaitable[T]]) -> T:
    """Do it, again and again while the database is away, until the loop's time is `end`: then TimeoutError.

    What is done here may be done twice: all of it is told by the provider's own ids.
    """
    async with asyncio.timeout_at(end):
        while True:
            try:
                return await do()
            except AWAY as away:
                log.warning("hook waits", error=type(away).__name__)
            await asyncio.sleep(AGAIN_SECONDS)


def _plain(status: int, line: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, f"{line}\n", headers=headers)
