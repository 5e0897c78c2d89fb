"""The tehsils of Balochistan: their names by language, other spellings, and where their middle is.

The one list, places.tsv: a district is seeded from it, the flows are tried with it. Where it comes from stands in
cases/data/SOURCES.md. No native reader has checked the Urdu and Pashto names: they are drafts, as all texts are.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("places.tsv")


@dataclass(frozen=True, slots=True)
class Tehsil:
    """One row. `confidence` is of its Urdu name: attested-2, attested-1 (sources) or derived (transliterated)."""

    id: str  # "pishin.barshore"
    district: str
    level: str
    names: dict[str, str]  # by language, English always
    spellings: tuple[str, ...]
    pcode: str | None
    point: tuple[float, float] | None  # latitude, longitude
    source: str
    confidence: str


@cache
def tehsils() -> tuple[Tehsil, ...]:
    """Every row in the order of the list, which is that of their numbers."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(_tehsil(row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def districts() -> tuple[str, ...]:
    """The ids of the districts that have tehsils here."""
    return tuple(dict.fromkeys(row.district for row in tehsils()))


def of_district(district_id: str) -> tuple[Tehsil, ...]:
    """Its tehsils in the order in which they are offered; () for a district that is not here."""
    return tuple(row for row in tehsils() if row.district == district_id)


def _tehsil(row: dict[str, str]) -> Tehsil:
    return Tehsil(
        id=row["id"],
        district=row["district"],
        level=row["level"],
        names={lang: name for lang in ("en", "ur", "ps") if (name := row[f"name_{lang}"])},
        spellings=tuple(row["spellings"].split("|")) if row["spellings"] else (),
        pcode=row["pcode"] or None,
        point=(float(row["lat"]), float(row["lon"])) if row["lat"] else None,
        source=row["source"],
        confidence=row["confidence"],
    )
