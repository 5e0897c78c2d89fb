"""The tick's part: a clock that ran out is marked once, goes to the office above, and the citizen may be told.

Two ticks at once do no harm: a late clock is locked by the one that finds it and skipped by the other.
"""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from cases import change
from cases.lifecycle import CLOCK, OPEN
from store import alarms
from store.crypto import Keys
from store.database import Tx, fetch_all

BATCH = 500  # clocks that one transaction marks; the next tick takes the rest

# The first late clock goes one office up from the case's own; the second, where the first was late too, two up. At the
# top of the line there is nobody above: escalated_to stays null and history says so.
_MARK: LiteralString = """
WITH late AS (
    SELECT k.case_id, k.kind, c.status, up.id AS first, upper.id AS second,
        EXISTS (SELECT FROM clocks o WHERE o.case_id = k.case_id AND o.kind = 'acknowledge'
                AND (o.overdue_at IS NOT NULL OR (o.met_at IS NULL AND o.due_at <= %(now)s))) AS twice
    FROM clocks k
    JOIN cases c ON c.id = k.case_id
    LEFT JOIN offices own ON own.id = c.office_id
    LEFT JOIN offices up ON up.id = own.above_id
    LEFT JOIN offices upper ON upper.id = up.above_id
    WHERE k.met_at IS NULL AND k.overdue_at IS NULL AND k.due_at <= %(now)s AND c.status = ANY(%(open)s)
    ORDER BY k.due_at
    LIMIT %(batch)s
    FOR UPDATE OF k SKIP LOCKED
), marked AS (
    UPDATE clocks SET overdue_at = %(now)s,
        escalated_to = CASE WHEN late.kind = 'resolve' AND late.twice THEN coalesce(late.second, late.first)
                       ELSE late.first END
    FROM late
    WHERE clocks.case_id = late.case_id AND clocks.kind = late.kind AND clocks.overdue_at IS NULL
    RETURNING clocks.case_id, clocks.kind, late.status, clocks.escalated_to
), told AS (
    INSERT INTO case_history (case_id, at, actor, verb, was, became, data)
    SELECT case_id, %(now)s, 'clock', 'escalate', status, status,
        jsonb_build_object('clock', kind, 'office', escalated_to)
    FROM marked
    ORDER BY case_id, kind
)
SELECT case_id, kind FROM marked ORDER BY case_id, kind
"""


async def sweep(tx: Tx, keys: Keys, now: datetime, *, batch: int = BATCH) -> list[UUID]:
    """Mark what is late, once, and escalate it. Returns the outbox ids of what citizens are told.

    A citizen hears of the fourteenth day, and only one who said that this phone may be messaged.
    """
    rows = await fetch_all(tx, _MARK, {"now": now, "open": list(OPEN), "batch": batch})
    told: list[UUID] = []
    for row in rows:
        if row["kind"] != "resolve":
            continue
        case = await change.read(tx, row["case_id"])
        if case["may_message"] is not True:
            continue
        says = [("case.overdue", {"code": {"code": case["code"]}})]
        outbox_id = await change.tell(tx, keys, case, says=says, now=now)
        if outbox_id is not None:
            told.append(outbox_id)
            status = case["status"]
            await change.write_history(tx, case["id"], "remind", actor=CLOCK, now=now, was=status, became=status)
    await _open_disputed_promises(tx, now)
    await _sound_waiting(tx, now)
    return told


async def _open_disputed_promises(tx: Tx, now: datetime) -> None:
    """A promise counts as kept while the citizen does not dispute it; his side cannot write promises."""
    await tx.execute(
        "UPDATE commitments SET state = 'open', state_at = %s FROM cases"
        " WHERE cases.id = commitments.case_id AND cases.status = 'disputed' AND commitments.state = 'kept'",
        (now,),
    )


async def _sound_waiting(tx: Tx, now: datetime) -> None:
    """One open alarm for each district whose kept words wait longer than a person may take to read them."""
    rows = await fetch_all(
        tx,
        "SELECT DISTINCT district_id FROM sorting WHERE due_acknowledge <= %s AND NOT EXISTS (SELECT FROM alarms"
        " WHERE kind = 'sorting_overdue' AND alarms.district_id = sorting.district_id AND cleared_at IS NULL)",
        (now,),
    )
    for row in rows:
        await alarms.sound(tx, "sorting_overdue", row["district_id"])
