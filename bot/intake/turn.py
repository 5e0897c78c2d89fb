"""A turn: read the session, step, write everything or nothing."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar

import psycopg
import structlog

from bot.channels import Inbound
from bot.intake import district, door, drawer, effects, keeping, lookups, rehearsal, sealing, standing
from bot.intake.message import Turn
from bot.intake.standing import Standing
from flows.book import Book
from flows.effects import Effect, GiveCode, KeepStory, Lock, LookUp, OpenCase, Seal, SealStory, Step, Verify
from flows.engine import step
from flows.load import load_book
from flows.model import Event, Known, Media, Session
from flows.sessions import dump, restore
from flows.shapes import replace
from flows.twins import shade, step_twin
from store import inbox, kinds, logs, moves, outbox, sessions
from store.crypto import Unopened
from store.database import Tx, new_id
from store.jawab import Jawab
from store.moves import Kind

log = structlog.get_logger()

T = TypeVar("T")

GIVES = (GiveCode, KeepStory, Lock, OpenCase, Seal, SealStory)  # effects that give a number, on both sides of the door
MOST_LOOKUPS = 3  # in one turn; a flow that asks more often is broken
MOST_RACES = 8  # how often one message may find that another moved the session first
MOST_A_MINUTE = 30  # messages of one phone; more are kept where they belong, and not answered
MOST_AN_HOUR = 200  # the same: a loop of two robots dies
LONG = 4000  # letters of a text that is read on a thread: a few milliseconds of a processor

_book = cache(load_book)  # 0.1 s of YAML: once in a process


@dataclass(frozen=True, slots=True)
class Thought:
    """A turn that was thought and is not written yet."""

    turn: Turn
    before: Standing
    event: Event
    session: Session  # as it was found
    step: Step
    twin: Step | None  # what the other side of the door would do
    message: Inbound | None  # None for a session that went quiet
    light: bool  # whether one statement writes all of it


async def take_alone(jawab: Jawab, message: Inbound) -> str:
    """Take one message by itself. Returns taken, repeat, unrouted or undone; each of them is a 200 to the provider.

    Raises psycopg.OperationalError when the database cannot be reached, so that the provider tries again.
    """
    contact_id = None
    for _ in range(MOST_RACES):
        thought = await begin(jawab, message)
        outcome = await end(thought) if isinstance(thought, Thought) else thought
        if outcome != "stale":
            return outcome
        contact_id = thought.turn.contact_id if isinstance(thought, Thought) else None
    # Never seen with one phone behind a number; the sweep has the patience that a web hook has not.
    return await keeping.keep_undone(jawab, message, contact_id, "", "races", answer=False)


async def take_on(jawab: Jawab, message: Inbound, thought: Thought | None) -> str:
    """As `take_alone`, from where it was thought on."""
    outcome = "stale" if thought is None else await end(thought)
    return outcome if outcome != "stale" else await take_alone(jawab, message)


async def begin(jawab: Jawab, message: Inbound) -> Thought | str:
    """Read and think; what became of a message that gets no turn. Raises as `take_alone`."""
    before = await standing.read(jawab, message)
    if before is None:
        return await keeping.keep_unrouted(jawab, message)
    if (kept := await _turn_away(jawab, message, before)) is not None:
        return kept
    return await _attempt(jawab, message, before, new_id(), "new", flood=_is_flood(message, before))


async def think(jawab: Jawab, message: Inbound, before: Standing) -> Thought:
    """A turn of several: as `begin`, with what was read. Raises whatever the step raises: then it goes by itself."""
    return await _think(*await _hear(jawab, message, before, new_id(), "new", flood=_is_flood(message, before)))


async def end(thought: Thought) -> str:
    """Write it. Returns taken, stale (nothing is written: read again), repeat or undone. Raises as `take_alone`."""
    outcome = await _kept(thought.turn, thought.message, _write(thought))
    return note_taken(thought) if outcome == "moved" else outcome


def note_taken(thought: Thought) -> str:
    """It is committed."""
    thought.turn.ring_now()
    return "taken"


async def _turn_away(jawab: Jawab, message: Inbound, before: Standing) -> str | None:
    """What became of a message that gets no turn; None for one that does."""
    contact_id = before.contact_id
    if before.repeat:
        return "repeat"
    if message.system or before.ours:
        return await keeping.keep_robot(jawab, message, contact_id)
    return None


def _is_flood(message: Inbound, before: Standing) -> bool:
    """More than a person writes: its words are put where they belong first, behind the door too, and nothing is said.

    So a loop of two robots dies, and what somebody wrote in fear is neither lost nor left lying. STOP is obeyed always.
    """
    often = before.hour >= MOST_AN_HOUR or before.minute >= MOST_A_MINUTE
    return often and not message.opt_out and _book().words.universal.get(_book().fold(message.text)) != "stop"


async def take_again(jawab: Jawab, inbox_id: uuid.UUID, message: Inbound) -> str:
    """Try an undone message once more. Returns taken, repeat (somebody else did) or undone."""
    for _ in range(MOST_RACES):
        before = await standing.read(jawab, message)
        if before is None:
            return "undone"
        thought = await _attempt(jawab, message, before, inbox_id, "again", flood=before.hour > MOST_AN_HOUR)
        outcome = await end(thought) if isinstance(thought, Thought) else thought
        if outcome != "stale":
            return outcome
    return "undone"


async def pass_quietly(jawab: Jawab, contact_id: uuid.UUID) -> str:
    """Let a session that went quiet end as its flow says. Returns taken, stale or undone."""
    async with jawab.db.autocommit("intake") as auto:
        before = await standing.read_quiet(auto, jawab.keys, contact_id)
    if before is None:
        return "stale"
    turn = await _turn(jawab, before, None, "quiet")
    thought = await _kept(turn, None, _think(turn, before, Event("quiet", await _known(turn, before)), None))
    return await end(thought) if isinstance(thought, Thought) else thought


async def _turn(jawab: Jawab, before: Standing, inbox_id: uuid.UUID | None, kind: Kind) -> Turn:
    return Turn(
        jawab=jawab,
        contact_id=before.contact_id,
        district=await district.get(jawab.db, before.district_id),
        channel=before.kind,
        lang=before.lang,
        now=datetime.now(UTC),
        inbox_id=inbox_id,
        kind=kind,
        drawn=drawer.of(jawab).draw(),
    )


async def _known(turn: Turn, before: Standing) -> Known:
    return Known(
        at=turn.now.timestamp(),
        code=turn.drawn.code,
        spare=turn.drawn.spare,
        channel=turn.channel,
        district=turn.district.names,
        places=turn.district.places,
        focus=before.focus,
        given=before.given,
        missed=before.missed,
        weekly=before.weekly,
        trial=turn.jawab.settings.trial,
        closed=await door.is_closed(turn.jawab, turn.district),
        round=turn.district.round,
        outside=turn.district.outside_of(trial=turn.jawab.settings.trial),
    )


async def _attempt(
    jawab: Jawab, message: Inbound, before: Standing, inbox_id: uuid.UUID, kind: Kind, *, flood: bool
) -> Thought | str:
    turn, before, event, _ = await _hear(jawab, message, before, inbox_id, kind, flood=flood)
    return await _kept(turn, message, _think(turn, before, event, message))


async def _hear(
    jawab: Jawab, message: Inbound, before: Standing, inbox_id: uuid.UUID, kind: Kind, *, flood: bool
) -> tuple[Turn, Standing, Event, Inbound]:
    turn = await _turn(jawab, before, inbox_id, kind)
    tap = await lookups.tapped(jawab, before.contact_id, message)
    quoted, quotes_asks = await lookups.quoted(jawab, before.contact_id, message)
    turn.flood = flood
    event = Event(
        "flood" if flood else "message",
        await _known(turn, before),
        text=message.opt_out or message.text,  # a provider that acted on the word knows which word it was
        choice=tap.option,
        tapped=tap.node,
        media=tuple(map(_file, message.media)),
        location=message.location,
        quoted=quoted,
        quotes_asks=quotes_asks,
        echo=jawab.keys.tag("echo", f"{before.contact_id} {message.text}").hex()[:16],
        cut=message.cut,
    )
    return turn, before, event, message


def _file(file: Media) -> Media:
    """With the id of its row to be, and why it is never kept where its type alone says so."""
    fault = file.fault or ("kind" if kinds.is_refused(file.content_type) else "")
    return Media(file.url, file.content_type, fault, str(uuid.uuid4()))


async def _kept(turn: Turn, message: Inbound | None, work: Awaitable[T]) -> T | str:
    """One try at a part of a turn. A failure of ours keeps the message alone; one of the database is the caller's."""
    try:
        return await work
    except psycopg.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever broke, the citizen's words are kept and a person is told
        log.error("turn failed", error=type(error).__name__, where=logs.where(error), inbox=str(turn.inbox_id))
        if message is None or turn.kind == "again":
            return "undone"
        return await keeping.keep_undone(
            turn.jawab, message, turn.contact_id, turn.lang, type(error).__name__, answer=True, id=turn.inbox_id
        )


