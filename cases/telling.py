"""Whether a person was told, beside whether somebody read what they wrote: what a case's page says of each clock.

Three things that one word would mix up: a person read it (the clock is met), the person who wrote was told (a message
about it has left us and came to no bad end), and it could not be told to them, because this phone may not be messaged:
it stands at their code. The third is never part of the second. How many they are is counted in `cases.counting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from cases.lifecycle import CITIZEN, MEETS, MOVES, RESUMES
from store.database import Conn, fetch_all

# What became of telling, for one clock. "untold": nobody has said anything yet. "waiting": it is on its way. "noticed":
# they know that something waits and have not seen it. "missed": no message has reached them. "barred": none may go.
Fate = Literal["told", "barred", "waiting", "noticed", "missed", "untold"]

_BOUND: dict[str, Any] = {
    "meet_verbs": [verb for verb, kinds in MEETS.items() for _ in kinds],
    "meet_kinds": [kind for kinds in MEETS.values() for kind in kinds],
    "run_verbs": [verb for verb, kinds in RESUMES.items() for _ in kinds],
    "run_kinds": [kind for kinds in RESUMES.values() for kind in kinds],
    # What people say themselves nobody has to tell them.
    "own_verbs": sorted(
        verb for verb in MEETS if all(CITIZEN in m.who for (_, said), m in MOVES.items() if said == verb)
    ),
}

# Lines and verbs of before a clock ran on again do not count. No word is read.
_CLOCKS: LiteralString = """
SELECT k.kind, k.due_at, acts.read_at, coalesce(said.told_at, acts.own_at) AS told_at,
    CASE WHEN said.told_at IS NOT NULL THEN 'told'
        WHEN said.barred THEN 'barred'
        WHEN acts.own_at IS NOT NULL THEN 'told'
        WHEN said.waits THEN 'waiting'
        WHEN said.noticed THEN 'noticed'
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
    WHERE h.case_id = k.case_id
) ran
CROSS JOIN LATERAL (
    SELECT min(h.at) AS read_at, min(h.at) FILTER (WHERE h.verb = ANY(%(own_verbs)s)) AS own_at FROM case_history h
    WHERE h.case_id = k.case_id AND h.verb = ANY(meets.verbs) AND h.id > ran.id
) acts
CROSS JOIN LATERAL (
    SELECT count(*) AS lines, coalesce(bool_or(t.by_code), false) AS barred, min(t.reached_at) AS told_at,
        coalesce(bool_or(t.under_way), false) AS waits, coalesce(bool_or(t.noticed), false) AS noticed
    FROM told_of_cases t WHERE t.case_id = k.case_id AND t.verb = ANY(meets.verbs) AND t.at >= ran.at
) said
WHERE k.case_id = %(case)s"""


@dataclass(frozen=True, slots=True)
class Told:
    """One clock of a case: when a person read, when its writer was told, and what became of telling them."""

    kind: str
    due_at: datetime
    read_at: datetime | None
    told_at: datetime | None
    fate: Fate


async def of_case(conn: Conn, case_id: UUID) -> dict[str, Told]:
    """A case's clocks by kind."""
    rows = await fetch_all(conn, _CLOCKS, {**_BOUND, "case": case_id}, of=Told)
    return {row.kind: row for row in rows}
