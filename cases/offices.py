"""Which office answers for which subject: data that a district brings as one file, and may bring again.

offices:
  province:                       # the line of command; they belong to no district
    health: {en: "Secretary, Health", ur: "…", post: Secretary}
    delivery: {en: "Provincial Delivery Unit", ur: "…", post: Head, rung: 21}
  district:
    dc: {en: "Deputy Commissioner", ur: "…", post: Deputy Commissioner, rung: 14}
    health: {en: "District Health Officer", ur: "…", post: District Health Officer, above: health, law: "…",
             ways: {sms: "+92…", email: "…"}}
responsibilities:                 # subject: office of the district; a subject left out has nobody named yet
  health: health
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import yaml
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from cases import register, triage, ways
from cases.lifecycle import Refused
from cases.triage import Responsibility
from flows.categories import CATEGORIES
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Unusable(ValueError):
    """A file that cannot be used: one line that names the place in it."""


class Office(BaseModel):
    """One office, by its post and never by a person."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    en: Line
    ur: Line
    post: Line
    above: str | None = None
    law: str = ""
    rung: Literal[14, 21] | None = None  # whom a case goes to that is late by so many days
    ways: dict[Literal["whatsapp", "email", "sms"], Line] = {}
    lang: Literal["ur", "en"] = "ur"  # of what is sent there