async def _think(turn: Turn, before: Standing, event: Event, message: Inbound | None) -> Thought:
    book = _book()
    session = _session(turn, before)
    turn.asked = f"{session.flow}.{session.node}" if session.node else ""
    turn.hashes = lookups.read_hashes(session)
    first = await _step(book, session, event)
    twin = None if _looks(first) else await _step_twin(book, session, [event])
    if turn.drawn.hash is not None:
        turn.hashes[turn.drawn.code] = turn.drawn.hash
    light = _is_light(turn, event, first, twin)
    if light:
        _put_back(turn, first)
        first = replace(first, session=shade(session, first, twin))
    return Thought(turn, before, event, session, first, twin, message, light)


def _is_light(turn: Turn, event: Event, done: Step, twin: Step | None) -> bool:
    """On both sides of the protected door it is the same turns."""
    theirs = twin is not None and (twin.effects or twin.took)
    asks = done.effects or done.took or theirs or turn.flood
    return not (asks or sealing.waiting(event, done.session))


def to_move(thought: Thought) -> moves.Move:
    """What a light turn writes."""
    return _move(thought.turn, thought.before, thought.step, thought.message)


async def _write(thought: Thought) -> str:
    turn, before, event, session, first = thought.turn, thought.before, thought.event, thought.session, thought.step
    if thought.light and turn.kind == "new":
        return await moves.move_alone(turn.jawab.db.kept, to_move(thought))
    if thought.light:
        async with turn.jawab.db.autocommit("intake") as auto:
            return await moves.move(auto, to_move(thought), turn.kind)
    twin = thought.twin
    await lookups.hash_codes(turn, first, twin)
    async with turn.jawab.db.transaction("intake") as tx:
        last, events = await _look_up(tx, turn, _book(), event, first)
        if len(events) > 1:
            twin = await _step_twin(_book(), session, events)
        last = replace(last, session=shade(session, last, twin))
        if await door.has_moved(tx, turn, last.effects, closed=event.known.closed):
            return "stale"  # nothing is written yet
        outcome = await moves.move(tx, _move(turn, before, last, thought.message), turn.kind)
        if outcome == "moved":
            for effect in last.effects:
                await effects.perform(tx, turn, effect)
            await sealing.note_waiting(tx, turn, event, last.session)
            if turn.flood:
                await keeping.note_flood(tx, turn)
            await rehearsal.rehearse(tx, turn, session, last, twin, closed=event.known.closed)
    _put_back(turn, last)
    return outcome  # "stale" and "repeat" wrote nothing


