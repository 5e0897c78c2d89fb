"""Where each conversation stands: an encrypted state, ever only written over the version that was read."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

from store.database import Auto, Tx, fetch_all

# Pieces of larger statements. A conversation begins with its contact (`made`) …
BEGIN: LiteralString = "INSERT INTO sessions (contact_id) SELECT id FROM made"
# … and every turn moves it, over the version that it has read.
MOVE: LiteralString = """
    UPDATE sessions SET version = version + 1, state = %(state)s, quiet_at = %(quiet_at)s
    WHERE contact_id = %(contact_id)s AND version = %(version)s RETURNING contact_id"""
MOVE_KEPT: LiteralString = """
    UPDATE sessions SET version = version + 1, state = %(state)s, quiet_at = %(quiet_at)s FROM kept
    WHERE sessions.contact_id = %(contact_id)s AND version = %(version)s"""


def bound_to(contact_id: UUID) -> str:
    """What the state is bound to; see store.crypto."""
    return f"sessions|state|{contact_id}"


async def list_quiet(auto: Auto, most: int) -> list[UUID]:
    """Contacts whose session went quiet, longest ago first."""
    rows = await fetch_all(
        auto, "SELECT contact_id FROM sessions WHERE quiet_at <= now() ORDER BY quiet_at LIMIT %s", (most,)
    )
    return [row["contact_id"] for row in rows]


async def put_off(tx: Tx, contact_id: UUID) -> None:
    """A quiet session whose turn failed is tried again in an hour, and not at every tick."""
    await tx.execute("UPDATE sessions SET quiet_at = now() + interval '1 hour' WHERE contact_id = %s", (contact_id,))


async def ask(tx: Tx, contact_id: UUID, kind: str, case_id: UUID | None) -> None:
    """We have asked this person something by ourselves: answer, confirm, call or edition; about a case or a card."""
    await tx.execute(
        "UPDATE sessions SET focus_kind = %s, focus_case = %s, focus_at = now(), version = version + 1"
        " WHERE contact_id = %s",
        (kind, case_id, contact_id),
    )


async def unask(tx: Tx, case_id: UUID) -> None:
    """Nothing is asked any more about a case that went behind the protected door."""
    await tx.execute(
        "UPDATE sessions SET focus_kind = NULL, focus_case = NULL, focus_at = NULL, version = version + 1"
        " WHERE focus_case = %s",
        (case_id,),
    )
