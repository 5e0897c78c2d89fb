"""Whether the protected door is open for a turn: read once a second, and once more in the transaction that uses it."""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

from bot.intake.district import District
from bot.intake.message import Turn
from cases.protected import standing
from flows.effects import Effect, Lock, Seal, SealStory
from store.database import Database, Tx
from store.jawab import Jawab

FRESH = 1.0  # seconds

# By database and district, as what a district's conversations know of it.
_kept: WeakKeyDictionary[Database, dict[str, tuple[float, bool]]] = WeakKeyDictionary()


async def is_closed(jawab: Jawab, district: District) -> bool:
    """Whether it takes nothing: on a trial line, and where nobody could open what is taken."""
    if jawab.settings.trial:
        return True
    here = _kept.setdefault(jawab.db, {})
    found = here.get(district.id)
    if found is None or time.monotonic() - found[0] >= FRESH:
        async with jawab.db.autocommit("intake") as auto:
            at_door = await standing.look(auto, jawab.keys, district.id, demo=district.demo)
        found = here[district.id] = (time.monotonic(), not at_door.open)
    return found[1]


async def is_open(tx: Tx, turn: Turn) -> bool:
    """Whether it is open now, for what is sealed in this very transaction."""
    at_door = await standing.look(tx, turn.jawab.keys, turn.district.id, demo=turn.district.demo)
    return at_door.open and not turn.jawab.settings.trial


async def has_moved(tx: Tx, turn: Turn, effects: tuple[Effect, ...], *, closed: bool) -> bool:
    """Whether the door stands otherwise than this turn was told, which seals or locks: then it is thought again."""
    if turn.jawab.settings.trial or not any(isinstance(effect, Lock | Seal | SealStory) for effect in effects):
        return False
    if await is_open(tx, turn) is not closed:
        return False
    _kept.pop(turn.jawab.db, None)
    return True
