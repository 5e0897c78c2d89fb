"""Promises: what an office will do by a date, in public. Each comes back by itself as kept, late or dropped."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from cases.lifecycle import Refused
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


async def keep(tx: Tx, case_id: UUID, action: str, now: datetime) -> None:
    """What was promised for a case is kept by the promised deed and by no other; so says the office."""
    await tx.execute(
        "UPDATE commitments SET state = 'kept', state_at = %s WHERE case_id = %s AND action = %s AND state = 'open'",
        (now, case_id, action),
    )


async def drop_open(tx: Tx, case_id: UUID, *, reason: str, now: datetime) -> None:
    """The case is refused, and so is what was promised for it."""
    await tx.execute(
        "UPDATE commitments SET state = 'dropped', reason = %s, state_at = %s WHERE case_id = %s AND state = 'open'",
        (reason, now, case_id),
    )


async def drop(tx: Tx, case_id: UUID, commitment_id: UUID, *, reason: str, now: datetime) -> dict[str, Any]:
    """An open promise of this case is let go of, with the reason. Returns its action and office. Raises `Refused`."""
    row = await fetch_one(
        tx,
        "UPDATE commitments SET state = 'dropped', reason = %s, state_at = %s"
        " WHERE id = %s AND case_id = %s AND state = 'open' RETURNING action, office_id",
        (reason, now, commitment_id, case_id),
    )
    if row is None:
        raise Refused("promise_unknown")
    return row


async def open_again(tx: Tx, case_id: UUID, now: datetime) -> None:
    """A case that is reopened has its kept promises before it again."""
    await tx.execute(
        "UPDATE commitments SET state = 'open', state_at = %s WHERE case_id = %s AND state IN ('kept', 'confirmed')",
        (now, case_id),
    )


# The citizen's side cannot write promises: theirs is the word on the case, and the clock reads it. Of a deed done on
# the way nobody was asked: it stays as the office says it.
# Looked at are the cases that people spoke on lately, and those whose promise was kept lately.
_FOLLOW: LiteralString = """
WITH lately AS (
    SELECT case_id FROM case_history WHERE verb IN ('confirm', 'dispute', 'halve') AND at >= %(since)s
    UNION SELECT case_id FROM commitments WHERE state = 'kept' AND state_at >= %(since)s
), said AS (
    SELECT m.id, CASE c.status WHEN 'disputed' THEN 'open' ELSE 'confirmed' END AS state
    FROM lately JOIN commitments m USING (case_id) JOIN cases c ON c.id = m.case_id AND c.outcome = m.action
    WHERE (c.status = 'disputed' AND m.state IN ('kept', 'confirmed')) OR (c.status = 'confirmed' AND m.state = 'kept')
)
UPDATE commitments SET state_at = %(now)s, state = said.state FROM said WHERE commitments.id = said.id
"""


async def follow_people(tx: Tx, now: datetime, far: timedelta) -> None:
    """A kept promise is confirmed when its case's writer says so, and open again when they say that it is not done.

    `far`: how long ago the last of that may have been. Again and again it does no harm.
    """
    await tx.execute(_FOLLOW, {"now": now, "since": now - far})