def _put_back(turn: Turn, done: Step) -> None:
    """The code that lay ready for this turn, where it gave none."""
    given = {getattr(effect, "code", "") for effect in done.effects} | {done.session.memory.report.code}
    if turn.drawn.code not in given:
        drawer.of(turn.jawab).put_back(turn.drawn)


async def _step(book: Book, session: Session, event: Event) -> Step:
    """A step, on a thread where there is much to read: the other web hooks do not wait for it."""
    return await asyncio.to_thread(step, book, session, event) if len(event.text) > LONG else step(book, session, event)


async def _step_twin(book: Book, session: Session, events: Sequence[Event]) -> Step | None:
    """The same on the other side of the door. Never the reason that a turn fails."""
    try:
        if len(events[0].text) > LONG:
            return await asyncio.to_thread(step_twin, book, session, events)
        return step_twin(book, session, events)
    except Exception as error:  # noqa: BLE001 - the citizen's own step has been taken
        log.error("twin failed", error=type(error).__name__, where=logs.where(error))
        return None


def _looks(step: Step) -> bool:
    return any(isinstance(effect, LookUp) for effect in step.effects)


async def _look_up(tx: Tx, turn: Turn, book: Book, event: Event, first: Step) -> tuple[Step, list[Event]]:
    """Answer look_up effects as further events of the same turn; gather the other effects in order.

    Returns the last step, and all the events that led to it.
    """
    now, sealed, events = first, first.sealed, [event]
    gathered: list[Effect] = []
    for _ in range(MOST_LOOKUPS + 1):
        asked = [effect for effect in now.effects if isinstance(effect, LookUp)]
        gathered += [effect for effect in now.effects if not isinstance(effect, LookUp)]
        if not asked:
            return replace(now, effects=tuple(gathered), sealed=sealed), events
        events.append(replace(event, kind="found", found=await lookups.find(tx, turn, asked[0])))
        now = step(book, now.session, events[-1])
        sealed = sealed or now.sealed
    raise RuntimeError("a flow looks things up without end")


