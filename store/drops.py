"""Drops: where what is answered to a question of ours may be put without a number, while the question is open.

Every question about a case leaves one with its phone, on whichever side of the protected door the case is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from store.crypto import new_keypair
from store.database import Conn, Tx, fetch_one
from store.sessions import Question

_TWO_WEEKS, _MONTH = timedelta(days=14), timedelta(days=30)  # as long as the question may be answered; see sessions
LIVES: dict[Question, timedelta] = {
    "answer": _TWO_WEEKS,
    "call": _TWO_WEEKS,
    "confirm": _MONTH,
    "accept": _MONTH,
}
_AFTER = timedelta(days=1)  # a conversation that began in time ends in it


@dataclass(frozen=True, slots=True)
class Drop:
    """A new one. Of an ordinary case the private half is kept nowhere."""

    id: UUID = field(default_factory=uuid4)
    keys: tuple[bytes, bytes] = field(default_factory=new_keypair, repr=False)

    @property
    def private_key(self) -> bytes:
        return self.keys[0]


async def put(tx: Tx, contact_id: UUID, question: Question, drop: Drop) -> None:
    """Let it stand with this phone for as long as the question may be answered."""
    await tx.execute(
        "INSERT INTO drops (id, contact_id, public_key, ends_at) VALUES (%s, %s, %s, now() + %s)",
        (drop.id, contact_id, drop.keys[1], LIVES[question]),
    )


async def find_key(conn: Conn, drop_id: UUID) -> bytes | None:
    """The key to seal to; None where there is none such (any more)."""
    row = await fetch_one(conn, "SELECT public_key FROM drops WHERE id = %s", (drop_id,))
    return bytes(row["public_key"]) if row else None


async def forget(tx: Tx) -> int:
    """Let go of those whose question is over. What was put into them waits for its reader. Returns how many."""
    return (await tx.execute("DELETE FROM drops WHERE ends_at < now() - %s", (_AFTER,))).rowcount


async def erase(tx: Tx, contact_ids: Sequence[UUID]) -> None:
    """No question stands with these phones any more. What was put into their drops waits for its reader."""
    await tx.execute("DELETE FROM drops WHERE contact_id = ANY(%s)", (list(contact_ids),))
