"""The same work on both sides of the door: what the other side would have done is done too, and taken back.

Whoever has a stopwatch, a meter of the processor or the statistics of the tables may not tell a sealed turn from an
ordinary one. So each turn of a report also does what its twin (flows.twins) would, by the very same functions, on a
number that nobody has, with letters that say nothing, under a savepoint that is rolled back.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import psycopg
import structlog

from bot.intake import door, effects
from bot.intake.message import Turn
from cases import register
from cases.fresh import fresh_code
from flows.effects import (
    Amend,
    Append,
    CallPerson,
    Effect,
    GiveCode,
    KeepStory,
    Lock,
    OpenCase,
    Seal,
    SealStory,
    Step,
    Verify,
    Withdraw,
)
from flows.model import Call, Details, Item, Session
from store.database import Tx

log = structlog.get_logger()

# What one side of the door does and the other does not; every other effect is the same on both.
APART = (Amend, Append, CallPerson, GiveCode, KeepStory, OpenCase, Seal, SealStory, Verify, Withdraw)
NEED_A_CASE = (Amend, Append, Verify, Withdraw)  # of ours or of theirs: both sides open one for it
# Until it is asked what a report is about, and outside one, there is no twin. Then what the other side would do is
# known from what is done here: beside an ordinary effect it is a seal, beside a seal what was sealed says it.
BESIDE_SEAL: dict[str, tuple[Effect, ...]] = {
    "open": (GiveCode(""),),
    "story": (KeepStory("", (Item(),)),),
    "more": (Append("", Item()),),
    "word": (Append("", Item()),),
    "withdraw": (Withdraw("", ""),),
    "call": (CallPerson("", ""),),
    "ring": (CallPerson("", "", call=Call("anybody", "noon")),),
}


@dataclass(frozen=True, slots=True)
class Decoy:
    """What is rehearsed with: a number that nobody has, letters that say nothing, a place of the district."""

    code: str
    drop: UUID
    item: Item
    place: str


async def rehearse(tx: Tx, turn: Turn, before: Session, done: Step, twin: Step | None, *, closed: bool) -> None:
    """Do what the other side of the door would have done, and take it back. Never the reason that a turn fails."""
    ours = [effect for effect in done.effects if isinstance(effect, APART)]
    theirs = list(_theirs(ours, done, twin))
    if not (ours or theirs):
        return
    asked = any(isinstance(effect, Lock | Seal | SealStory) for effect in done.effects)  # before they were done
    if closed or not (asked or await door.is_open(tx, turn)):
        return
    places = turn.district.places
    decoy = Decoy(
        fresh_code(),
        uuid4(),
        Item("x" * max(1, sum(len(text.encode()) for text in _texts(done)))),
        places[0].id if places else "",
    )
    hashes, keys = {decoy.code: secrets.token_bytes(32)}, {decoy.drop: secrets.token_bytes(32)}
    alone = replace(turn, rings=[], hashes=hashes, drop_keys=keys)
    try:
        async with tx.transaction(force_rollback=True):
            for effect in _needed([*ours, *theirs], decoy):
                await effects.perform(tx, alone, effect)
            if _is_ended([*ours, *theirs], before, done):
                await register.call_done(tx, decoy.code, turn.now)
            for effect in theirs:
                await effects.perform(tx, alone, _disguise(effect, decoy))
    except psycopg.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - the citizen's own turn has been done
        log.error("rehearsal failed", error=type(error).__name__)


def _theirs(ours: Sequence[Effect], done: Step, twin: Step | None) -> Iterator[Effect]:
    """What the other side does that this one has not done."""
    if twin is None:
        for effect in ours:
            yield from _beside(effect)
        if done.took and not ours:
            yield Seal("", "")
        return
    left = Counter(map(_kind, ours))
    for effect in twin.effects:
        if isinstance(effect, APART):
            if left[_kind(effect)]:
                left[_kind(effect)] -= 1
            else:
                yield effect


def _kind(effect: Effect) -> tuple[type, bool, bool]:
    """Effects of one kind ask the same of the world."""
    if isinstance(effect, Seal):
        return Seal, effect.drop, effect.kind == "verdict"
    return Seal if isinstance(effect, SealStory) else type(effect), False, False


def _beside(effect: Effect) -> Sequence[Effect]:
    if isinstance(effect, Seal):
        return BESIDE_SEAL.get("ring" if effect.call is not None else effect.kind, ())
    return () if isinstance(effect, SealStory) else (Seal("", ""),)


def _needed(effects: Sequence[Effect], decoy: Decoy) -> Iterator[Effect]:
    """What must be there for these effects to happen to it."""
    if any(isinstance(effect, NEED_A_CASE) for effect in effects):
        placed = any(isinstance(effect, Amend) and effect.details.place for effect in effects)
        details = Details(category="other", place="" if placed else decoy.place)
        yield OpenCase(decoy.code, details, story=(decoy.item,))
    elif any(isinstance(effect, OpenCase) and effect.kept for effect in effects):
        yield KeepStory(decoy.code, (decoy.item,))


def _is_ended(effects: Sequence[Effect], before: Session, done: Step) -> bool:
    """Whether the case that is spoken of was called done: fewer things happen to it then."""
    in_hand = (before.memory.thread, done.session.memory.thread)
    told = any(thread is not None and thread.asks is not None for thread in in_hand)
    return told or any(isinstance(effect, Verify) for effect in effects)


def _disguise(effect: Effect, decoy: Decoy) -> Effect:
    """The same effect on a number that nobody has, with letters that say nothing."""
    made: Effect
    match effect:
        case KeepStory():
            made = replace(effect, code=fresh_code(), story=(decoy.item,) * len(effect.story))
        case OpenCase():
            details = replace(effect.details, category="other", place=decoy.place if effect.details.place else "")
            code = decoy.code if effect.kept else fresh_code()
            made = replace(effect, code=code, details=details, story=(decoy.item,) * len(effect.story))
        case GiveCode():
            made = GiveCode(fresh_code())
        case CallPerson():
            made = CallPerson(fresh_code(), "rehearsal", call=effect.call)
        case Append():
            made = Append(decoy.code, decoy.item)
        case Amend():
            made = replace(effect, code=decoy.code)
        case Withdraw():
            made = Withdraw(decoy.code, "")
        case Verify():
            made = replace(effect, code=decoy.code)
        case Seal():
            about = Details(about=effect.details.about) if effect.kind == "verdict" else Details()
            code = str(decoy.drop) if effect.drop else decoy.code
            made = Seal(code, effect.kind, decoy.item, about, drop=effect.drop)
        case _:
            made = Seal(decoy.code, "rehearsal", decoy.item)
    return made


def _texts(done: Step) -> Iterator[str]:
    """The words of this turn, for their length."""
    for effect in done.effects:
        match effect:
            case Seal() | Append():
                yield effect.item.text
            case OpenCase() | KeepStory():
                yield from (item.text for item in effect.story)
            case _:
                pass
