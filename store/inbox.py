"""The inbox and the one statement that moves a conversation.

Everything a turn without effects changes is one autocommitted statement that hangs on the session's version. The same
message twice, or two messages at once, therefore find either the version moved (read again) or the row already there
(a repeat), and never half of a turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from store.crypto import Keys
from store.database import Conn, Tx


def bound_to(inbox_id: UUID) -> str:
    return f"inbox|body|{inbox_id}"


@dataclass(frozen=True, slots=True)
class Move:
    """One turn's writes. Boxes are already encrypted."""

    contact_id: UUID
    version: int  # the session version that was read
    state: bytes
    lang: str
    now: datetime
    quiet_at: datetime | None = None
    seen: bool = True  # False where the contact's own row already says what this turn would write there
    # the message that caused it; all None for a session that went quiet
    inbox_id: UUID | None = None
    provider: str | None = None
    provider_id: str | None = None
    body: bytes | None = None  # None also when its words went behind the protected door
    # the reply, if there is one
    outbox_id: UUID | None = None
    outbox_lang: str | None = None
    message: bytes | None = None


# A message that is new. The session is moved first, and everything hangs on that: of two turns over the same state one
# finds the version gone. `{seen}` is left out of most turns: it wrote the contact's row again to no effect, at a sixth
# of the statement's CPU.
_NEW: LiteralString = """
WITH moved AS (
    UPDATE sessions SET version = version + 1, state = %(state)s, quiet_at = %(quiet_at)s
    WHERE contact_id = %(contact_id)s AND version = %(version)s RETURNING contact_id
), kept AS (
    INSERT INTO inbox (id, provider, provider_id, contact_id, received_at, body, state)
    SELECT %(inbox_id)s, %(provider)s, %(provider_id)s, contact_id, %(now)s, %(body)s, 'done' FROM moved
), {seen} owed AS (
    INSERT INTO outbox (id, contact_id, lane, purpose, inbox_id, lang, message, due_at)
    SELECT %(outbox_id)s, contact_id, 'replies', 'reply', %(inbox_id)s, %(outbox_lang)s, %(message)s, %(now)s
    FROM moved WHERE %(outbox_id)s::uuid IS NOT NULL
)
SELECT EXISTS (SELECT FROM moved) AS held, true AS kept
"""
_SEEN: LiteralString = """seen AS (
    UPDATE contacts SET lang = %(lang)s, last_inbound_at = %(now)s, stopped_at = NULL  -- who writes can be written to
    FROM moved WHERE contacts.id = moved.contact_id
), freed AS (
    UPDATE outbox SET state = 'queued', due_at = %(now)s FROM moved
    WHERE outbox.contact_id = %(contact_id)s AND outbox.state = 'parked'
),"""

# A message that waited undone, or none at all (a session that went quiet): these hang on the inbox row, if any.
_AGAIN: LiteralString = """
    UPDATE inbox SET state = 'done', body = %(body)s, error = NULL FROM held
    WHERE id = %(inbox_id)s AND state = 'undone' RETURNING id"""
_NONE: LiteralString = "SELECT %(inbox_id)s::uuid AS id FROM held"

_MOVE: LiteralString = """
WITH held AS (
    SELECT contact_id FROM sessions WHERE contact_id = %(contact_id)s AND version = %(version)s FOR UPDATE
), kept AS ({kept}
), moved AS (
    UPDATE sessions SET version = version + 1, state = %(state)s, quiet_at = %(quiet_at)s FROM kept
    WHERE sessions.contact_id = %(contact_id)s AND version = %(version)s
), seen AS (
    UPDATE contacts SET lang = %(lang)s,
        last_inbound_at = CASE WHEN kept.id IS NULL THEN last_inbound_at ELSE %(now)s END,
        stopped_at = CASE WHEN kept.id IS NULL THEN stopped_at END  -- who writes to us can be written to
    FROM kept WHERE contacts.id = %(contact_id)s
), freed AS (
    UPDATE outbox SET state = 'queued', due_at = %(now)s FROM kept
    WHERE contact_id = %(contact_id)s AND outbox.state = 'parked' AND kept.id IS NOT NULL
), owed AS (
    INSERT INTO outbox (id, contact_id, lane, purpose, inbox_id, lang, message, due_at)
    SELECT %(outbox_id)s, %(contact_id)s, 'replies', 'reply', kept.id, %(outbox_lang)s, %(message)s, %(now)s
    FROM kept WHERE %(outbox_id)s::uuid IS NOT NULL
)
SELECT EXISTS (SELECT FROM held) AS held, EXISTS (SELECT FROM kept) AS kept
"""
_STATEMENTS: dict[str, LiteralString] = {
    "new": _NEW.replace("{seen}", ""),
    "new, seen": _NEW.replace("{seen}", _SEEN),
    "again": _MOVE.replace("{kept}", _AGAIN),
    "quiet": _MOVE.replace("{kept}", _NONE),
}


async def move(conn: Conn, move: Move, kind: str) -> str:
    """Do one turn's writes; `kind` is new, again (an undone message) or quiet.

    Returns "moved", "stale" (the session moved since it was read: read again) or "repeat" (the message is already
    there). Anything but "moved" wrote nothing. A new message that was kept since the state was read is a
    UniqueViolation.
    """
    if kind == "new" and move.seen:
        kind = "new, seen"
    cursor = await conn.execute(_STATEMENTS[kind], {name: getattr(move, name) for name in Move.__slots__})
    row: dict[str, Any] | None = await cursor.fetchone()
    if row is None or not row["held"]:
        return "stale"
    return "moved" if row["kept"] else "repeat"


async def keep(
    tx: Tx,
    keys: Keys,
    *,
    id: UUID,
    provider: str,
    provider_id: str,
    contact_id: UUID | None,
    body: Any,
    state: str,
    error: str | None,
) -> bool:
    """Keep a message alone, encrypted, when its turn failed ("undone") or nobody owns its number ("unrouted"),
    or a robot sent it ("done").

    Returns False where it is already there.
    """
    done = await tx.execute(
        "INSERT INTO inbox (id, provider, provider_id, contact_id, body, state, error)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (provider, provider_id) DO NOTHING",
        (id, provider, provider_id, contact_id, keys.put_json(body, bound_to(id)), state, error),
    )
    return done.rowcount == 1
