"""Commit: a promise in public of what an office will do by a date, which is the week's "next"; and its letting go."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from cases import commitments, districts, messages, offices, outcomes, register
from cases.history import Actor, staff_id
from cases.lifecycle import Refused
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
    """Its owner is an office that has the case: its own, one it was referred to, or one above these.

    `place_id` is a place of the district or the district itself; None = the case's own.
    """
    case = await register.read(tx, case_id)
    if action not in outcomes.promised(case.category):
        raise Refused("outcome_unknown")
    office = await offices.value(tx, office_id)
    if office_id not in await offices.responsible(tx, case_id):
        raise Refused("office_not_responsible")
    if due_on < case.day(now):
        raise Refused("date_past")
    await districts.place_value(tx, case.district_id, place_id or case.place_id)
    data = {"action": action, "office": str(office_id), "due_on": due_on.isoformat()}
    await register.move(tx, case_id, "commit", actor=actor, now=now, data=data)
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
    values = {
        "code": {"code": case.code},
        "outcome": {"key": f"promise.{action}"},
        "date": {"date": due_on.isoformat()},
        "office": office,
    }
    return await messages.tell(tx, keys, case, "commit", says=[("case.promised", values)], now=now)


async def drop(tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, commitment_id: UUID, reason: str) -> None:
    """A promise is let go of; in public it is told with the reason, which is one of the closed list."""
    if reason not in outcomes.DROPPED:
        raise Refused("reason_missing")
    let_go = await commitments.drop(tx, case_id, commitment_id, reason=reason, now=now)
    data = {"action": let_go["action"], "office": str(let_go["office_id"]), "reason": reason}
    await register.move(tx, case_id, "drop", actor=actor, now=now, data=data)
