"""How places, offices and people are called: kept for a moment, for a list would look up each of them on each line."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, LiteralString
from uuid import UUID

from markupsafe import Markup
from psycopg import sql

from desk.roles import Staff, within
from locales.values import choose_name
from store.database import Conn, fetch_all

FRESH = 30.0  # seconds; a new one is known at once: it is asked for again where it is met
Met = tuple[str | None, UUID | None, UUID | None]  # a place, an office, a person
Picked = Literal["places", "offices"]
OPTION = Markup('<option value="{}"{}>')

_READ: dict[str, LiteralString] = {
    "places": "SELECT id, names AS called FROM places WHERE {within} ORDER BY names->>'en', id",
    "offices": "SELECT id, names AS called FROM offices WHERE district_id IS NULL OR {within}"
    " ORDER BY names->>'en', id",
    "people": "SELECT id, name AS called FROM staff WHERE district_id IS NULL OR {within}",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What there is in a reader's district, or in the province: names by language, of people the one they gave."""

    places: dict[str, dict[str, str]]
    offices: dict[UUID, dict[str, str]]
    people: dict[UUID, str]
    _options: dict[tuple[Picked, str], Markup] = field(default_factory=dict)

    def options(self, of: Picked, lang: str, chosen: str) -> Markup:
        """What a reader can pick, in the order of English names, as options of a select. Written once in a language:
        in the province there are five hundred."""
        if (of, lang) not in self._options:
            named: dict[Any, dict[str, str]] = getattr(self, of)
            self._options[of, lang] = Markup("\n").join(
                OPTION.format(one, "") + choose_name(names, lang) + Markup("</option>") for one, names in named.items()
            )
        return self._options[of, lang].replace(OPTION.format(chosen, ""), OPTION.format(chosen, Markup(" selected")))

    def has(self, met: Iterable[Met]) -> bool:
        return all(
            (place is None or place in self.places)
            and (office is None or office in self.offices)
            and (person is None or person in self.people)
            for place, office, person in met
        )


async def read(conn: Conn, staff: Staff) -> Names:
    found: dict[str, dict[Any, Any]] = {}
    for name, statement in _READ.items():
        rows = await fetch_all(conn, sql.SQL(statement).format(within=within(staff)), staff.scope)
        found[name] = {row["id"]: row["called"] for row in rows}
    return Names(**found)


class Kept:
    """What a process keeps of them, by district."""

    def __init__(self) -> None:
        self._kept: dict[str | None, tuple[float, Names]] = {}

    async def of(self, conn: Conn, staff: Staff, met: Iterable[Met]) -> Names:
        """Read again after FRESH, and where one is `met` that is not among them."""
        until, names = self._kept.get(staff.district_id, (0.0, None))
        if names is None or time.monotonic() >= until or not names.has(met):
            names = await read(conn, staff)
            self._kept[staff.district_id] = time.monotonic() + FRESH, names
        return names
