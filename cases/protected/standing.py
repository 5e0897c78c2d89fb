"""Whether the protected door is open: only while somebody could open what is taken in, and somebody after them.

Two live readers of the province, so that one alone neither holds back nor loses a case; and an escrow that opens what
has lost its readers, whose public key was compared by eye and pinned once, and whose private half is not here. The
demo's own readers and pair open the demo's door, and no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from cases.protected import roster
from store import alarms
from store.crypto import Keys, fingerprint
from store.database import Conn, Tx, fetch_one

LEAST = 2  # readers
REAL = "-"  # no district's id: the readers of every real one, without the demo's

Why = Literal["no_reader", "one_reader", "escrow_missing", "escrow_unpinned", "escrow_other", "escrow_key_here"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The door at a moment; `why` it is closed, all that is missing, in the order in which it is put right."""

    readers: tuple[UUID, ...]
    pinned: bytes | None  # the escrow's public key that was compared
    why: tuple[Why, ...]

    @property
    def open(self) -> bool:
        return not self.why


async def look(conn: Conn, keys: Keys, district_id: str = REAL, *, demo: bool = False) -> Standing:
    """How the door of a district stands, `demo` of the demo's; without a district that of every real one."""
    live, pinned = await roster.readers(conn, district_id), await _pinned(conn)
    readers: tuple[Why, ...] = () if len(live) >= LEAST else ("one_reader",) if live else ("no_reader",)
    return Standing(tuple(live), pinned, (*_escrow(keys, pinned, demo=demo), *readers))


async def pin(tx: Tx, keys: Keys) -> bool:
    """Pin the escrow's public key, once for all; False where one is pinned. Raises ValueError where there is none."""
    if keys.escrow_public is None:
        raise ValueError("no escrow")
    done = await tx.execute(
        "INSERT INTO sealed.escrow (public_key) VALUES (%s) ON CONFLICT DO NOTHING", (keys.escrow_public,)
    )
    return done.rowcount == 1


async def escrow_of(conn: Conn, keys: Keys) -> bytes | None:
    """The public key that the escrow is sealed to; None where there is none, or not the one that was pinned."""
    pinned = await _pinned(conn)
    return keys.escrow_public if pinned in {None, keys.escrow_public} else None


async def watch_escrow(tx: Tx, keys: Keys) -> None:
    """Sound that another escrow lies here than the one that was pinned, once for as long as it does."""
    pinned = await _pinned(tx)
    if pinned is not None and pinned != keys.escrow_public:
        await alarms.sound(tx, "protected_escrow_other", once=("pinned",), pinned=fingerprint(pinned))
    else:
        await alarms.clear(tx, "protected_escrow_other")


async def count_readers(tx: Tx) -> None:
    """Sound that some case has fewer live readers than the door needs; it names none of them."""
    live = await roster.readers(tx)
    row = await fetch_one(tx, "SELECT sealed.count_thin(%s) > 0 AS thin", (list(live),))
    if row is not None and row["thin"]:
        await alarms.sound(tx, "protected_few_readers")


def _escrow(keys: Keys, pinned: bytes | None, *, demo: bool) -> tuple[Why, ...]:
    if keys.escrow_public is None:
        return ("escrow_missing",)
    if demo:
        return ()
    here: tuple[Why, ...] = ("escrow_key_here",) if keys.find_escrow_private() else ()
    if pinned is None:
        return (*here, "escrow_unpinned")
    return here if pinned == keys.escrow_public else (*here, "escrow_other")


async def _pinned(conn: Conn) -> bytes | None:
    row = await fetch_one(conn, "SELECT sealed.escrow_key() AS public_key")
    return bytes(row["public_key"]) if row and row["public_key"] is not None else None
