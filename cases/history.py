"""What happened to a case: who said which verb when. Ids, keys and dates only, never words; nothing is ever changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from store.database import Conn, Tx, fetch_all, fetch_one

Actor = str | UUID  # "citizen", "clock", "operator" or a staff id

# Also for statements that move many cases at once; they go on with SELECT.
INTO: LiteralString = "INSERT INTO case_history (case_id, at, actor, verb, was, became, data)"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a case's history; `actor_name` is None for who is no member of the staff."""

    at: datetime
    actor: str
    actor_name: str | None
    verb: str
    was: str | None
    became: str
    data: dict[str, Any]


def staff_id(actor: Actor) -> UUID:
    """Of an actor who is one of the staff. ValueError for any other."""
    return actor if isinstance(actor, UUID) else UUID(actor)


async def write(
    tx: Tx,
    case_id: UUID,
    verb: str,
    *,
    actor: Actor,
    now: datetime,
    was: str | None,
    became: str,
    data: Mapping[str, Any] | None = None,
) -> None:
    await tx.execute(
        INTO + " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (case_id, now, str(actor), verb, was, became, Jsonb(dict(data or {}))),
    )


async def read(conn: Conn, case_id: UUID) -> list[Line]:
    """What happened to a case, oldest first."""
    return await fetch_all(
        conn,
        "SELECT h.at, h.actor, s.name AS actor_name, h.verb, h.was, h.became, h.data FROM case_history h"
        " LEFT JOIN staff s ON s.id::text = h.actor WHERE h.case_id = %s ORDER BY h.id",
        (case_id,),
        of=Line,
    )


async def last_actor(tx: Tx, case_id: UUID, verb: str) -> str | None:
    """Who said this verb last, or None."""
    row = await fetch_one(
        tx,
        "SELECT actor FROM case_history WHERE case_id = %s AND verb = %s ORDER BY id DESC LIMIT 1",
        (case_id, verb),
    )
    return None if row is None else row["actor"]


async def gainsaid(tx: Tx, case_id: UUID) -> str | None:
    """Who said last how it ended, where its writer has said since that it is not so; None where nobody did."""
    row = await fetch_one(
        tx,
        "SELECT said.actor FROM case_history said WHERE said.case_id = %(case)s AND said.verb IN ('resolve', 'part')"
        " AND EXISTS (SELECT FROM case_history no WHERE no.case_id = %(case)s AND no.id > said.id"
        " AND no.verb IN ('dispute', 'halve', 'appeal')) ORDER BY said.id DESC LIMIT 1",
        {"case": case_id},
    )
    return None if row is None else row["actor"]
