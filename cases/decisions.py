"""What the triage has said of a card, kept for ten seconds before it is done: until then it can be taken back.

A decision that was taken back, or could not be done, stays with its reason and its form, so that nothing typed is lost;
the next one is written over it. Of two people who decide at once the second hears that the card is sorted already.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one

GRACE = timedelta(seconds=10)
UNDONE = "undone"  # the fault of a decision that was taken back


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision and what its form said. `fault` is the tail of a text key: why it was not done."""

    card: UUID
    verb: str
    staff_id: UUID
    due_at: datetime
    fault: str | None
    form: dict[str, str]


def _bound_to(card: UUID) -> str:
    return f"decisions|box|{card}"


async def put(
    tx: Tx, keys: Keys, card: UUID, verb: str, form: Mapping[str, str], *, staff_id: UUID, now: datetime
) -> None:
    """Decide. Raises `Refused` where somebody has decided already."""
    done = await tx.execute(
        "INSERT INTO decisions (card, verb, box, staff_id, due_at) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (card) DO UPDATE SET verb = excluded.verb, box = excluded.box, staff_id = excluded.staff_id,"
        " due_at = excluded.due_at, fault = NULL WHERE decisions.fault IS NOT NULL",
        (card, verb, keys.put_json(dict(form), _bound_to(card)), staff_id, now + GRACE),
    )
    if done.rowcount != 1:
        raise Refused("gone")


async def undo(tx: Tx, card: UUID, *, staff_id: UUID) -> str:
    """Take one's own decision back. Returns its verb. Raises `Refused` once it is done, and for another's."""
    row = await fetch_one(
        tx,
        "UPDATE decisions SET fault = %s WHERE card = %s AND staff_id = %s AND fault IS NULL RETURNING verb",
        (UNDONE, card, staff_id),
    )
    if row is None:
        raise Refused("too_late")
    return str(row["verb"])


async def list_due(conn: Conn, now: datetime, most: int, verbs: Collection[str]) -> list[UUID]:
    """The cards whose ten seconds are over, longest ago first, for which one of these was decided."""
    rows = await fetch_all(
        conn,
        "SELECT card FROM decisions WHERE fault IS NULL AND due_at <= %s AND verb = ANY(%s) ORDER BY due_at LIMIT %s",
        (now, list(verbs), most),
    )
    return [row["card"] for row in rows]


async def take(tx: Tx, keys: Keys, card: UUID, now: datetime) -> Decision | None:
    """Take a due decision to do it; None where another does, or it was taken back."""
    row = await fetch_one(
        tx,
        "DELETE FROM decisions WHERE card = %s AND fault IS NULL AND due_at <= %s RETURNING *",
        (card, now),
    )
    return None if row is None else _open(keys, row)


async def fail(tx: Tx, card: UUID, fault: str) -> None:
    """It could not be done: the card is shown again, with the reason."""
    await tx.execute("UPDATE decisions SET fault = %s WHERE card = %s AND fault IS NULL", (fault, card))


async def forget(tx: Tx, card: UUID) -> None:
    """There is nothing left to decide."""
    await tx.execute("DELETE FROM decisions WHERE card = %s", (card,))


async def of_cards(conn: Conn, keys: Keys, cards: Collection[UUID]) -> dict[UUID, Decision]:
    """What was decided of these cards and not done."""
    rows = await fetch_all(conn, "SELECT * FROM decisions WHERE card = ANY(%s)", (list(cards),))
    return {row["card"]: _open(keys, row) for row in rows}


async def of_person(conn: Conn, keys: Keys, staff_id: UUID) -> list[Decision]:
    """What this person has just decided and can still take back, newest first."""
    rows = await fetch_all(
        conn,
        "SELECT * FROM decisions WHERE staff_id = %s AND fault IS NULL ORDER BY due_at DESC",
        (staff_id,),
    )
    return [_open(keys, row) for row in rows]


def _open(keys: Keys, row: Mapping[str, Any]) -> Decision:
    return Decision(
        row["card"],
        row["verb"],
        row["staff_id"],
        row["due_at"],
        row["fault"],
        keys.get_json(row["box"], _bound_to(row["card"])),
    )
