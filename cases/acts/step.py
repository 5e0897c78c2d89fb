"""Step: what was done on the way. An inspection or a sending-on ends nothing; nobody is asked whether it is done.

What is sent on is a referral like any other: its office is told, and the citizen that it was sent once it was.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from cases import commitments, messages, outcomes, referrals, register
from cases.acts.resolve import happened
from cases.history import Actor, staff_id
from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Tx

ASKED_WITHIN = timedelta(days=7)  # of the office that it was sent on to


async def step(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    outcome: str,
    done_on: date,
    place_id: str | None = None,
    office_id: UUID | None = None,
    line: str = "",
    version: int | None = None,
) -> UUID | None:
    """`office_id` must be given for one that names another office. The case stays open, and its clock runs on."""
    case = await register.read(tx, case_id)
    if outcome not in outcomes.STEPS:
        raise Refused("outcome_unknown")
    if office_id is None and outcome in outcomes.NEEDS_OFFICE:
        raise Refused("office_missing")
    values = await happened(tx, case, now=now, done_on=done_on, place_id=place_id, office_id=office_id)
    verb = outcomes.STEPS[outcome]
    data = {"outcome": outcome, "office": str(office_id) if office_id else None}
    await register.move(tx, case_id, verb, actor=actor, now=now, version=version, data=data)
    await commitments.keep(tx, case_id, outcome, now)
    if office_id is not None and outcome in outcomes.NEEDS_OFFICE:
        due = case.day(now) + ASKED_WITHIN
        await referrals.put(tx, keys, case_id, office_id=office_id, due_on=due, by=staff_id(actor), now=now, summary="")
        if not line.strip():
            return None
        said: tuple[str, dict[str, Any]] = ("case.answered", {"code": {"code": case.code}})
    else:
        said = ("case.step", {"code": {"code": case.code}, "outcome": {"key": f"outcome.{outcome}", "values": values}})
    return await messages.tell(tx, keys, case, verb, says=[said], now=now, text=line, by=actor)
