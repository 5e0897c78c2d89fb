"""Promises: what an office will do by a date, in public. Each comes back by itself as kept, late or dropped."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from cases.register import Case
from store.database import Tx, fetch_one


async def put(
    tx: Tx,
    case: Case,
    *,
    action: str,
    place_id: str | None,
    office_id: UUID,
    due_on: date,
    made_by: UUID,
    now: datetime,
) -> UUID:
    """Returns the promise's id."""
    row = await fetch_one(
        tx,
        "INSERT INTO commitments (district_id, case_id, category, action, place_id, office_id, due_on, made_by,"
        " made_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (case.district_id, case.id, case.category, action, place_id, office_id, due_on, made_by, now),
    )
    assert row is not None  # noqa: S101 - RETURNING of one inserted row
    commitment_id: UUID = row["id"]
    return commitment_id


async def settle(tx: Tx, case_id: UUID, *, kept: bool, now: datetime) -> None:
    """What was promised for a case and is still open was kept, or is dropped."""
    await tx.execute(
        "UPDATE commitments SET state = %s, state_at = %s WHERE case_id = %s AND state = 'open'",
        ("kept" if kept else "dropped", now, case_id),
    )


async def open_again(tx: Tx, case_id: UUID, now: datetime) -> None:
    """A case that is reopened has its kept promises before it again."""
    await tx.execute(
        "UPDATE commitments SET state = 'open', state_at = %s WHERE case_id = %s AND state = 'kept'", (now, case_id)
    )


async def open_disputed(tx: Tx, now: datetime) -> None:
    """A promise counts as kept while the citizen does not dispute it; their side cannot write promises."""
    await tx.execute(
        "UPDATE commitments SET state = 'open', state_at = %s FROM cases"
        " WHERE cases.id = commitments.case_id AND cases.status = 'disputed' AND commitments.state = 'kept'",
        (now,),
    )
