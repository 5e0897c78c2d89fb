"""Refer: the case is handed to an office with a date. That stops no clock.

It is written down here. The office is told by a message of its own (cases.notices), and the citizen when that has gone
out, or that no way leads there.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from cases import offices, referrals, register
from cases.history import Actor, staff_id
from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Tx


async def refer(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    office_id: UUID,
    due_on: date,
    summary: str = "",
    version: int | None = None,
) -> None:
    """`summary` is the handler's own, for the office: of what was said and by whom nothing else goes there."""
    await offices.value(tx, office_id)
    case = await register.read(tx, case_id)
    if due_on < case.day(now):
        raise Refused("date_past")
    data = {"office": str(office_id), "due_on": due_on.isoformat()}
    await register.move(
        tx, case_id, "refer", actor=actor, now=now, version=version, data=data, columns={"office_id": office_id}
    )
    await referrals.put(
        tx, keys, case_id, office_id=office_id, due_on=due_on, by=staff_id(actor), now=now, summary=summary
    )
