"""Scorecards: what people say of a facility in a round, one voice a phone; small numbers never leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from cases.lifecycle import Refused
from cases.suppression import FEWEST
from store.database import Conn, Tx, fetch_all, fetch_one


@dataclass(frozen=True, slots=True)
class OpenRound:
    """A district asks about its facilities; `title` and `indicators` are text keys."""

    id: UUID
    title: str
    indicators: list[str]


@dataclass(frozen=True, slots=True)
class Facility:
    """One school, clinic or office that can be rated, found by the short code on its wall."""

    id: UUID
    names: dict[str, str]
    kind: str


async def open_round(conn: Conn, district_id: str) -> OpenRound | None:
    """The district's open round, the newest; or None."""
    return await fetch_one(
        conn,
        "SELECT id, title, indicators FROM rounds WHERE district_id = %s AND closed_at IS NULL"
        " ORDER BY opened_at DESC, id LIMIT 1",
        (district_id,),
        of=OpenRound,
    )


async def find_facility(conn: Conn, district_id: str, short_code: str) -> Facility | None:
    return await fetch_one(
        conn,
        "SELECT id, names, kind FROM facilities WHERE district_id = %s AND short_code = %s",
        (district_id, short_code),
        of=Facility,
    )


async def add_round(tx: Tx, district_id: str, *, title: str, indicators: Sequence[str]) -> None:
    """Open a district's first round; nothing where it has had one. `title` and `indicators` are text keys."""
    await tx.execute(
        "INSERT INTO rounds (district_id, title, indicators) SELECT %(district)s, %(title)s, %(indicators)s"
        " WHERE NOT EXISTS (SELECT FROM rounds WHERE district_id = %(district)s)",
        {"district": district_id, "title": title, "indicators": list(indicators)},
    )


async def add_demo_facility(
    tx: Tx, district_id: str, short_code: str, *, kind: str, names: Mapping[str, str], place_id: str
) -> None:
    """A facility that people of the demo can rate; nothing where the short code is there."""
    await tx.execute(
        "INSERT INTO facilities (district_id, short_code, kind, names, place_id, demo)"
        " VALUES (%s, %s, %s, %s, %s, true) ON CONFLICT (district_id, short_code) DO NOTHING",
        (district_id, short_code, kind, Jsonb(dict(names)), place_id),
    )


async def rate(
    tx: Tx, *, round_id: UUID, facility_id: UUID, contact_id: UUID, scores: Mapping[str, int], now: datetime
) -> None:
    """Keep one phone's ratings (indicator → 1..5). Rating again replaces. Raises `Refused`."""
    row = await fetch_one(
        tx,
        "SELECT r.indicators FROM rounds r JOIN facilities f USING (district_id)"
        " WHERE r.id = %s AND f.id = %s AND r.closed_at IS NULL",
        (round_id, facility_id),
    )
    if row is None:
        raise Refused("round_closed")
    if not scores or scores.keys() - set(row["indicators"]) or not set(scores.values()) <= set(range(1, 6)):
        raise Refused("rating_unknown")
    for indicator, score in scores.items():
        await tx.execute(
            "INSERT INTO ratings (round_id, facility_id, contact_id, indicator, score, at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (round_id, facility_id, contact_id, indicator)"
            " DO UPDATE SET score = excluded.score, at = excluded.at",
            (round_id, facility_id, contact_id, indicator, score, now),
        )


async def figures(conn: Conn, district_id: str) -> list[dict[str, Any]]:
    """The open round by facility and indicator; n and median are None where fewer than FEWEST people rated.

    [{"facility", "short_code", "names", "kind", "demo", "indicators": [{"indicator", "n", "median"}, …]}, …]
    """
    current = await open_round(conn, district_id)
    if current is None:
        return []
    facilities = await fetch_all(
        conn,
        "SELECT id AS facility, short_code, names, kind, demo FROM facilities"
        " WHERE district_id = %s ORDER BY short_code",
        (district_id,),
    )
    counted = await fetch_all(
        conn,
        "SELECT facility_id, indicator, score, count(*) AS n FROM ratings WHERE round_id = %s"
        " GROUP BY facility_id, indicator, score ORDER BY score",
        (current.id,),
    )
    scores: dict[tuple[UUID, str], list[tuple[int, int]]] = {}
    for row in counted:
        scores.setdefault((row["facility_id"], row["indicator"]), []).append((row["score"], row["n"]))
    return [
        {**row, "indicators": [_told(one, scores.get((row["facility"], one), ())) for one in current.indicators]}
        for row in facilities
    ]


def _told(indicator: str, scores: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """What may be told of one indicator; `scores` are (score, how many), the lowest first."""
    n = sum(many for _, many in scores)
    if n < FEWEST:
        return {"indicator": indicator, "n": None, "median": None}
    middle = (_at(scores, (n + 1) // 2) + _at(scores, n // 2 + 1)) / 2
    return {"indicator": indicator, "n": n, "median": middle}


def _at(scores: Sequence[tuple[int, int]], place: int) -> int:
    """The score of the `place`th from the lowest."""
    passed = 0
    for score, many in scores:
        passed += many
        if passed >= place:
            return score
    raise ValueError(place)
