"""Providers: who helps whoever was hurt, as data with a source and a date. None is invented, none is taken away.

A protected handler refers to them; nobody else is told of them, and they are told nothing by this house itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal, LiteralString, get_args
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict

from cases.lifecycle import Refused
from cases.outside import PROVINCE, Body, read_as
from store.database import Conn, Tx, fetch_all, fetch_one

Kind = Literal["legal", "medical", "shelter", "psychosocial", "police", "gender"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Helper(Body):
    """One provider as a file or a form gives it."""

    kind: Kind


class Plan(BaseModel):
    """The providers of the province and of each district."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    province: list[Helper] = []
    districts: dict[str, list[Helper]] = {}


@dataclass(frozen=True, slots=True)
class Provider:
    """One of the list as it stands; `district_id` None is the province."""

    id: UUID
    district_id: str | None
    kind: Kind
    names: dict[str, str]
    phone: str
    source: str
    read_on: date
    demo: bool
    disabled_at: datetime | None

    @property
    def of(self) -> str:
        return self.district_id or PROVINCE


_LIST: LiteralString = (
    "SELECT p.id, p.district_id, p.kind, p.names, p.phone, p.source, p.read_on, p.demo, p.disabled_at FROM providers p"
)
_ORDER: LiteralString = " ORDER BY p.disabled_at IS NOT NULL, p.district_id NULLS LAST, p.kind, p.added_at, p.phone"


async def of_district(conn: Conn, district_id: str) -> list[Provider]:
    """Whom a case of this district may be referred to. The demo's own are offered in the demo's alone."""
    return await fetch_all(
        conn,
        _LIST + " JOIN districts d ON d.id = %s WHERE (p.district_id = d.id OR p.district_id IS NULL)"
        " AND (d.demo OR NOT p.demo) AND p.disabled_at IS NULL" + _ORDER,
        (district_id,),
        of=Provider,
    )


async def list_all(conn: Conn) -> list[Provider]:
    return await fetch_all(conn, _LIST + _ORDER, of=Provider)


def read(path: Path) -> Plan:
    """Raises `Unusable`, OSError."""
    return read_as(Plan, path)


async def load(tx: Tx, plan: Plan, today: date) -> int:
    """Write a list over what is there; nobody is taken away. Returns how many it names. Raises `Refused`."""
    given: list[tuple[str | None, Helper]] = [(None, one) for one in plan.province]
    given += [(district_id, one) for district_id, several in plan.districts.items() for one in several]
    for district_id, one in given:
        await put(tx, district_id, one, today)
    return len(given)


async def put(tx: Tx, district_id: str | None, one: Helper, today: date) -> None:
    """Name one more, or write over the one of this kind and number, which is enabled again. Raises `Refused`."""
    if district_id is not None and await fetch_one(tx, "SELECT 1 FROM districts WHERE id = %s", (district_id,)) is None:
        raise Refused("district_unserved")
    if one.read_on > today:
        raise Refused("outside_future")
    await tx.execute(
        "INSERT INTO providers (district_id, kind, names, phone, source, read_on) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (district_id, kind, phone) DO UPDATE SET names = excluded.names, source = excluded.source,"
        " read_on = excluded.read_on, disabled_at = NULL",
        (district_id, one.kind, Jsonb(one.names), one.phone, one.source, one.read_on),
    )


async def disable(tx: Tx, provider_id: UUID, now: datetime) -> None:
    """Nobody is referred there any more; what was referred stays. Raises `Refused` where there is none to disable."""
    done = await tx.execute(
        "UPDATE providers SET disabled_at = %s WHERE id = %s AND disabled_at IS NULL", (now, provider_id)
    )
    if done.rowcount != 1:
        raise Refused("provider_unknown")
