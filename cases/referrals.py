"""Referrals: a case handed to an office with a date. They stop no clock."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from store.database import Tx


async def put(tx: Tx, case_id: UUID, *, office_id: UUID, due_on: date, by: UUID, now: datetime) -> None:
    await tx.execute(
        "INSERT INTO referrals (case_id, office_id, due_on, by_staff, at) VALUES (%s, %s, %s, %s, %s)",
        (case_id, office_id, due_on, by, now),
    )


async def forget(tx: Tx, case_id: UUID) -> None:
    """To whom a case was handed that went behind the protected door."""
    await tx.execute("DELETE FROM referrals WHERE case_id = %s", (case_id,))


async def settle(tx: Tx, case_id: UUID, now: datetime) -> None:
    """The case is resolved: whatever it was referred for is done."""
    await tx.execute("UPDATE referrals SET done_at = %s WHERE case_id = %s AND done_at IS NULL", (now, case_id))
