"""Supervisors of the desk: once a day each is told how many cases nobody has read within 72 hours."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from cases import calendar, notices, ways
from cases.lifecycle import OPEN
from cases.notices import House
from cases.roles import SUPERVISOR
from store.database import Tx, fetch_all

_LATE = """
SELECT f.id, f.district_id, count(*) AS cases FROM staff f
JOIN cases c ON c.district_id = f.district_id AND c.status = ANY(%(open)s)
JOIN clocks k ON k.case_id = c.id AND k.kind = 'acknowledge' AND k.overdue_at IS NOT NULL AND k.met_at IS NULL
WHERE f.role = %(role)s AND f.disabled_at IS NULL AND EXISTS (
    SELECT FROM ways w WHERE w.staff_id = f.id AND w.ended_at IS NULL)
    AND NOT EXISTS (SELECT FROM supervisors_told s WHERE s.staff_id = f.id AND s.day = %(today)s)
GROUP BY 1, 2 ORDER BY 1"""


async def send(tx: Tx, house: House, now: datetime) -> list[UUID]:
    """Send each their message of the day. Returns the outbox ids to ring for; two at once send one."""
    here = now.astimezone(ZoneInfo(calendar.PROVINCE))
    if here.time() < notices.MORNING:
        return []
    rung = []
    late = await fetch_all(tx, _LATE, {"open": list(OPEN), "role": SUPERVISOR, "today": here.date()})
    for row in late:
        usable = [
            way
            for way in await ways.of_staff(tx, row["id"])
            if await notices.carries(tx, house, way, row["district_id"])
        ]
        if not usable:
            continue
        first = await tx.execute(
            "INSERT INTO supervisors_told (staff_id, day, cases) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (row["id"], here.date(), row["cases"]),
        )
        if first.rowcount == 1:
            says = [("to_supervisor.late", {"count": row["cases"], "link": f"{house.door}/desk/queue?overdue=1"})]
            carrier = await notices.post(tx, house.keys, usable[0], row["district_id"], says=says, now=now)
            rung += [carrier.outbox_id] if carrier.outbox_id is not None else []
    return rung