def _session(turn: Turn, before: Standing) -> Session:
    if before.state is None:
        return Session(lang=before.lang)
    try:
        return restore(turn.jawab.keys.decrypt(before.state, sessions.bound_to(turn.contact_id)))
    except Unopened:  # a restore brought it without the key of its hour: whoever writes again begins anew
        return Session(lang=before.lang)


def _move(turn: Turn, before: Standing, done: Step, message: Inbound | None) -> moves.Move:
    keys, session = turn.jawab.keys, lookups.write_hashes(done.session, turn.hashes)
    lang = session.lang or turn.lang
    body = outbox_id = owed = None
    if message is not None:
        # Behind the door a box without words, as long as the other: what is not there would say who is behind it.
        put = keys.put_nothing if done.sealed else keys.put_brief
        body = put(message.as_dict(), inbox.bound_to(turn.inbox_id or uuid.UUID(int=0)))
    if done.reply is not None:
        outbox_id = new_id()
        owed = keys.put_brief(done.reply.as_message(), outbox.bound_to(outbox_id))
        turn.ring("replies", str(outbox_id), wait=done.reply.wait + turn.slow)
    return moves.Move(
        contact_id=turn.contact_id,
        version=before.version,
        state=sessions.close_box(keys, turn.contact_id, dump(session), pending=bool(session.quiet_after)),
        lang=lang,
        now=turn.now,
        quiet_at=turn.now + timedelta(seconds=session.quiet_after) if session.quiet_after else None,
        given=any(isinstance(effect, GIVES) for effect in done.effects),
        answers=any(map(_says_verdict, done.effects)),
        seen=turn.kind != "new" or not before.settled or before.missed or lang != before.lang,
        inbox_id=turn.inbox_id,
        provider=message.provider if message else None,
        provider_id=message.provider_id if message else None,
        body=body,
        outbox_id=outbox_id,
        outbox_lang=lang or "ur",
        message=owed,
        send_at=turn.now + timedelta(seconds=turn.slow + (done.reply.wait if done.reply else 0.0)),
        replaces=before.held_id if done.replaces else None,
    )


def _says_verdict(effect: Effect) -> bool:
    """Whether somebody says how a case ended, on whichever side of the door."""
    return isinstance(effect, Verify) or (isinstance(effect, Seal) and effect.kind == "verdict")
