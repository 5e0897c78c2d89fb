"""What every reader is told of at their next protected page: who reads what is never changed in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from store.database import Conn, Tx, fetch_all

Kind = Literal["new_key", "other_key", "gone", "admitted", "escrow"]


@dataclass(frozen=True, slots=True)
class Notice:
    """`about` is the login of the one concerned; `mark` which key or case."""

    kind: Kind
    about: str
    mark: str
    at: datetime


async def tell(tx: Tx, readers: Iterable[UUID], kind: Kind, *, about: str, mark: str) -> None:
    """Write one down for each reader. The same is told to nobody twice."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO sealed.notices (staff_id, kind, about, mark) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(one, kind, about, mark) for one in readers],
        )


async def unseen(conn: Conn, staff_id: UUID) -> list[Notice]:
    """What this reader has not marked as seen, oldest first."""
    return await fetch_all(
        conn,
        "SELECT kind, about, mark, at FROM sealed.notices WHERE staff_id = %s AND seen_at IS NULL ORDER BY at, kind",
        (staff_id,),
        of=Notice,
    )


async def see(tx: Tx, staff_id: UUID, until: datetime) -> None:
    """This reader has seen what there was at that moment, and not what came since."""
    await tx.execute(
        "UPDATE sealed.notices SET seen_at = now() WHERE staff_id = %s AND seen_at IS NULL AND at <= %s",
        (staff_id, until),
    )
