"""What the triage called no complaint: who and when, never the words. The sender's next words take it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store.database import Conn, Tx, fetch_all


@dataclass(frozen=True, slots=True)
class Marks:
    """One member of the triage: how many they marked, how many of these their senders took back, when last."""

    name: str
    marked: int
    taken_back: int
    last: datetime


async def put(tx: Tx, card: UUID, *, district_id: str, staff_id: UUID, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO dismissals (card, district_id, staff_id, at) VALUES (%s, %s, %s, %s)",
        (card, district_id, staff_id, now),
    )


async def take_back(tx: Tx, card: UUID) -> None:
    """Whoever wrote it has said more, or the triage has changed its mind: it is counted no longer."""
    await tx.execute("UPDATE dismissals SET taken_back_at = now() WHERE card = %s AND taken_back_at IS NULL", (card,))


async def list_by_person(conn: Conn, district_id: str | None) -> list[Marks]:
    """Who marked how many in a district (None: in all), the most first."""
    return await fetch_all(
        conn,
        "SELECT f.name, count(*) AS marked, count(d.taken_back_at) AS taken_back, max(d.at) AS last"
        " FROM dismissals d JOIN staff f ON f.id = d.staff_id"
        " WHERE %(district)s::text IS NULL OR d.district_id = %(district)s"
        " GROUP BY f.id, f.name ORDER BY marked DESC, f.name, f.id",
        {"district": district_id},
        of=Marks,
    )
