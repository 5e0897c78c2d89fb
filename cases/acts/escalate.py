"""Escalate: a case that stands still goes to the office above, by the clock or by a supervisor before it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from cases import history, lifecycle, offices, referrals, register
from cases.history import Actor, staff_id
from cases.lifecycle import CLOCK, Refused
from store.crypto import Keys
from store.database import Tx

ASKED = timedelta(days=7)  # until the office is to answer; then the next one hears of it
DEPUTY_COMMISSIONER, DELIVERY_UNIT = 14, 21  # the days whose office it is


async def escalate(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, rung: int = DEPUTY_COMMISSIONER
) -> None:
    """Written down for whoever is named for that day, and never for an office that the case is about.

    Where nobody is, the history says so. Raises `Refused`, also where a supervisor asks and there is nobody.
    """
    case = await register.read(tx, case_id)
    lifecycle.move(case.status, "escalate", await register.role_of(tx, actor, case.district_id))
    office_id = await offices.choose_rung(tx, case_id, rung)
    if office_id is None and actor != CLOCK:
        raise Refused("nobody_above")
    data = {"rung": rung, "office": str(office_id) if office_id else None}
    await history.write(tx, case_id, "escalate", actor=actor, now=now, was=case.status, became=case.status, data=data)
    if office_id is None:
        return
    handed = [one for one in await referrals.of_case(tx, case_id) if one.kind == "refer"]
    await referrals.put(
        tx,
        keys,
        case_id,
        office_id=office_id,
        due_on=case.day(now + ASKED),
        by=None if actor == CLOCK else staff_id(actor),
        now=now,
        kind="escalate",
        rung=rung,
        of=handed[-1] if handed else None,
    )
    await register.note_escalated(tx, case_id, office_id)
