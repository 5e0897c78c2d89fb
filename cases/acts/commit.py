"""Commit: a promise in public of what an office will do by a date, which is the week's "next"."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from cases import commitments, districts, offices, outcomes, register
from cases.history import Actor, staff_id
from cases.lifecycle import DESK, Refused
from store.database import Tx


async def commit(
    tx: Tx,
    case_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    action: str,
    office_id: UUID,
    due_on: date,
    place_id: str | None = None,
) -> UUID:
    """Returns the promise's id."""
    case = await register.read(tx, case_id)
    if action not in outcomes.promised(case.category):
        raise Refused("outcome_unknown")
    if await register.role_of(tx, actor, case.district_id) not in DESK:
        raise Refused("not_allowed")
    await offices.value(tx, office_id)
    if due_on < case.day(now):
        raise Refused("date_past")
    await districts.place_value(tx, case.district_id, place_id or case.place_id)
    return await commitments.put(
        tx,
        case,
        action=action,
        place_id=case.place_id if place_id in {None, case.district_id} else place_id,
        office_id=office_id,
        due_on=due_on,
        made_by=staff_id(actor),
        now=now,
    )
