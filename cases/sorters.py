"""Who sorts, and what lies before them: cards in the order they came, a page at a time, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from cases import card_boxes, offices, triage
from cases.card_boxes import Kept
from cases.lifecycle import Refused
from cases.roles import who_may
from store import audit
from store.crypto import Keys
from store.database import Tx, fetch_all

STATES = ("waiting", "call", "answered", "dismissed", "locked")

# A district's own triage, where it has named one that sits in no office which people complain about; else the
# province's. What has waited longer than 72 hours is the province's too: nobody can keep words from being read. What
# waits for a reader of the protected room is the province's alone.
_MINE: LiteralString = """
    FROM sorting s LEFT JOIN decisions d ON d.card = s.id
    WHERE ((%(district)s::text IS NULL AND (s.state = 'locked' OR s.due_acknowledge <= %(now)s
        OR s.district_id <> ALL(%(own)s))) OR (s.district_id = %(district)s AND s.state <> 'locked'))
"""
_OPEN: LiteralString = " AND (d.card IS NULL OR d.fault IS NOT NULL)"
_COUNT: LiteralString = "SELECT s.state, count(*) AS n" + _MINE + _OPEN + " GROUP BY s.state"
_PAGE: LiteralString = (
    "SELECT s.*" + _MINE + _OPEN + " AND s.state = %(state)s AND (%(after_at)s::timestamptz IS NULL"
    " OR (s.received_at, s.id) > (%(after_at)s, %(after_id)s)) ORDER BY s.received_at, s.id LIMIT %(limit)s"
)
_ONE: LiteralString = "SELECT s.*" + _MINE + " AND s.id = %(only)s"


@dataclass(frozen=True, slots=True)
class Sorter:
    """A member of the triage: of a district, or of the province (None)."""

    id: UUID
    district_id: str | None
    office_id: UUID | None


async def _scope(tx: Tx, staff_id: UUID, now: datetime) -> dict[str, Any]:
    """What every statement about this person's cards is bound to. Raises `Refused` for everybody who sorts none."""
    named = await fetch_all(
        tx,
        "SELECT id, district_id, office_id FROM staff WHERE role = ANY(%s) AND disabled_at IS NULL",
        (list(who_may("sort")),),
        of=Sorter,
    )
    accused = await _accused(tx)
    above = await offices.lines(tx)
    fit = [
        one
        for one in named
        if not triage.is_conflicted(one.office_id, accused.get(one.district_id or "*", accused["*"]), above)
    ]
    me = next((one for one in fit if one.id == staff_id), None)
    if me is None:
        raise Refused("not_allowed")
    own = sorted({one.district_id for one in fit if one.district_id is not None})
    return {"district": me.district_id, "own": own, "now": now}


async def _accused(tx: Tx) -> dict[str, set[UUID]]:
    """By district, the offices people may be complaining about; under "*" all of them, for the province's triage."""
    rows = await fetch_all(tx, "SELECT district_id, office_id FROM responsibilities WHERE office_id IS NOT NULL")
    accused: dict[str, set[UUID]] = {"*": {row["office_id"] for row in rows}}
    for row in rows:
        accused.setdefault(row["district_id"], set()).add(row["office_id"])
    return accused


async def list_for(
    tx: Tx,
    keys: Keys,
    staff_id: UUID,
    now: datetime,
    *,
    state: str = "waiting",
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Kept]:
    """What this member of the triage is to sort, oldest first. Reading it is audited before it is returned.

    `after` is (received_at, id) of the last card of the page before. Raises `Refused` for everybody else.
    """
    at, last = after or (None, None)
    wanted: Mapping[str, Any] = {
        **await _scope(tx, staff_id, now), "state": state, "after_at": at, "after_id": last, "limit": limit
    }  # fmt: skip
    rows = await fetch_all(tx, _PAGE, wanted)
    if rows:
        await audit.write(tx, str(staff_id), "sorting.read", " ".join(str(row["id"]) for row in rows))
    return card_boxes.open_rows(keys, rows)


async def count_for(tx: Tx, staff_id: UUID, now: datetime) -> dict[str, int]:
    """How many cards stand where, of those that are this person's. Raises `Refused` for who sorts none."""
    counts = dict.fromkeys(STATES, 0)
    for row in await fetch_all(tx, _COUNT, await _scope(tx, staff_id, now)):
        counts[row["state"]] = row["n"]
    return counts


async def read_for(tx: Tx, keys: Keys, staff_id: UUID, sorting_id: UUID, now: datetime) -> Kept:
    """One card, wherever it stands. Raises `Refused` unless this person sorts it."""
    rows = await fetch_all(tx, _ONE, {**await _scope(tx, staff_id, now), "only": sorting_id})
    if not rows:
        raise Refused("not_allowed")
    return card_boxes.open_row(keys, rows[0])
