"""Turns that wait are taken together: while some are read, thought and written, the next gather, with no timer.

Whoever comes to a quiet house is taken at once, by themselves. Of several each is what it would be alone: its own
version of its session guards what it writes, and whatever has effects, found its session moved, or failed in any way
goes on by itself, so that nobody waits for it or fails with it. Two messages of one phone are never taken at once.

Turns leave the others by the same rule on both sides of the protected door (`Thought.light`): which of them were taken
together, and which were not, tells nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog

from bot.channels import Inbound
from bot.intake import standing, turn
from bot.intake.turn import LONG, Thought
from store import moves
from store.database import Database
from store.jawab import Jawab

log = structlog.get_logger()

MOST = 64  # at once: more of them gain nothing, and the first waits for the last
SECONDS = 5.0  # for reading or writing of several: a database that hangs longer is each message's own affair

Sender = tuple[str, str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A message whose turn has not come."""

    jawab: Jawab
    message: Inbound
    sender: Sender
    done: asyncio.Future[str]


@dataclass(slots=True)
class Together:
    """The messages of one process that wait for each other."""

    _waiting: deque[Waiting] = field(default_factory=deque)
    _speaking: set[Sender] = field(default_factory=set)  # phones of which a message is being taken
    _working: bool = False  # somebody is at it, whom those that come now wait for
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def take(self, jawab: Jawab, message: Inbound) -> str:
        """As `turn.take_alone`."""
        sender = message.channel, message.to, message.person or message.address
        if self._working or self._waiting or sender in self._speaking:
            one = Waiting(jawab, message, sender, asyncio.get_running_loop().create_future())
            self._waiting.append(one)
            self._go_on()
            return await one.done
        self._speaking.add(sender)
        try:
            return await (self._take_first(jawab, message) if _is_plain(message) else turn.take_alone(jawab, message))
        finally:
            self._fall_silent(sender)

    async def _take_first(self, jawab: Jawab, message: Inbound) -> str:
        """Nobody else is here. Those who come now wait until it is known to have effects, or is done."""
        self._working = True
        try:
            thought = await turn.begin(jawab, message)
            outcome = await turn.end(thought) if isinstance(thought, Thought) and thought.light else ""
        finally:
            self._working = False
            self._go_on()
        if isinstance(thought, str):
            return thought
        if outcome == "stale":
            return await turn.take_alone(jawab, message)
        return outcome or await turn.take_on(jawab, message, thought)

    # ── several ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _go_on(self) -> None:
        if self._waiting and not self._working:
            self._working = True
            self._start(self._run())

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self) -> None:
        try:
            while group := self._next():
                await self._take_group(group)
                await asyncio.sleep(0)  # what came meanwhile is read, and belongs to the next
        finally:
            self._working = False

    def _next(self) -> list[Waiting]:
        """The next that may be taken together, oldest first. What is not like the others goes by itself now."""
        group, rest, held = list[Waiting](), deque[Waiting](), set(self._speaking)
        for one in self._waiting:
            if one.done.cancelled():
                continue
            if one.sender in held or len(group) == MOST or (group and one.jawab is not group[0].jawab):
                rest.append(one)
            else:
                self._speaking.add(one.sender)
                if _is_plain(one.message):
                    group.append(one)
                else:
                    self._send(one)
            held.add(one.sender)
        self._waiting = rest
        return group

    async def _take_group(self, group: list[Waiting]) -> None:
        """Whatever happens to it, each of them is answered or goes by itself."""
        left = dict.fromkeys(group)
        try:
            async with asyncio.timeout(SECONDS):
                thoughts = await _think(group)
                light = {one: thought for one, thought in thoughts.items() if thought.light}
                for one in thoughts.keys() - light.keys():
                    del left[one]
                    self._send(one, thoughts[one])
                moved = await _write(light)
        except Exception as error:  # noqa: BLE001 - each finds out by itself what is true
            log.warning("group failed", error=type(error).__name__, size=len(group))
            moved = []
        for one in moved:
            del left[one]
            self._answer(one, turn.note_taken(light[one]))
        for one in left:
            self._send(one)

    # ── one ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _answer(self, one: Waiting, outcome: str) -> None:
        if not one.done.done():
            one.done.set_result(outcome)
        self._speaking.discard(one.sender)

    def _send(self, one: Waiting, thought: Thought | None = None) -> None:
        """It goes by itself, until it is done or nobody waits for it any more."""
        task = self._start(self._go(one, thought))
        one.done.add_done_callback(lambda done: task.cancel() if done.cancelled() else None)

    async def _go(self, one: Waiting, thought: Thought | None) -> None:
        try:
            outcome = await turn.take_on(one.jawab, one.message, thought)
        except Exception as error:  # noqa: BLE001 - told to whoever waits for it
            if not one.done.done():
                one.done.set_exception(error)
        else:
            if not one.done.done():
                one.done.set_result(outcome)
        finally:
            self._fall_silent(one.sender)

    def _fall_silent(self, sender: Sender) -> None:
        self._speaking.discard(sender)
        self._go_on()


async def _think(group: list[Waiting]) -> dict[Waiting, Thought]:
    """What those think who can be taken together; not of two under whose names the same contact is found."""
    jawab, thoughts, contacts = group[0].jawab, dict[Waiting, Thought](), set[UUID]()
    found = await standing.read_many(jawab, [one.message for one in group])
    for one, before in zip(group, found, strict=True):
        if before is None or before.repeat or before.ours or before.contact_id in contacts:
            continue
        contacts.add(before.contact_id)
        try:
            thoughts[one] = await turn.think(jawab, one.message, before)
        except Exception as error:  # noqa: BLE001 - it fails again by itself, where it is kept
            log.warning("thought alone", error=type(error).__name__)
    return thoughts


async def _write(light: dict[Waiting, Thought]) -> list[Waiting]:
    """Those that were written: of the others somebody had moved the session."""
    if not light:
        return []
    jawab = next(iter(light)).jawab
    moved = await moves.move_many(jawab.db.kept, [turn.to_move(thought) for thought in light.values()])
    return [one for one, thought in light.items() if thought.turn.contact_id in moved]


def _is_plain(message: Inbound) -> bool:
    """Whether nothing must be asked or read at length before it is thought about: else others would wait for that."""
    return not (message.media or message.quotes or message.system or len(message.text) > LONG)


# By database, as what is known of districts.
_of: WeakKeyDictionary[Database, Together] = WeakKeyDictionary()


async def take(jawab: Jawab, message: Inbound) -> str:
    """Take one message. Returns taken, repeat, unrouted or undone; each of them is a 200 to the provider.

    Raises psycopg.OperationalError when the database cannot be reached, so that the provider tries again. Cancelled
    while it waits for its turn it is not taken; after that it may be.
    """
    return await _of.setdefault(jawab.db, Together()).take(jawab, message)
