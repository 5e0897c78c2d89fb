"""Photos and voice notes: rows that wait for their bytes, what became of them, and where these are bound to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, LiteralString
from uuid import UUID

from store import channels
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one


@dataclass(slots=True, kw_only=True)
class Waiting(channels.Carried):
    """A file that is to be fetched through its channel; `source` is the provider's address, encrypted."""

    id: UUID
    content_type: str
    source: bytes | None
    attempts: int


@dataclass(slots=True)
class Held:
    """A file whose row this transaction holds; `content` is encrypted, None until it was fetched."""

    id: UUID
    sealed_case_id: UUID | None
    content_type: str
    content: bytes | None


# The lease is the next due time: two chores never fetch one file, and one that dies is followed by another.
_CLAIM: LiteralString = """
WITH due AS (SELECT id FROM media WHERE state = 'waiting' AND due_at <= now()
             ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE media m SET attempts = m.attempts + 1, due_at = now() + interval '2 minutes' * power(2, m.attempts)
FROM due, contacts c, channels h WHERE m.id = due.id AND c.id = m.contact_id AND h.id = c.channel_id
RETURNING m.id, m.content_type, m.source, m.attempts, {channel}""".replace("{channel}", channels.CARRIED)


def bound_to(column: Literal["source", "content"], media_id: UUID) -> str:
    """Where the provider's address or the bytes are bound to; see store.crypto."""
    return f"media|{column}|{media_id}"


async def note(
    tx: Tx,
    keys: Keys,
    media_id: UUID,
    *,
    contact_id: UUID,
    content_type: str,
    url: str,
    case_id: UUID | None = None,
    sealed_case_id: UUID | None = None,
) -> None:
    """Note a file that waits to be fetched from the provider, for an ordinary case (or kept story) or a sealed one."""
    await tx.execute(
        "INSERT INTO media (id, contact_id, case_id, sealed_case_id, content_type, source)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (
            media_id,
            contact_id,
            case_id,
            sealed_case_id,
            content_type,
            keys.encrypt(url.encode(), bound_to("source", media_id)),
        ),
    )


async def delete(tx: Tx, media_id: UUID) -> None:
    """A row that stayed would say for ever which phone has a protected case."""
    await tx.execute("DELETE FROM media WHERE id = %s", (media_id,))


async def delete_of(tx: Tx, case_id: UUID) -> None:
    """Every file of a kept story that is to be forgotten."""
    await tx.execute("DELETE FROM media WHERE case_id = %s", (case_id,))


async def is_any_due(conn: Conn) -> bool:
    """Whether a file waits to be fetched now."""
    return await fetch_one(conn, "SELECT 1 FROM media WHERE state = 'waiting' AND due_at <= now() LIMIT 1") is not None


async def claim(conn: Conn, most: int) -> list[Waiting]:
    """Take up to `most` files that wait to be fetched, for two minutes; longer each time it fails."""
    return await fetch_all(conn, _CLAIM, (most,), of=Waiting)


async def kept_of_sealed(conn: Conn, most: int) -> list[UUID]:
    """Files that were kept in the ordinary way before their story was sealed."""
    rows = await fetch_all(
        conn, "SELECT id FROM media WHERE state = 'kept' AND sealed_case_id IS NOT NULL LIMIT %s", (most,)
    )
    return [row["id"] for row in rows]


async def hold(tx: Tx, media_id: UUID) -> Held | None:
    return await fetch_one(
        tx, "SELECT id, sealed_case_id, content_type, content FROM media WHERE id = %s FOR UPDATE", (media_id,), of=Held
    )


async def keep(tx: Tx, keys: Keys, media_id: UUID, content: bytes, content_type: str) -> None:
    """Keep a fetched file, encrypted, and forget where it came from."""
    await tx.execute(
        "UPDATE media SET state = 'kept', source = NULL, content = %s, content_type = %s WHERE id = %s",
        (keys.encrypt(content, bound_to("content", media_id)), content_type, media_id),
    )


async def give_up(tx: Tx, media_id: UUID) -> None:
    """There is no file to be had."""
    await tx.execute("UPDATE media SET state = 'failed', source = NULL WHERE id = %s", (media_id,))


async def hand_over(tx: Tx, case_id: UUID, sealed_case_id: UUID) -> None:
    """What belonged to an ordinary case or a kept story belongs to a protected one now, and waits to be sealed."""
    await tx.execute(
        "UPDATE media SET sealed_case_id = %s, case_id = NULL WHERE case_id = %s", (sealed_case_id, case_id)
    )
