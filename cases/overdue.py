"""The clocks' part: what ran out is marked once and goes to the office above, and the citizen may be told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import history, messages, register
from cases.lifecycle import CLOCK
from store import alarms
from store.crypto import Keys
from store.database import Tx, fetch_all

BATCH = 500  # clocks that one transaction marks; the next tick takes the rest


async def sweep(tx: Tx, keys: Keys, now: datetime, *, batch: int = BATCH) -> list[UUID]:
    """Mark what is late, once, and escalate it. Returns the outbox ids of what citizens are told.

    A citizen hears of the fourteenth day; where this phone may not be messaged it stands at their code.
    """
    told: list[UUID] = []
    for case_id in await register.mark_late(tx, now, batch):
        case = await register.read(tx, case_id)
        says = [("case.overdue", {"code": {"code": case.code}})]
        outbox_id = await messages.tell(tx, keys, case, "remind", says=says, now=now)
        if outbox_id is not None:
            told.append(outbox_id)
            await history.write(tx, case.id, "remind", actor=CLOCK, now=now, was=case.status, became=case.status)
    await _sound_waiting(tx, now)
    return told


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
