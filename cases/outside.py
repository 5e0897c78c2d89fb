"""Others to ask: who helps outside the district's offices, as data with a source and a date. None is invented.

They are said to everybody who asks for help, and wherever the protected door is closed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import yaml
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cases.lifecycle import Refused
from flows.turn import OUTSIDE_MOST, list_outside
from locales import ALL_LANGS
from store.database import Conn, Tx, fetch_all, fetch_one

M = TypeVar("M", bound=BaseModel)
PROVINCE = "province"  # what the province's own are listed under
NAME_MOST = 40  # letters
_PHONE = re.compile(r"\+?[0-9]{3,15}")


class Unusable(ValueError):
    """A list that cannot be loaded, in one line that says where."""


class Body(BaseModel):
    """One other to ask."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    names: dict[str, str] = Field(min_length=1)
    phone: str
    source: str = Field(min_length=8, max_length=300)
    read_on: date

    @field_validator("names")
    @classmethod
    def _named(cls, names: dict[str, str]) -> dict[str, str]:
        found = {lang: " ".join(name.split()) for lang, name in names.items()}
        for lang, name in found.items():
            if lang not in ALL_LANGS:
                raise ValueError(f"no language {lang!r}; there are {', '.join(ALL_LANGS)}")
            if not 0 < len(name) <= NAME_MOST:
                raise ValueError(f"a name has 1 to {NAME_MOST} letters")
        return found

    @field_validator("phone", mode="before")
    @classmethod
    def _phoned(cls, phone: Any) -> str:
        plain = re.sub(r"[\s()-]", "", phone) if isinstance(phone, str) else ""
        if not _PHONE.fullmatch(plain):
            raise ValueError("a number has 3 to 15 digits, written in quotes")
        return plain


class Plan(BaseModel):
    """The others to ask of the province and of each district."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    province: list[Body] = []
    districts: dict[str, list[Body]] = {}


@dataclass(frozen=True, slots=True)
class Other:
    """One of the list as it stands; `district_id` None is the province."""

    id: UUID
    district_id: str | None
    names: dict[str, str]
    phone: str
    source: str
    read_on: date
    demo: bool


_LIST: LiteralString = "SELECT o.id, o.district_id, o.names, o.phone, o.source, o.read_on, o.demo FROM outside o"
_ORDER: LiteralString = " ORDER BY o.district_id NULLS LAST, o.added_at, o.phone"


async def of_district(conn: Conn, district_id: str) -> list[Other]:
    """Who is named in a district: its own before the province's. The demo's own are told in the demo's alone."""
    return await fetch_all(
        conn,
        _LIST + " JOIN districts d ON d.id = %s"
        " WHERE (o.district_id = d.id OR o.district_id IS NULL) AND (d.demo OR NOT o.demo)" + _ORDER,
        (district_id,),
        of=Other,
    )


async def list_all(conn: Conn) -> list[Other]:
    return await fetch_all(conn, _LIST + _ORDER, of=Other)


def read(path: Path) -> Plan:
    """Raises `Unusable`, OSError."""
    return read_as(Plan, path)


def read_as(plan: type[M], path: Path) -> M:
    """A file of bodies outside as this kind of plan. Raises `Unusable`, OSError."""
    try:
        return plan.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, UnicodeDecodeError) as refused:
        raise Unusable(f"{path}: {' '.join(str(refused).split())}") from None
    except ValidationError as refused:
        raise Unusable(f"{path}: {tell(refused)}") from None


def tell(refused: ValidationError) -> str:
    """The first thing that is wrong, in one line."""
    first = refused.errors()[0]
    place = ".".join(map(str, first["loc"]))
    said = str(first["msg"]).removeprefix("Value error, ")
    return f"{place + ': ' if place else ''}{said}"


async def load(tx: Tx, plan: Plan, today: date, *, demo: bool = False) -> int:
    """Write a list over what is there; nobody is taken away. Returns how many it names. Raises `Refused`."""
    given: list[tuple[str | None, Body]] = [(None, body) for body in plan.province]
    given += [(district_id, body) for district_id, bodies in plan.districts.items() for body in bodies]
    for district_id, body in given:
        await put(tx, district_id, body, today, demo=demo)
    return len(given)


async def put(tx: Tx, district_id: str | None, body: Body, today: date, *, demo: bool = False) -> None:
    """Name one more, or write over the one with this number. Raises `Refused`."""
    if district_id is not None and await fetch_one(tx, "SELECT 1 FROM districts WHERE id = %s", (district_id,)) is None:
        raise Refused("district_unserved")
    if body.read_on > today:
        raise Refused("outside_future")
    if await fetch_one(tx, "SELECT 1 FROM channels WHERE address = %s", (body.phone,)) is not None:
        raise Refused("outside_ours")
    await tx.execute(
        "INSERT INTO outside (district_id, names, phone, source, read_on, demo) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (district_id, phone) DO UPDATE SET names = excluded.names, source = excluded.source,"
        " read_on = excluded.read_on, demo = excluded.demo",
        (district_id, Jsonb(body.names), body.phone, body.source, body.read_on, demo),
    )
    for row in await fetch_all(
        tx, "SELECT id FROM districts WHERE id = %(district)s OR %(district)s::text IS NULL", {"district": district_id}
    ):
        told = list_outside([(one.names, one.phone) for one in await of_district(tx, row["id"])])
        if any(len(line) > OUTSIDE_MOST for line in told.values()):
            raise Refused("outside_long")


async def remove(tx: Tx, one: UUID) -> None:
    """Name this one no more. Raises `Refused` where nobody is."""
    done = await tx.execute("DELETE FROM outside WHERE id = %s", (one,))
    if done.rowcount != 1:
        raise Refused("outside_unknown")
