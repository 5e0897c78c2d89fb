"""The one statement that moves a conversation, put together from the pieces that each table's file owns.

Everything a turn without effects changes is one autocommitted statement that hangs on the session's version. The same
message twice, or two messages at once, therefore find either the version moved (read again) or the row already there
(a repeat), and never half of a turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from store import contacts, inbox, outbox, sessions, several
from store.database import Conn, fetch_one
from store.kept import Kept, Statement, spell
from store.several import by

Kind = Literal["new", "again", "quiet"]  # a message, one that waited undone, or a session that went quiet


@dataclass(frozen=True, slots=True)
class Move:
    """One turn's writes. Boxes are already encrypted."""

    contact_id: UUID
    version: int  # the session version that was read
    state: bytes
    lang: str
    now: datetime
    quiet_at: datetime | None = None
    given: bool = False  # this turn gives a number
    answers: bool = False  # it says whether something that we asked about is done
    seen: bool = True  # False where the contact's own row already says what this turn would write there
    # the message that caused it; all None for a session that went quiet
    inbox_id: UUID | None = None
    provider: str | None = None
    provider_id: str | None = None
    body: bytes | None = None  # without words when these went behind the protected door
    # the reply, if there is one
    outbox_id: UUID | None = None
    outbox_lang: str | None = None
    message: bytes | None = None
    send_at: datetime | None = None  # not before this: more of the same may come
    replaces: UUID | None = None  # the reply that is still held, which this one takes the place of


# A message that is new. The session is moved first, and everything hangs on that: of two turns over the same state one
# finds the version gone. `{seen}` is left out of most turns: it wrote the contact's row again to no effect, at a sixth
# of the statement's CPU.
_NEW: LiteralString = f"""
WITH moved AS ({sessions.MOVE}
), kept AS ({inbox.KEEP}
), {{seen}} {{replaced}} owed AS ({outbox.OWE}
    FROM moved WHERE %(outbox_id)s::uuid IS NOT NULL
)
SELECT EXISTS (SELECT FROM moved) AS held, true AS kept
"""  # noqa: S608 - pieces of our own files
_SEEN: LiteralString = f"""seen AS ({contacts.SEE}
), freed AS ({outbox.FREE}
    FROM moved WHERE {outbox.MISSED}
),"""
_REPLACED: LiteralString = f"""replaced AS ({outbox.REPLACE}
), handed AS ({inbox.HAND_ON}
),"""

# A message that waited undone, or none at all (a session that went quiet): these hang on the inbox row, if any.
_NONE: LiteralString = "SELECT %(inbox_id)s::uuid AS id FROM held"
_MOVE: LiteralString = f"""
WITH held AS (
    SELECT contact_id FROM sessions WHERE contact_id = %(contact_id)s AND version = %(version)s FOR UPDATE
), kept AS ({{kept}}
), moved AS ({sessions.MOVE_KEPT}
), seen AS ({contacts.SEE_KEPT}
), freed AS ({outbox.FREE}
    FROM kept WHERE {outbox.MISSED} AND kept.id IS NOT NULL
), {{replaced}} owed AS ({outbox.OWE}
    FROM kept WHERE %(outbox_id)s::uuid IS NOT NULL
)
SELECT EXISTS (SELECT FROM held) AS held, EXISTS (SELECT FROM kept) AS kept
"""  # noqa: S608 - pieces of our own files
_WHOLE: dict[str, LiteralString] = {
    "new": _NEW.replace("{seen}", ""),
    "new, seen": _NEW.replace("{seen}", _SEEN),
    "again": _MOVE.replace("{kept}", inbox.FINISH),
    "quiet": _MOVE.replace("{kept}", _NONE),
}
# By what is moved, and whether a reply that is still held is replaced: most turns have none.
_STATEMENTS: dict[tuple[str, bool], LiteralString] = {
    (name, replaces): text.replace("{replaced}", _REPLACED if replaces else "")
    for name, text in _WHOLE.items()
    for replaces in (False, True)
}

# Several new messages at once: the same pieces, where each parameter is a column of the row that it belongs to.
_TYPES = {
    "contact_id": "uuid", "version": "bigint", "state": "bytea", "lang": "text", "now": "timestamptz",
    "quiet_at": "timestamptz", "given": "boolean", "answers": "boolean", "seen": "boolean", "inbox_id": "uuid",
    "provider": "text", "provider_id": "text", "body": "bytea", "outbox_id": "uuid", "outbox_lang": "text",
    "message": "bytea", "send_at": "timestamptz", "replaces": "uuid",
}  # fmt: skip


def _many(*, seen: bool, replaces: bool) -> Statement:
    parts = {
        "asked": f"SELECT * FROM {several.asked(_TYPES)}",  # noqa: S608 - columns of our own
        "moved": by("asked", sessions.MOVE_MANY),
        "kept": by("moved", inbox.KEEP),
        "owed": by("moved", f"{outbox.OWE} FROM moved WHERE moved.outbox_id IS NOT NULL"),
    }
    if seen:
        parts["seen"] = by("moved", f"{contacts.SEE} AND moved.seen")
        parts["freed"] = by("moved", f"{outbox.FREE} FROM moved WHERE moved.seen AND {outbox.MISSED}")
    if replaces:
        parts["replaced"] = by("moved", outbox.REPLACE)
        parts["handed"] = inbox.HAND_ON
    named = ", ".join(f"{name} AS ({part})" for name, part in parts.items())
    return spell(f"WITH {named} SELECT contact_id FROM moved", _TYPES)  # noqa: S608 - pieces of our own files


_ALONE = {
    (seen, replaces): spell(_STATEMENTS["new, seen" if seen else "new", replaces], _TYPES)
    for seen in (False, True)
    for replaces in (False, True)
}
_MANY = {(seen, replaces): _many(seen=seen, replaces=replaces) for seen in (False, True) for replaces in (False, True)}


async def move(conn: Conn, move: Move, kind: Kind) -> str:
    """Do one turn's writes; `kind` is new, again (an undone message) or quiet.

    Returns "moved", "stale" (the session moved since it was read: read again) or "repeat" (the message is already
    there). Anything but "moved" wrote nothing. A new message that was kept since the state was read is a
    UniqueViolation.
    """
    statement = "new, seen" if kind == "new" and move.seen else kind
    row = await fetch_one(conn, _STATEMENTS[statement, move.replaces is not None], _params(move))
    if row is None or not row["held"]:
        return "stale"
    return "moved" if row["kept"] else "repeat"


async def move_alone(kept: Kept, move: Move) -> str:
    """As `move`, of a new message whose turn has no effects: "moved" or "stale"."""
    (row,) = await kept.fetch(_ALONE[move.seen, move.replaces is not None], _params(move))
    return "moved" if row["held"] else "stale"


async def move_many(kept: Kept, moves: Sequence[Move]) -> set[UUID]:
    """The writes of turns of different contacts, each a new message, over the version that each of them has read.

    One statement, so all or none of it. Returns the contacts that were moved; of another's turn nothing was written.
    Raises as `move` does.
    """
    seen, replaces = (any(getattr(move, name) for move in moves) for name in ("seen", "replaces"))
    columns = {name: [getattr(move, name) for move in moves] for name in Move.__slots__}
    return {row["contact_id"] for row in await kept.fetch(_MANY[seen, replaces], columns)}


def _params(move: Move) -> dict[str, Any]:
    """A move as the statement's parameters."""
    return {name: getattr(move, name) for name in Move.__slots__}
