"""Wrong case codes typed: what makes guessing slow."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from store.database import Conn, Tx, fetch_one


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong codes of the last hour: this phone's, and everybody's together."""

    mine: int
    all: int


async def count(conn: Conn, contact_id: UUID) -> Tries:
    return await fetch_one(
        conn,
        "SELECT count(*) FILTER (WHERE contact_id = %s) AS mine, count(*) AS all FROM code_tries"
        " WHERE at > now() - interval '1 hour'",
        (contact_id,),
        of=Tries,
    ) or Tries(0, 0)


async def add(tx: Tx, contact_id: UUID) -> None:
    await tx.execute("INSERT INTO code_tries (contact_id) VALUES (%s)", (contact_id,))


async def forget(tx: Tx) -> int:
    """Let go of tries that no longer count, which the database judges: a day old. Returns how many."""
    row = await fetch_one(tx, "SELECT forget_code_tries() AS gone")
    return int(row["gone"]) if row else 0
