"""Commit: a promise in public of what an office will do by a date, which is the week's "next"."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from cases import commitments, districts, history, messages, offices, outcomes, register
from cases.history import Actor, staff_id
from cases.lifecycle import DESK, Refused
from store.crypto import Keys
from store.database import Tx


async def commit(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    action: str,
    office_id: UUID,
    due_on: date,
    place_id: str | None = None,
) -> UUID | None:
    """`place_id` is a place of the district or the district itself; None = the case's own."""
    case = await register.read(tx, case_id)
    if action not in outcomes.promised(case.category):
        raise Refused("outcome_unknown")
    if await register.role_of(tx, actor, case.district_id) not in DESK:
        raise Refused("not_allowed")
    office = await offices.value(tx, office_id)
    if due_on < case.day(now):
        raise Refused("date_past")
    await districts.place_value(tx, case.district_id, place_id or case.place_id)
    await commitments.put(
        tx,
        case,
        action=action,
        place_id=case.place_id if place_id in {None, case.district_id} else place_id,
        office_id=office_id,
        due_on=due_on,
        made_by=staff_id(actor),
        now=now,
    )
    data = {"action": action, "office": str(office_id), "due_on": due_on.isoformat()}
    await history.write(tx, case_id, "commit", actor=actor, now=now, was=case.status, became=case.status, data=data)
    values = {
        "code": {"code": case.code},
        "outcome": {"key": f"promise.{action}"},
        "date": {"date": due_on.isoformat()},
        "office": office,
    }
    return await messages.tell(tx, keys, case, "commit", says=[("case.promised", values)], now=now)
