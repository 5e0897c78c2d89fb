"""What a case, or a phone, was last heard of: read from its own rows, so that nothing else it wrote shows there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cases.lifecycle import Refused
from store.database import Conn, fetch_one


@dataclass(frozen=True, slots=True)
class Heard:
    """When a case was last heard of from its own phone, and in which language it spoke then."""

    at: datetime
    lang: str


async def of_case(conn: Conn, case_id: UUID) -> Heard:
    """Nothing but this case's own messages is looked at. Raises `Refused` where there is no such case."""
    row = await fetch_one(conn, "SELECT at, lang FROM heard_of_cases WHERE case_id = %s", (case_id,), of=Heard)
    if row is None:
        raise Refused("case_unknown")
    return row


async def of_contact(conn: Conn, contact_id: UUID) -> datetime | None:
    """When any case of this phone was last heard of from it; None where it has none."""
    row = await fetch_one(
        conn,
        "SELECT max(h.at) AS at FROM cases c JOIN heard_of_cases h ON h.case_id = c.id WHERE c.contact_id = %s",
        (contact_id,),
    )
    at: datetime | None = row["at"] if row else None
    return at
