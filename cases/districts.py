"""Districts and their places as rows: what an operator adds, and names. Nothing here is ever deleted."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

import locales.places
from cases.lifecycle import Refused
from cases.outcomes import DATA
from store.database import Conn, Tx, fetch_all, fetch_one

QUIET = (time(20), time(8))  # no unasked message between, in the district's own time
HOLD = 10  # minutes between approval and sending


def known() -> dict[str, dict[str, str]]:
    """The districts that can be added, by id: rows of data/districts.csv."""
    with (DATA / "districts.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@dataclass(frozen=True, slots=True)
class District:
    """A district that is served here."""

    id: str
    names: dict[str, str]
    timezone: str
    demo: bool
    approval_hold: timedelta


_DISTRICT: LiteralString = "SELECT id, names, timezone, demo, approval_hold FROM districts"


async def find(conn: Conn, district_id: str) -> District | None:
    return await fetch_one(conn, _DISTRICT + " WHERE id = %s", (district_id,), of=District)


async def list_all(conn: Conn) -> list[District]:
    """Real ones before the demo, by their English names."""
    return await fetch_all(conn, _DISTRICT + " ORDER BY demo, names->>'en', id", of=District)


async def add(tx: Tx, district_id: str, *, demo: bool = False) -> None:
    """Add a district of Balochistan with its tehsils. Adding it again brings names and places up to date.

    A real one gets quiet hours and an approval hold; the demo has neither. Raises `Refused` for an unknown id.
    """
    row = known().get(district_id)
    if row is None:
        raise Refused("district_unknown")
    quiet_from, quiet_to = (None, None) if demo else QUIET
    await tx.execute(
        "INSERT INTO districts (id, pcode, names, demo, quiet_from, quiet_to, approval_hold)"
        " VALUES (%(id)s, %(pcode)s, %(names)s, %(demo)s, %(from)s, %(to)s, make_interval(mins => %(hold)s))"
        " ON CONFLICT (id) DO UPDATE SET pcode = excluded.pcode, names = excluded.names",
        {
            "id": district_id,
            "pcode": row["pcode"] or None,
            "names": Jsonb({"en": row["name_en"], "ur": row["name_ur"]}),
            "demo": demo,
            "from": quiet_from,
            "to": quiet_to,
            "hold": 0 if demo else HOLD,
        },
    )
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO places (id, district_id, level, names, aliases, pcode, lat, lon, source)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET names = excluded.names,"
            " aliases = excluded.aliases, pcode = excluded.pcode, lat = excluded.lat, lon = excluded.lon,"
            " source = excluded.source",
            [
                (
                    place.id,
                    district_id,
                    place.level,
                    Jsonb(place.names),
                    list(place.spellings),
                    place.pcode,
                    *(place.point or (None, None)),
                    place.source,
                )
                for place in locales.places.of_district(district_id)
            ],
        )


async def refresh(tx: Tx) -> None:
    """Bring names and places of every district served here up to date with this version's lists."""
    served = {district.id: district.demo for district in await list_all(tx)}
    for district_id in sorted(served.keys() & known().keys()):  # in order: two starts at once wait for each other
        await add(tx, district_id, demo=served[district_id])


async def place_value(tx: Tx, district_id: str, place_id: str | None) -> dict[str, Any]:
    """A place of the district, or the district itself (None), as a typed value. Raises `Refused` for any other."""
    row = await fetch_one(
        tx,
        "SELECT names FROM places WHERE id = %(wanted)s AND district_id = %(district)s"
        " UNION ALL SELECT names FROM districts WHERE id = %(wanted)s AND id = %(district)s",
        {"wanted": place_id or district_id, "district": district_id},
    )
    if row is None:
        raise Refused("place_unknown")
    return {"names": row["names"]}
