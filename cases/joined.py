"""Codes of cards whose words went into another case of the same phone: whoever was given one still opens that case."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from store.database import Tx, fetch_all


async def put(tx: Tx, code: str, case_id: UUID, now: datetime) -> None:
    await tx.execute("INSERT INTO joined (code, case_id, at) VALUES (%s, %s, %s)", (code, case_id, now))


async def take(tx: Tx, case_id: UUID) -> list[str]:
    """Forget a case's further codes and return them: whoever takes them must put them somewhere."""
    rows = await fetch_all(tx, "SELECT code FROM joined WHERE case_id = %s ORDER BY at, code", (case_id,))
    await tx.execute("DELETE FROM joined WHERE case_id = %s", (case_id,))
    return [row["code"] for row in rows]
