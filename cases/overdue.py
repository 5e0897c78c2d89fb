"""The clocks' part: what ran out is marked once and goes up, and the citizen may be told.

After 72 hours the supervisors of the desk are told, on the fourteenth day the Deputy Commissioner, a week later the
province's delivery unit. Each is written down here, and said to be told only where a message has gone out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cases import acts, history, messages, register, remedies
from cases.acts.escalate import DELIVERY_UNIT, DEPUTY_COMMISSIONER
from cases.lifecycle import CLOCK
from cases.register import Case
from store import alarms
from store.crypto import Keys
from store.database import Tx, fetch_all

BATCH = 500  # clocks that one transaction marks; the next tick takes the rest
TO_THE_TOP = timedelta(days=7)  # after the fourteenth


async def sweep(tx: Tx, keys: Keys, now: datetime, *, batch: int = BATCH) -> list[UUID]:
    """Mark what is late, once, and escalate it. Returns the outbox ids of what citizens are told.

    A citizen hears of the fourteenth day; where this phone may not be messaged it stands at their code.
    """
    told: list[UUID] = []
    for case_id, clock in await register.mark_late(tx, now, batch):
        case = await register.read(tx, case_id)
        if clock == "acknowledge":  # the supervisors': the queue shows it, and a message a day counts them
            data = {"clock": clock, "office": None}
            await history.write(
                tx, case_id, "escalate", actor=CLOCK, now=now, was=case.status, became=case.status, data=data
            )
            continue
        await acts.escalate(tx, keys, case_id, actor=CLOCK, now=now, rung=DEPUTY_COMMISSIONER)
        told += await _interim(tx, keys, case, now)
    for case_id in await register.mark_topped(tx, now, TO_THE_TOP, batch):
        await acts.escalate(tx, keys, case_id, actor=CLOCK, now=now, rung=DELIVERY_UNIT)
    await _sound_waiting(tx, now)
    return told


async def _interim(tx: Tx, keys: Keys, case: Case, now: datetime) -> list[UUID]:
    """On the fourteenth day: that it is not solved, and where else a person can go."""
    says: list[tuple[str, dict[str, Any]]] = [
        ("case.interim", {"code": {"code": case.code}}),
        *((remedy.key, {}) for remedy in remedies.of(case.category)),
    ]
    outbox_id = await messages.tell(tx, keys, case, "remind", says=says, now=now)
    if outbox_id is None:
        return []
    await history.write(tx, case.id, "remind", actor=CLOCK, now=now, was=case.status, became=case.status)
    return [outbox_id]


async def _sound_waiting(tx: Tx, now: datetime) -> None:
    """One open alarm for each district whose kept words wait longer than a person may take to read them."""
    rows = await fetch_all(
        tx,
        "SELECT DISTINCT district_id FROM sorting WHERE due_acknowledge <= %s"
        " AND state IN ('waiting', 'call', 'locked') AND NOT EXISTS (SELECT FROM alarms"
        " WHERE kind = 'sorting_overdue' AND alarms.district_id = sorting.district_id AND cleared_at IS NULL)",
        (now,),
    )
    for row in rows:
        await alarms.sound(tx, "sorting_overdue", row["district_id"])
