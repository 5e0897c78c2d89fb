"""Deliver: one outbox row, one send. A row is claimed, checked, sent outside any transaction, and its fate recorded.

What makes "once" true: a row is sent only by the process whose claim still holds and is younger than `LEASE`; a row
whose sending has no recorded end is never sent again before the provider was asked whether it has it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate
from typing import Any
from uuid import UUID

import psycopg
import structlog

from bot import consequences, gate, outside, registry
from bot.backoff import ANSWER_TRIES, ANSWER_WAIT, DOUBTS_MOST, delay
from bot.batches import Batches
from bot.channels import SILENT, Channel, Outbound, SendError
from bot.departures import Departures
from bot.pacing import spacing
from bot.prepared import Ready, prepare
from bot.registry import Registry, scoped
from bot.watch import Watch
from locales.channels import CHANNELS, sms_parts
from store import alarms, contacts
from store.jawab import Jawab
from store.outbox import claims
from store.outbox.claims import Claimed, Outcome, outcome

log = structlog.get_logger()

CONCURRENT = 64  # sends at once; measured: more gains nothing below 100 ms of provider latency
HANDFUL = 64  # rows of one claim: what STOP and a crash can be late by
OPEN_MOST = 512  # claimed rows that are not recorded yet, those that wait for their slot included
HORIZON = 5.0  # seconds: a handful takes no slots beyond it, and none where the first is beyond it
LEASE = 15.0  # seconds after which a claim is not sent on any more
UNSURE_AFTER = timedelta(seconds=45)  # LEASE, a send's whole timeout, and room to spare
ASK_AGAIN = 15.0  # seconds at least until a message whose answer never came is asked after once more
AHEAD = 0.5  # a sender's next rows are claimed this long before its reserved slots run out
# By lane, seconds until other senders' rows are looked for again, where none were beside one without a slot: past all
# of an edition it is a long way, and an answer does not wait for one.
OTHERS = {"broadcasts": 5.0, "replies": AHEAD}
GATHER = 0.5  # seconds in which records of a paced sender gather: each by itself costs more than its message
RECHECK = 1.0  # seconds of waiting after which STOP is looked at again
ASKING = 16  # questions to the provider at once, when a crash is cleaned up


async def deliver(jawab: Jawab, outbox_id: UUID) -> Counter[str]:
    """Send one row if it is due; see `drain`."""
    return await drain(jawab, "replies", [outbox_id])


async def drain(
    jawab: Jawab, lane: str, ids: list[UUID] | None = None, limit: int = 100, leaving: asyncio.Event | None = None
) -> Counter[str]:
    """Send up to `limit` due rows of a lane, or these ones whatever their lane. Returns how many came to which state.

    Once `leaving` is set nothing more is claimed; what is claimed goes out, within `HORIZON` and the time of a send.
    Safe in any number of processes at once. Raises psycopg.OperationalError when the database cannot be reached.
    """
    run = Run(jawab, registry.of(jawab), lane, leaving=leaving or asyncio.Event())
    try:
        await run.claim_and_send(ids, limit)
    finally:
        await run.finish()
    return run.counts


async def recover(jawab: Jawab, older_than: timedelta = UNSURE_AFTER, limit: int = 500) -> Counter[str]:
    """Settle rows that were being sent and never recorded: the provider is asked before anything is sent again.

    Rows found there are "sent", the others "queued" again; where the provider does not answer they stay as they are.
    `older_than` is never less than UNSURE_AFTER, for a younger claim may be at work.
    """
    async with jawab.db.autocommit("intake") as connection:
        rows = await claims.claim_unsure(connection, max(older_than, UNSURE_AFTER), limit)
    run = Run(jawab, registry.of(jawab), "", slots=asyncio.Semaphore(ASKING))
    by_contact: dict[UUID, list[Claimed]] = defaultdict(list)
    for row in rows:
        by_contact[row.contact_id].append(row)
    for group in by_contact.values():  # one person's in order: equal texts are told apart by who comes first
        run.spawn(run.ask_after(group))
    await run.finish()
    return run.counts


async def expire(jawab: Jawab) -> int:
    """Let go of what waited for a window that did not open in time. Returns how many.

    What is parked and may have another way by now is due again.
    """
    async with jawab.db.autocommit("intake") as connection:
        expired = await claims.expire(connection)
        await claims.wake(connection)
    return expired


@dataclass(slots=True)
class Run:
    """One drain: what it has claimed, and which senders have no slot left for now or nobody who answers."""

    jawab: Jawab
    registry: Registry
    lane: str
    counts: Counter[str] = field(default_factory=Counter)
    full: dict[UUID, float] = field(default_factory=dict)  # channel -> monotonic time when it is worth a claim again
    bare: tuple[frozenset[UUID], float] = (frozenset(), 0.0)  # nobody else has a row beside these, until then
    away: set[UUID] = field(default_factory=set)  # channels at whose provider nobody answered this run
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENT))
    records: Batches[Outcome] = field(init=False)
    watch: Watch = field(init=False)
    departures: Departures = field(init=False)

    def __post_init__(self) -> None:
        self.records = Batches(self._record, GATHER if self.lane == "broadcasts" else 0.0, HANDFUL)
        self.watch = Watch(self.jawab.db)
        self.departures = Departures(
            self.registry.pace, self.slots, self.watch.waiting.update, self._may_go, lambda r: self.spawn(self._send(r))
        )

    async def claim_and_send(self, ids: list[UUID] | None, limit: int) -> None:
        """Handful by handful, so that a row is claimed shortly before it goes and STOP finds the rest unclaimed."""
        size = HANDFUL
        # Of who is away the next run is told by the database, which hears of a return.
        while limit > 0 and not self.away and not self.leaving.is_set():
            while len(self.tasks) + len(self.departures) > OPEN_MOST - HANDFUL:
                await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
            now = time.monotonic()
            self.full = {channel: until for channel, until in self.full.items() if until > now}
            at_work = bool(self.tasks)
            rows = await self._claim(ids, min(size, limit), now)
            if rows:
                begun = await self._begin(rows)
                limit -= begun
                size = min(HANDFUL, size * 2) if begun == len(rows) else max(8, begun)
            elif self.full:  # rows may wait behind a sender that has no slot now
                await self._pause(min(min(self.full.values()) - now, OTHERS[self.lane]))
            elif at_work:  # a person's next message waits for the one that is at work
                await self.finish()
            else:
                return

    async def _pause(self, seconds: float) -> None:
        """So long, or until this lane is to stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.leaving.wait()

    async def _claim(self, ids: list[UUID] | None, most: int, now: float) -> list[Claimed]:
        """Due rows of senders that have a slot. Past all that is queued of one without it is a long way: where nothing
        lay behind it, nothing is looked for there for a while."""
        full = frozenset(self.full)
        if full and full >= self.bare[0] and now < self.bare[1]:
            return []
        async with self.jawab.db.autocommit("intake") as connection:
            rows = await claims.claim(connection, self.lane, ids, full, most)
        if full and not rows:
            self.bare = (full, now + OTHERS[self.lane])
        return rows

    async def finish(self) -> None:
        self.records.hurry()
        while self.tasks:
            await asyncio.wait(self.tasks)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """A row whose work breaks stays "sending" and is asked after; the others go on."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - one broken row must not stop the others
            self._note_broken(error)

    def _note_broken(self, error: Exception) -> None:
        log.error("delivery broke", error=type(error).__name__)
        self.counts["broken"] += 1

    async def _begin(self, rows: list[Claimed]) -> int:
        """Give each row its slot and let it run. Returns how many did not go back for want of one."""
        claimed, begun = time.monotonic(), len(rows)
        senders: dict[UUID, list[Ready]] = defaultdict(list)
        for row in rows:
            ready = await self._ready(row, claimed)
            if isinstance(ready, Outcome):
                self.spawn(self.settle(ready))
            elif ready.row.inbox_id is not None:  # an answer takes its slot and waits for nobody
                await self.registry.pace.sender(str(row.channel_id), row.kind, ready.cost)
                self.spawn(self._answer(ready))
            else:
                senders[row.channel_id].append(ready)
        for sender, group in senders.items():
            fit = await self._slots(sender, group)
            if fit and self.departures.add(sender, group[:fit]):
                self.spawn(self.departures.leave(sender))
            for ready in group[fit:]:
                begun -= 1
                rest = max(0.0, self.full.get(sender, 0.0) - time.monotonic())
                self.spawn(self.settle(outcome(ready.row, "queued", "pace", due_in=rest, back=1)))
        return begun

    async def _ready(self, row: Claimed, claimed: float) -> Ready | Outcome:
        """The row's message and its cost, or why it does not go now."""
        refusal = gate.check(row)
        if refusal is not None and refusal.error != gate.SHUT:
            return refusal
        channel = await self.registry.open(row.channel)
        if channel is None:
            return outcome(row, "queued", "channel not set up", due_in=900.0, back=1)
        try:
            outbound = prepare(self.jawab.keys, row, channel, self.registry.door_of(row.channel))
            climbed = await outside.climb(self.jawab, row, channel, outbound) if refusal is not None else outbound
        except psycopg.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - one poisoned row must not stop its lane
            await self._alarm("message_unreadable", row, error=type(error).__name__)
            return outcome(row, "failed", type(error).__name__)
        if isinstance(climbed, Outcome):
            return climbed
        outbound = climbed
        cost = len(sms_parts(outbound.text)) if CHANNELS[row.kind].parts else 1
        if row.inbox_id is not None:
            wait = await self.registry.pace.pair(str(row.contact_id), row.kind)
            if wait > RECHECK:
                return outcome(row, "queued", "pace", due_in=wait, back=1)
        return Ready(row, channel, outbound, cost, claimed)

    async def _slots(self, sender: UUID, group: list[Ready]) -> int:
        """Take slots, at once, for as many of a handful as have one within HORIZON. Returns how many these are."""
        apart = spacing(group[0].row.kind)
        starts = list(accumulate((ready.cost * apart for ready in group), initial=0.0))
        fit = sum(start <= HORIZON for start in starts[:-1])
        first = await self.registry.pace.sender(
            str(sender), group[0].row.kind, sum(ready.cost for ready in group[:fit]), HORIZON
        )
        fit = fit if first <= HORIZON else 0  # other processes hold the slots of that time: none were taken
        now = time.monotonic()
        if (busy := first + starts[fit]) > RECHECK:
            self.full[sender] = now + busy - AHEAD
        for ready, start in zip(group[:fit], starts, strict=False):
            ready.slot = now + first + start
        return fit

    async def _answer(self, ready: Ready) -> None:
        """One that somebody waits for: it leaves as soon as a place is free."""
        self.watch.waiting.add(ready.row.id)
        await self.slots.acquire()
        if await self._may_go(ready):
            self.registry.pace.note(str(ready.row.channel_id), ready.cost)
            await self._send(ready)
        else:
            self.slots.release()

    async def _may_go(self, ready: Ready) -> bool:
        """Whether a row leaves now. Where it does not, that is recorded; where it cannot be told, it is asked after."""
        row, waited = ready.row, time.monotonic() - ready.claimed
        try:
            if row.channel_id in self.away:
                halt = outcome(row, "queued", "away", back=1)
            elif waited > LEASE:
                halt = outcome(row, "queued", "late", due_in=0.0, back=1)
            elif waited > RECHECK and not await self.watch.still(row.id):
                halt = outcome(row, "withdrawn", "stopped")
            else:
                return True
        except Exception as error:  # noqa: BLE001 - those behind it still go
            self._note_broken(error)
        else:
            self.spawn(self.settle(halt))
        finally:
            self.watch.waiting.discard(row.id)
        return False

    async def _send(self, ready: Ready) -> None:
        """Post one that has a place, and give it back."""
        row, channel, outbound = ready.row, ready.channel, ready.outbound
        try:
            sent = await channel.send(outbound)
        except SendError as error:
            came_to = await self._failed(row, channel, outbound, error)
            if outbound.values:
                came_to = await outside.amend(self.jawab, row, error.fate, came_to)
        else:
            came_to = _went(row, channel, outbound, scoped(channel, row.channel, sent.provider_id))
        finally:
            self.slots.release()
        await self.settle(came_to)

    async def _failed(self, row: Claimed, channel: Channel, outbound: Outbound, error: SendError) -> Outcome:
        """What an error of this fate makes of the row; its consequences for others are written at once."""
        tries = row.attempts if error.fate == "retry" else 1
        wait = delay(error.wait, tries, error.retry_after, random.random())  # noqa: S311 - not a secret
        if error.fate in consequences.FELT_BY_OTHERS:
            async with self.jawab.db.transaction("intake") as tx:
                await consequences.draw(tx, error.fate, error.code, row, wait)
        if error.fate == "away":  # as if it had never been claimed: it keeps its place
            self.away.add(row.channel_id)
            return outcome(row, "queued", error.fate, back=1)
        if error.fate == "unsure":
            return await self._ask_at_once(row, channel, outbound, max(ASK_AGAIN, error.wait))
        if error.fate == "retry":  # as long as it is of use: what ends it is time alone
            rest = wait if row.inbox_id is None else min(wait, ANSWER_TRIES)
            return outcome(row, "queued", error.code or error.fate, due_in=rest)
        if error.fate in {"later", "stop"}:
            if row.inbox_id is not None:
                rest = wait if error.retry_after is not None else min(wait, ANSWER_WAIT)  # what was named is obeyed
                return outcome(row, "queued", error.code or error.fate, due_in=rest, back=1)
            if wait < HORIZON:  # a longer one is a pause of the sender in the database, which every claim sees
                self.full[row.channel_id] = time.monotonic() + wait
            return outcome(row, "queued", error.code or error.fate, due_in=wait, back=1)
        return outcome(row, _ENDS[error.fate], error.code or error.fate)

    async def _ask_at_once(self, row: Claimed, channel: Channel, outbound: Outbound, again: float) -> Outcome:
        """Whether a message without an answer was taken; asked `again` after so many seconds where it was not.

        Where the question has no answer either, nobody is there.
        """
        found = ""
        try:
            found = await self._found(row, channel, outbound)
        except SendError as error:
            if error.fate in SILENT:
                self.away.add(row.channel_id)
                async with self.jawab.db.transaction("intake") as tx:
                    await consequences.draw(tx, "away", error.code, row, 0.0)
        return _went(row, channel, outbound, found) if found else outcome(row, "sending", "unsure", due_in=again)

    async def ask_after(self, group: list[Claimed]) -> None:
        """Rows of one person that may have gone out, oldest first."""
        for row in group:
            channel = await self.registry.open(row.channel)
            if channel is None:
                continue
            outbound = prepare(self.jawab.keys, row, channel, self.registry.door_of(row.channel))
            if row.template is not None and row.freed_at is None:
                outbound = await outside.rebuild(self.jawab, row, outbound)
            async with self.slots:
                try:
                    found = await self._found(row, channel, outbound)
                except SendError:
                    continue
            if found:
                await self.settle(_went(row, channel, outbound, found))
            elif channel.findable or row.attempts < DOUBTS_MOST:
                wait = 0.0 if row.attempts < DOUBTS_MOST else delay(0.0, row.attempts, None, 0.0)
                came_to = outcome(row, "queued", "asked", due_in=wait)
                if outbound.values:
                    came_to = await outside.amend(self.jawab, row, "retry", came_to)
                await self.settle(came_to)
            else:
                await self._alarm("message_failed", row, code="")
                await self.settle(outcome(row, "failed", "unsure"))

    async def _found(self, row: Claimed, channel: Channel, outbound: Outbound) -> str:
        """The provider's id of this message, "" if it has none. Raises SendError where it does not say."""
        seen = [scoped(channel, row.channel, one) for one in await channel.find(outbound, row.claimed_at)]
        if not seen:
            return ""
        async with self.jawab.db.autocommit("intake") as connection:
            taken = await claims.others(connection, seen, row.id)
        return next((one for one in seen if one not in taken), "")

    async def settle(self, one: Outcome) -> None:
        self.counts[one.state] += 1
        await self.records.add(one)

    async def _record(self, outcomes: list[Outcome]) -> None:
        said_to = [one.said_to for one in outcomes if one.said_to is not None]
        async with self.jawab.db.autocommit("intake") as connection:
            if said_to:  # first: a word that is taken for a repeat because a process died here would be lost
                await contacts.note_said(connection, said_to)
            await claims.record(connection, outcomes)

    async def _alarm(self, kind: str, row: Claimed, **data: Any) -> None:
        async with self.jawab.db.transaction("intake") as tx:
            await alarms.sound(tx, kind, row.district_id, outbox=str(row.id), **data)


def _went(row: Claimed, channel: Channel, outbound: Outbound, provider_id: str) -> Outcome:
    said_to = row.contact_id if channel.ids == "none" else None
    untold = not outbound.values and row.freed_at is None  # its own words went out: nothing waits behind a template
    return outcome(row, "sent", provider_id=provider_id, said_to=said_to, untold=untold)


_ENDS = {"park": "parked", "never": "failed", "opted_out": "withdrawn", "refused": "failed"}