class Offices(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    province: dict[str, Office] = {}
    district: dict[str, Office]


class Plan(BaseModel):
    """A district's offices and what each answers for. An office stands after the one above it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    offices: Offices
    responsibilities: dict[str, str] = {}

    @model_validator(mode="after")
    def _whole(self) -> Plan:
        known: set[str] = set()
        for group in (self.offices.province, self.offices.district):
            rungs = [office.rung for office in group.values() if office.rung is not None]
            if len(rungs) != len(set(rungs)):
                raise ValueError("offices: two of one group have the same rung")
            for department, office in group.items():
                if office.above is not None and office.above not in known:
                    raise ValueError(f"offices: {department}: no office {office.above!r} stands before it")
                known.add(department)
        for category, department in self.responsibilities.items():
            if category not in CATEGORIES:
                raise ValueError(f"responsibilities: no subject {category!r}; there are {', '.join(CATEGORIES)}")
            if department not in self.offices.district:
                raise ValueError(f"responsibilities: {category}: no office {department!r} of the district")
        return self


def read(path: Path) -> Plan:
    """Raises `Unusable`, OSError."""
    try:
        return Plan.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as refused:
        raise Unusable(f"{path}: {' '.join(str(refused).split())}") from None
    except ValidationError as refused:
        first = refused.errors()[0]
        place = ".".join(map(str, first["loc"]))
        said = str(first["msg"]).removeprefix("Value error, ")
        raise Unusable(f"{path}: {place + ': ' if place else ''}{said}") from None


async def load(tx: Tx, keys: Keys, district_id: str, plan: Plan, now: datetime) -> None:
    """Write a plan over what is there: offices by department, responsibilities by subject. Nothing is deleted.

    Cases that are open and had nobody named get the office now; all others stay where they are. Raises `Refused` for a
    way that is none.
    """
    above: dict[str, UUID] = {}
    for department, office in plan.offices.province.items():
        above[department] = await _put(tx, department, office, None, above)
    offices: dict[str, UUID] = {}
    for department, office in plan.offices.district.items():
        offices[department] = await _put(tx, department, office, district_id, {**above, **offices})
    for named, ids in ((plan.offices.province, above), (plan.offices.district, offices)):
        for department, office in named.items():
            for kind, address in office.ways.items():
                await ways.put(
                    tx, keys, kind=kind, address=address, now=now, office_id=ids[department], lang=office.lang
                )
    for category, department in plan.responsibilities.items():
        await tx.execute(
            "INSERT INTO responsibilities (district_id, category, office_id) VALUES (%s, %s, %s)"
            " ON CONFLICT (district_id, category, place_id) DO UPDATE SET office_id = excluded.office_id",
            (district_id, category, offices[department]),
        )
        await register.name_office(tx, district_id, category, offices[department])


async def _put(tx: Tx, department: str, office: Office, district_id: str | None, above: Mapping[str, UUID]) -> UUID:
    values = {
        "department": department,
        "district": district_id,
        "names": Jsonb({"en": office.en, "ur": office.ur}),
        "post": office.post,
        "above": above[office.above] if office.above else None,
        "law": office.law,
        "rung": office.rung,
    }
    if office.rung is not None:  # it may have been another's, of which there is one
        await tx.execute(
            "UPDATE offices SET rung = NULL WHERE rung = %(rung)s AND district_id IS NOT DISTINCT FROM %(district)s"
            " AND department <> %(department)s",
            values,
        )
    # Provincial offices have no district, and nulls are never equal to a unique index.
    written = await tx.execute(
        "UPDATE offices SET names = %(names)s, post = %(post)s, above_id = %(above)s, law = %(law)s,"
        " rung = coalesce(%(rung)s, rung)"
        " WHERE department = %(department)s AND district_id IS NOT DISTINCT FROM %(district)s RETURNING id",
        values,
    )
    row = await written.fetchone()
    if row is None:
        row = await fetch_one(
            tx,
            "INSERT INTO offices (district_id, department, names, post, above_id, law, rung)"
            " VALUES (%(district)s, %(department)s, %(names)s, %(post)s, %(above)s, %(law)s, %(rung)s) RETURNING id",
            values,
        )
    assert row is not None  # noqa: S101 - RETURNING of one inserted row
    office_id: UUID = row["id"]
    return office_id


async def listed(conn: Conn, district_id: str) -> list[dict[str, Any]]:
    """{"subject", "office", "post", "law"} of every subject; office "" where nobody is named yet."""
    rows = await fetch_all(
        conn,
        "SELECT r.category, o.names->>'en' AS office, o.post, o.law FROM responsibilities r"
        " JOIN offices o ON o.id = r.office_id WHERE r.district_id = %s AND r.place_id IS NULL",
        (district_id,),
    )
    named = {row["category"]: row for row in rows}
    nobody = {"office": "", "post": "", "law": ""}
    return [
        {"subject": category} | {name: named.get(category, nobody)[name] for name in ("office", "post", "law")}
        for category in CATEGORIES
    ]


async def value(tx: Tx, office_id: UUID | None) -> dict[str, Any]:
    """An office as a typed value; "nobody named yet" where there is none. Raises `Refused` for an unknown one."""
    if office_id is None:
        return {"key": "office.unnamed"}
    row = await fetch_one(tx, "SELECT names FROM offices WHERE id = %s", (office_id,))
    if row is None:
        raise Refused("office_unknown")
    return {"names": row["names"]}


async def route(tx: Tx, district_id: str, category: str, place_id: str | None) -> UUID | None:
    """The responsible office, place-specific first; None = nobody named yet."""
    rows = await fetch_all(
        tx,
        "SELECT category, place_id, office_id FROM responsibilities WHERE district_id = %s AND category = %s",
        (district_id, category),
        of=Responsibility,
    )
    return triage.route(category, await _places_around(tx, place_id), rows)


async def _places_around(tx: Tx, place_id: str | None) -> list[str]:
    if place_id is None:
        return []
    rows = await fetch_all(
        tx,
        "WITH RECURSIVE around (id, parent_id, step) AS ("
        " SELECT id, parent_id, 0 FROM places WHERE id = %s"
        " UNION ALL SELECT p.id, p.parent_id, step + 1 FROM places p JOIN around a ON p.id = a.parent_id"
        " WHERE step < 5) SELECT id FROM around ORDER BY step",
        (place_id,),
    )
    return [row["id"] for row in rows]


# ── how it is reached, and whom a late case goes to ──────────────────────────────────────────────────────────────────
async def find(conn: Conn, district_id: str, department: str) -> UUID:
    """An office of the district, else of the province, by its department. Raises `Refused` where there is none."""
    row = await fetch_one(
        conn,
        "SELECT id FROM offices WHERE department = %s AND coalesce(district_id, %s) = %s"
        " ORDER BY district_id NULLS LAST LIMIT 1",
        (department, district_id, district_id),
    )
    if row is None:
        raise Refused("office_unknown")
    office_id: UUID = row["id"]
    return office_id


async def give_pin(tx: Tx, keys: Keys, office_id: UUID, now: datetime) -> str:
    """A new PIN, to be given to the head of the office in person; it is kept nowhere. The one before is void."""
    pin = ways.new_code()
    await tx.execute(
        "UPDATE offices SET pin_tag = %s, pin_at = %s WHERE id = %s",
        (ways.tag_pin(keys, office_id, pin), now, office_id),
    )
    return pin


async def has_pin(conn: Conn, office_id: UUID) -> bool:
    row = await fetch_one(conn, "SELECT pin_tag IS NOT NULL AS there FROM offices WHERE id = %s", (office_id,))
    return bool(row and row["there"])


async def choose_rung(tx: Tx, case_id: UUID, rung: int) -> UUID | None:
    """Whom a case goes to that is late by so many days: never an office that it is about.

    It is about the one that answers for it and each that it was handed to; then the next one above goes. None where
    nobody is named, or nobody is above.
    """
    rows = await fetch_all(
        tx,
        "SELECT o.id FROM offices o JOIN cases c ON c.id = %s WHERE o.rung = %s"
        " AND coalesce(o.district_id, c.district_id) = c.district_id ORDER BY o.district_id NULLS LAST",
        (case_id, rung),
    )
    about = await fetch_all(
        tx,
        "SELECT office_id AS id FROM cases WHERE id = %(case)s AND office_id IS NOT NULL UNION"
        " SELECT office_id FROM referrals WHERE case_id = %(case)s AND kind = 'refer' UNION"
        " SELECT r.office_id FROM responsibilities r JOIN cases c ON c.district_id = r.district_id"
        " AND c.category = r.category AND (r.place_id IS NULL OR r.place_id = c.place_id)"
        " WHERE c.id = %(case)s AND r.office_id IS NOT NULL",
        {"case": case_id},
    )
    line = triage.line_of(rows[0]["id"] if rows else None, await lines(tx))
    complained = {row["id"] for row in about}
    return next((office for office in line if office not in complained), None)


async def lines(tx: Tx) -> dict[UUID, UUID | None]:
    """Every office and the one above it: who commands whom."""
    return {row["id"]: row["above_id"] for row in await fetch_all(tx, "SELECT id, above_id FROM offices")}


async def above(tx: Tx, office_id: UUID | None) -> UUID | None:
    """The office that commands this one; None at the top of the line."""
    row = await fetch_one(tx, "SELECT above_id FROM offices WHERE id = %s", (office_id,))
    return None if row is None else row["above_id"]


async def is_about(conn: Conn, case_id: UUID, staff_id: UUID) -> bool:
    """Whether an ordinary case is about this person's own office, or one that commands it."""
    row = await fetch_one(
        conn,
        "WITH RECURSIVE line (id) AS ("
        " SELECT office_id FROM staff WHERE id = %(staff)s"
        " UNION SELECT o.above_id FROM offices o JOIN line ON line.id = o.id"
        ") SELECT EXISTS (SELECT 1 FROM cases c JOIN line ON line.id = c.office_id WHERE c.id = %(case)s) AS about",
        {"staff": staff_id, "case": case_id},
    )
    return bool(row and row["about"])


async def responsible(conn: Conn, case_id: UUID) -> set[UUID]:
    """The offices that have a case: its own, those it was referred to, and whoever commands these."""
    rows = await fetch_all(
        conn,
        "WITH RECURSIVE theirs (id) AS ("
        " SELECT office_id FROM cases WHERE id = %(case)s"
        " UNION SELECT office_id FROM referrals WHERE case_id = %(case)s"
        " UNION SELECT o.above_id FROM offices o JOIN theirs ON theirs.id = o.id"
        ") SELECT id FROM theirs WHERE id IS NOT NULL",
        {"case": case_id},
    )
    return {row["id"] for row in rows}
