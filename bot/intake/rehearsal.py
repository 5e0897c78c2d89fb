"""The same work on both sides of the door: what the other side would have done is done too, and taken back.

Whoever has a stopwatch, a meter of the processor or the statistics of the tables may not tell a sealed turn from an
ordinary one. So each turn of a report also does its twin's work by the very same functions, on a number that nobody
has, with letters that say nothing, under a savepoint that is rolled back.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import psycopg
import structlog

from bot.intake import door, effects
from bot.intake.message import Turn
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
    Withdraw,
)
from flows.model import Call, Details, Event, Item, Session, Stage
from store.database import Tx

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Decoy:
    """What is rehearsed with: a number that nobody has, letters that say nothing, a place of the district."""

    code: str
    item: Item
    place: str


_Made = Callable[[Decoy], Effect]


def _seal(decoy: Decoy) -> Effect:
    return Seal(decoy.code, "rehearsal", decoy.item)


def _give(decoy: Decoy) -> Effect:
    return GiveCode(decoy.code)


def _keep(decoy: Decoy) -> Effect:
    return KeepStory(decoy.code, (decoy.item,))


def _open(decoy: Decoy) -> Effect:
    return OpenCase(decoy.code, Details(category="other", place=decoy.place), False, False, (decoy.item,))


def _amend(decoy: Decoy) -> Effect:
    return Amend(decoy.code, Details(may_message=True))


def _append(decoy: Decoy) -> Effect:
    return Append(decoy.code, decoy.item)


def _withdraw(decoy: Decoy) -> Effect:
    return Withdraw(decoy.code, "")


def _call(decoy: Decoy) -> Effect:
    return CallPerson(decoy.code, "rehearsal")


def _ring(decoy: Decoy) -> Effect:
    return CallPerson(decoy.code, "rehearsal", call=Call("anybody", "noon"))


# What is rehearsed beside an ordinary effect: the seal. What happens to a case needs one: both sides open one for it.
BESIDE: dict[type, tuple[_Made, ...]] = {
    GiveCode: (_seal,),
    KeepStory: (_seal,),
    OpenCase: (_seal,),
    Amend: (_open, _seal),
    Append: (_open, _seal),
    Withdraw: (_open, _seal),
    CallPerson: (_seal,),
}
# And beside a seal, by what was sealed: what its ordinary twin writes. The other answers lie in the twin's session.
BESIDE_SEAL: dict[str, tuple[_Made, ...]] = {
    "open": (_give,),
    "message": (_open, _amend),
    "word": (_open, _append),
    "withdraw": (_open, _withdraw),
    "call": (_call,),
    "ring": (_ring,),
}


async def rehearse(tx: Tx, turn: Turn, event: Event, before: Session, done: Step) -> None:
    """Do what the other side of the door would have done, and take it back. Never the reason that a turn fails."""
    parts = tuple(_parts(before, done))
    if not (parts or done.took):
        return
    asked = any(isinstance(effect, Lock | Seal | SealStory) for effect in done.effects)  # before they were done
    if event.known.closed or not (asked or await door.is_open(tx, turn)):
        return
    places = turn.district.places
    decoy = Decoy(
        fresh_code(),
        Item("x" * max(1, sum(len(text.encode()) for text in _texts(done)))),
        places[0].id if places else "",
    )
    alone = replace(turn, rings=[], hashes={decoy.code: secrets.token_bytes(32)})
    try:
        async with tx.transaction(force_rollback=True):
            for make in parts:
                await effects.perform(tx, alone, make(decoy))
    except psycopg.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - the citizen's own turn has been done
        log.error("rehearsal failed", error=type(error).__name__)


def _parts(before: Session, done: Step) -> Iterator[_Made]:
    seals = [effect for effect in done.effects if isinstance(effect, Seal)]
    for effect in done.effects:
        yield from BESIDE.get(type(effect), ())
    for effect in seals:
        if effect.kind == "word" and before.memory.report.routed:
            continue  # until it is filed the twin's lies in its session
        yield from BESIDE_SEAL.get("ring" if effect.call is not None else effect.kind, ())
        if effect.kind == "more" and (not before.memory.report.sealed or before.node == "more"):
            yield from (_open, _append)  # the twin's words have waited in its session until this answer
    filed = before.memory.report.stage is not Stage.FILED and done.session.memory.report.stage is Stage.FILED
    if seals and filed:
        yield _open
    elif any(effect.kind == "story" for effect in seals) and before.memory.report.asked:
        yield _keep
    if done.took and not any(isinstance(effect, (Seal, SealStory, *BESIDE)) for effect in done.effects):
        yield _seal


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
