"""What a conversation may know of its district, read once a minute: places, the open round, outside addresses."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from cases import outside, scorecards
from cases.outside import Other
from flows.model import Place, Round
from locales.places import of_district
from store.database import Database, fetch_all, fetch_one

FRESH = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class District:
    id: str
    names: dict[str, str]
    demo: bool
    places: tuple[Place, ...]
    round: Round | None
    outside: tuple[Other, ...]

    def outside_of(self, *, trial: bool) -> tuple[tuple[dict[str, str], str], ...]:
        """(names by language, phone) of others to ask; the demo's own are told to nobody on a real line."""
        return tuple((one.names, one.phone) for one in self.outside if not (trial and one.demo))


# By database, so that a process which opens two (the tests do) never answers from the other one's.
_kept: WeakKeyDictionary[Database, dict[str, tuple[float, District]]] = WeakKeyDictionary()


async def get(db: Database, district_id: str) -> District:
    """A new place or round is seen within a minute, and no turn pays for reading it. LookupError for an unknown id."""
    here = _kept.setdefault(db, {})
    found = here.get(district_id)
    if found is None or time.monotonic() - found[0] > FRESH:
        found = here[district_id] = (time.monotonic(), await _read(db, district_id))
    return found[1]


async def _read(db: Database, district_id: str) -> District:
    async with db.autocommit("intake") as connection:
        district = await fetch_one(connection, "SELECT names, demo FROM districts WHERE id = %s", (district_id,))
        if district is None:
            raise LookupError(district_id)
        places = await fetch_all(
            connection,
            "SELECT id, names, aliases, lat, lon FROM places WHERE district_id = %s AND level = 'tehsil'"
            " AND (valid_to IS NULL OR valid_to > now()) ORDER BY id",
            (district_id,),
        )
        # In the list's order, which is the order of the numbers on a poster; a place that it does not know comes last.
        order = {place.id: number for number, place in enumerate(of_district(district_id))}
        places.sort(key=lambda row: order.get(row["id"], len(order)))
        opened = await scorecards.open_round(connection, district_id)
        others = await outside.of_district(connection, district_id)
    return District(
        id=district_id,
        names=district["names"],
        demo=district["demo"],
        places=tuple(map(_place, places)),
        round=Round(str(opened.id), tuple(opened.indicators)) if opened else None,
        outside=tuple(others),
    )


def _place(row: dict[str, Any]) -> Place:
    point = None if row["lat"] is None or row["lon"] is None else (row["lat"], row["lon"])
    return Place(row["id"], row["names"], tuple(row["aliases"]), point)
