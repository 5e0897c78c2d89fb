"""Forms that act once: the number a page gave its forms, who sent one, and what it did to what."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from store.database import Tx

KEPT = timedelta(days=2)  # longer than any session of the desk: an older page must sign in, and is read again


async def use(tx: Tx, form: UUID, staff_id: UUID, act: str, obj: str) -> bool:
    """Spend a form in the transaction of its act. False where it has acted already; waits for one that acts now."""
    spent = await tx.execute(
        "INSERT INTO once (form, staff_id, act, object) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (form, staff_id, act, obj),
    )
    return spent.rowcount == 1


async def forget(tx: Tx, now: datetime) -> int:
    """Let go of forms whose page nobody can send any more. Returns how many."""
    gone = await tx.execute("DELETE FROM once WHERE at < %s", (now - KEPT,))
    return gone.rowcount
