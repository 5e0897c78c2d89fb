"""Whether people were told, counted apart from whether somebody read what they wrote.

Three things that one number would mix up: a person read it (the clock is met), the person who wrote was told (a message
about it has left us and was not refused), and it could not be told to them, because this phone may not be messaged: it
stands at their code. The third is never part of the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from cases.lifecycle import CITIZEN, MEETS, MOVES, RESUMES
from store.database import Conn, fetch_all

REACHED = ("sent", "delivered", "read")  # states of a message in the outbox that say: they were told
ON_ITS_WAY = ("queued", "sending")
KINDS = ("acknowledge", "resolve")

# What became of telling, for one clock. "untold": nobody has said anything yet. "waiting": it is on its way. "missed":
# every message failed, expired, or waits for the person to write. "barred": nothing may be sent to this phone.
Fate = Literal["told", "barred", "waiting", "missed", "untold"]
COUNTED = ("due", "read", "told", "told_late", "missed", "barred", "waiting", "untold")

# What a statement with ROWS in it must be given besides its own values, and `asof`, the moment that it looks from.
BOUND: dict[str, Any] = {
    "meet_verbs": [verb for verb, kinds in MEETS.items() for _ in kinds],
    "meet_kinds": [kind for kinds in MEETS.values() for kind in kinds],
    "run_verbs": [verb for verb, kinds in RESUMES.items() for _ in kinds],
    "run_kinds": [kind for kinds in RESUMES.values() for kind in kinds],
    # What people say themselves nobody has to tell them.
    "own_verbs": sorted(
        verb for verb in MEETS if all(CITIZEN in m.who for (_, said), m in MOVES.items() if said == verb)
    ),
    "reached": list(REACHED),
    "on_its_way": list(ON_ITS_WAY),
}

# One row for each clock: (case_id, kind, due_at, read_at, told_at, fate), as it stood at `asof`. Lines and verbs of
# before a clock ran on again do not count. For the role `report`: no word is read.
ROWS: LiteralString = """
SELECT k.case_id, k.kind, k.due_at, acts.read_at, coalesce(said.told_at, acts.own_at) AS told_at,
    CASE WHEN said.told_at IS NOT NULL THEN 'told'
        WHEN said.barred THEN 'barred'
        WHEN acts.own_at IS NOT NULL THEN 'told'
        WHEN said.waits THEN 'waiting'
        WHEN said.lines > 0 THEN 'missed'
        ELSE 'untold' END AS fate
FROM clocks k
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(m.verb), '{}') AS verbs
    FROM unnest(%(meet_verbs)s::text[], %(meet_kinds)s::text[]) AS m(verb, kind) WHERE m.kind = k.kind
) meets
CROSS JOIN LATERAL (
    SELECT coalesce(max(h.id), 0) AS id, coalesce(max(h.at), '-infinity') AS at FROM case_history h
    JOIN unnest(%(run_verbs)s::text[], %(run_kinds)s::text[]) AS r(verb, kind) ON r.verb = h.verb AND r.kind = k.kind
    WHERE h.case_id = k.case_id AND h.at < %(asof)s
) ran
CROSS JOIN LATERAL (
    SELECT min(h.at) AS read_at, min(h.at) FILTER (WHERE h.verb = ANY(%(own_verbs)s)) AS own_at FROM case_history h
    WHERE h.case_id = k.case_id AND h.verb = ANY(meets.verbs) AND h.id > ran.id AND h.at < %(asof)s
) acts
CROSS JOIN LATERAL (
    SELECT count(*) AS lines, coalesce(bool_or(i.outbox_id IS NULL), false) AS barred,
        coalesce(bool_or(o.state = ANY(%(on_its_way)s)), false) AS waits,
        min(o.sent_at) FILTER (WHERE o.state = ANY(%(reached)s) AND o.sent_at < %(asof)s) AS told_at
    FROM case_items i LEFT JOIN outbox o ON o.id = i.outbox_id
    WHERE i.case_id = k.case_id AND i.kind = 'said' AND i.verb = ANY(meets.verbs) AND i.at >= ran.at AND i.at < %(asof)s
) said"""


@dataclass(frozen=True, slots=True)
class Told:
    """One clock of a case: when a person read, when its writer was told, and what became of telling them."""

    case_id: UUID
    kind: str
    due_at: datetime
    read_at: datetime | None
    told_at: datetime | None
    fate: Fate

    def counts(self) -> set[str]:
        """Which of COUNTED it adds to."""
        told = "told" if self.told_at is not None and self.told_at < self.due_at else "told_late"
        read = {"read"} if self.read_at is not None and self.read_at < self.due_at else set()
        return {"due", told if self.fate == "told" else self.fate} | read


async def of_case(conn: Conn, case_id: UUID, asof: datetime) -> dict[str, Told]:
    """A case's clocks by kind."""
    rows = await fetch_all(
        conn, ROWS + " WHERE k.case_id = %(case)s", {**BOUND, "case": case_id, "asof": asof}, of=Told
    )
    return {row.kind: row for row in rows}


async def of_district(conn: Conn, district_id: str, first: datetime, after: datetime, *, asof: datetime) -> list[Told]:
    """Every clock of a district that was due from `first` until before `after`, by when, as it stood at `asof`."""
    return await fetch_all(
        conn,
        ROWS + " JOIN cases c ON c.id = k.case_id WHERE c.district_id = %(district)s AND k.due_at >= %(first)s"
        " AND k.due_at < %(after)s ORDER BY k.due_at, k.case_id, k.kind",
        {**BOUND, "district": district_id, "first": first, "after": after, "asof": asof},
        of=Told,
    )


def count(rows: Iterable[Told]) -> dict[str, dict[str, int]]:
    """By kind of clock, by COUNTED: "due" is the sum of all but "read", which is in time and counted besides."""
    found = {kind: Counter[str]() for kind in KINDS}
    for row in rows:
        found.setdefault(row.kind, Counter()).update(row.counts())
    return {kind: {name: counted[name] for name in COUNTED} for kind, counted in found.items()}
