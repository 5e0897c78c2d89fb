"""Numbers that were said before their report was complete: until its case is opened, such a number opens "received"."""

from __future__ import annotations

from datetime import datetime, timedelta

from store.database import Tx

KEPT = timedelta(days=2)  # an unfinished report becomes a case after two hours of silence


async def keep(tx: Tx, code: str, *, district_id: str, now: datetime) -> None:
    await tx.execute("INSERT INTO reserved (code, district_id, at) VALUES (%s, %s, %s)", (code, district_id, now))


async def forget(tx: Tx, now: datetime) -> int:
    """Let go of those whose case has been there for long. Returns how many."""
    return (await tx.execute("DELETE FROM reserved WHERE at < %s", (now - KEPT,))).rowcount
