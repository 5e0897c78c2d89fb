"""Where each conversation stands: an encrypted state, ever only written over the version that was read.

Beside it, in the same row, what a turn must know of the phone: what we asked of it last by ourselves (its focus), and
whether it was ever given a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, LiteralString
from uuid import UUID

from store.brief import older_than
from store.crypto import Keys
from store.database import Auto, Tx, fetch_all, fetch_one

# Pieces of larger statements. A conversation begins with its contact (`made`) …
BEGIN: LiteralString = "INSERT INTO sessions (contact_id) SELECT id FROM made"
# … and every turn moves it, over the version that it has read.
_MOVED: LiteralString = """version = sessions.version + 1, state = %(state)s, quiet_at = %(quiet_at)s,
        given = sessions.given OR %(given)s,
        held_id = coalesce(%(outbox_id)s, sessions.held_id)"""
MOVE: LiteralString = f"""
    UPDATE sessions SET {_MOVED}
    WHERE contact_id = %(contact_id)s AND version = %(version)s RETURNING contact_id"""  # noqa: S608 - pieces of our own
# Several at once, each over its own version, by the rows of `asked`.
MOVE_MANY: LiteralString = f"""
    UPDATE sessions SET {_MOVED} FROM asked
    WHERE sessions.contact_id = asked.contact_id AND sessions.version = asked.version RETURNING asked.*"""  # noqa: S608 - our own
MOVE_KEPT: LiteralString = f"""
    UPDATE sessions SET {_MOVED} FROM kept
    WHERE sessions.contact_id = %(contact_id)s AND version = %(version)s RETURNING sessions.contact_id"""  # noqa: S608 - pieces of our own

# How long the last thing that we asked by ourselves may be answered: a case's end is a matter of weeks.
FOCUS: LiteralString = """
    sessions.focus_at > now() - interval '1 day'
        * CASE WHEN sessions.focus_kind IN ('confirm', 'accept') THEN 30 ELSE 14 END"""
_ASK_MANY: LiteralString = f"""
    UPDATE sessions SET focus_kind = 'edition', focus_case = NULL, focus_at = now(), version = version + 1
    WHERE contact_id = ANY(%s) AND (focus_kind IS NULL OR focus_kind = 'edition' OR NOT {FOCUS})"""  # noqa: S608 - our own
Question = Literal["answer", "confirm", "accept", "call", "edition"]


def bound_to(contact_id: UUID) -> str:
    """What the state is bound to; see store.crypto."""
    return f"sessions|state|{contact_id}"


def close_box(keys: Keys, contact_id: UUID, state: bytes, *, pending: bool) -> bytes:
    """The state as it is stored. What is pending may hold a number, or words: it stands under the key of its hour."""
    return (keys.encrypt_brief if pending else keys.encrypt)(state, bound_to(contact_id))


async def renew(auto: Auto, keys: Keys, now: datetime) -> int:
    """Conversations that are still open are put under a younger key. Returns how many."""
    rows = await fetch_all(
        auto,
        "SELECT contact_id, version, state FROM sessions"
        " WHERE quiet_at IS NOT NULL AND state >= %(from)s AND state < %(to)s",
        older_than(now),
    )
    for row in rows:
        if (box := keys.renew(row["state"], bound_to(row["contact_id"]), now)) is not None:
            await auto.execute(
                "UPDATE sessions SET state = %s WHERE contact_id = %s AND version = %s",
                (box, row["contact_id"], row["version"]),
            )
    return len(rows)


async def list_quiet(auto: Auto, most: int) -> list[UUID]:
    """Contacts whose session went quiet, longest ago first."""
    rows = await fetch_all(
        auto, "SELECT contact_id FROM sessions WHERE quiet_at <= now() ORDER BY quiet_at LIMIT %s", (most,)
    )
    return [row["contact_id"] for row in rows]


async def put_off(tx: Tx, contact_id: UUID) -> None:
    """A quiet session whose turn failed is tried again in an hour, and not at every tick."""
    await tx.execute("UPDATE sessions SET quiet_at = now() + interval '1 hour' WHERE contact_id = %s", (contact_id,))


async def ask(tx: Tx, contact_id: UUID, kind: Question, case_id: UUID | None) -> None:
    """What was asked of this person by ourselves, about a case or a card, is now the last.

    A turn that read the row before reads it again.
    """
    await tx.execute(
        "UPDATE sessions SET focus_kind = %s, focus_case = %s, focus_at = now(), version = version + 1"
        " WHERE contact_id = %s",
        (kind, case_id, contact_id),
    )


async def ask_many(tx: Tx, contact_ids: Sequence[UUID]) -> None:
    """An edition went to these people: it is what was last said to whom no case asks something."""
    await tx.execute(_ASK_MANY, (list(contact_ids),))


async def settle(tx: Tx, contact_id: UUID, at: float) -> None:
    """What was asked at this moment (seconds since 1970) is answered; a later question stands."""
    await tx.execute(
        "UPDATE sessions SET focus_kind = NULL, focus_case = NULL, focus_at = NULL"
        " WHERE contact_id = %s AND focus_at <= to_timestamp(%s) + interval '1 millisecond'",
        (contact_id, at),
    )


async def unask(tx: Tx, case_id: UUID) -> None:
    """Nothing is asked any more about this case."""
    await tx.execute(
        "UPDATE sessions SET focus_kind = NULL, focus_case = NULL, focus_at = NULL, version = version + 1"
        " WHERE focus_case = %s",
        (case_id,),
    )


async def pass_on(tx: Tx, other: UUID, contact_id: UUID) -> None:
    """What was asked of one of two contacts of a person is asked of the other, where that is asked nothing itself."""
    row = await fetch_one(
        tx, "SELECT focus_kind, focus_case, focus_at, given FROM sessions WHERE contact_id = %s FOR UPDATE", (other,)
    )
    if row is None:
        return
    await tx.execute(
        "UPDATE sessions SET given = given OR %(given)s, version = version + 1,"
        " focus_kind = coalesce(focus_kind, %(focus_kind)s),"
        " focus_case = CASE WHEN focus_kind IS NULL THEN %(focus_case)s ELSE focus_case END,"
        " focus_at = coalesce(focus_at, %(focus_at)s) WHERE contact_id = %(id)s",
        {**row, "id": contact_id},
    )
    await tx.execute(
        "UPDATE sessions SET focus_kind = NULL, focus_case = NULL, focus_at = NULL, version = version + 1"
        " WHERE contact_id = %s",
        (other,),
    )


async def erase(tx: Tx, contact_ids: Sequence[UUID]) -> int:
    """Where these people's conversations stand is forgotten. Returns how many."""
    return (await tx.execute("DELETE FROM sessions WHERE contact_id = ANY(%s)", (list(contact_ids),))).rowcount
