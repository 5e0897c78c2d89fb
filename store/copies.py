"""The provider's copies of messages and files: what it is asked to delete, until it has.

Every message that came or went has its copy deleted at the same age, whatever it is about: a row that only what was
sealed had would tell who went behind the door.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, LiteralString
from uuid import UUID

from store import channels
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one

CAME, WENT = timedelta(hours=1), timedelta(days=1)  # age at which a copy is to go: a reply may still be asked after
LOOKED_AT, PIECE = timedelta(days=3), timedelta(hours=12)  # how far back the sweep looks once an hour, by pieces
LATELY = timedelta(hours=3)  # and each minute: what has come of age since
TRIES = 25  # in some five days; then a person hears of it
KEPT = timedelta(days=8)  # rows of copies that are gone: longer than the sweep looks back
MOST = 500

Kind = Literal["message", "file"]


@dataclass(slots=True, kw_only=True)
class Copy(channels.Carried):
    """A copy that is to go; `box` is what the provider knows it by, encrypted."""

    id: UUID
    copy: Kind
    box: bytes
    attempts: int
    last: bool  # nobody asks again after this time


# Longer each time: an hour is soon enough where a message is not final yet.
_CLAIM: LiteralString = """
WITH due AS (SELECT id FROM copies WHERE state = 'waiting' AND due_at <= now()
             ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE copies k SET attempts = k.attempts + 1, due_at = now() + least(interval '2 minutes' * power(2, k.attempts),
    interval '6 hours')
FROM due, channels h WHERE k.id = due.id AND h.id = k.channel_id
RETURNING k.id, k.kind AS copy, k.box, k.attempts, k.attempts >= %s AS last, {channel}""".replace(
    "{channel}", channels.CARRIED
)
_CAME: LiteralString = """
SELECT i.id, c.channel_id, i.provider_id FROM inbox i JOIN contacts c ON c.id = i.contact_id
WHERE i.provider = ANY(%(providers)s) AND i.received_at BETWEEN now() - %(came)s - %(far)s AND now() - %(came)s
    AND NOT EXISTS (SELECT FROM copies k WHERE k.id = i.id) LIMIT %(most)s"""
_WENT: LiteralString = """
SELECT o.id, c.channel_id, o.provider_id FROM outbox o JOIN contacts c ON c.id = o.contact_id
JOIN channels h ON h.id = c.channel_id
WHERE h.provider = ANY(%(providers)s) AND o.provider_id IS NOT NULL AND o.edition_id IS NULL
    AND o.created_at BETWEEN now() - %(went)s - %(far)s AND now() - %(went)s
    AND NOT EXISTS (SELECT FROM copies k WHERE k.id = o.id) LIMIT %(most)s"""
_OF: LiteralString = """
SELECT i.id, c.channel_id, i.provider_id FROM inbox i JOIN contacts c ON c.id = i.contact_id
WHERE i.contact_id = ANY(%(contacts)s) AND i.provider = ANY(%(providers)s)
UNION ALL
SELECT o.id, c.channel_id, o.provider_id FROM outbox o JOIN contacts c ON c.id = o.contact_id
JOIN channels h ON h.id = c.channel_id
WHERE o.contact_id = ANY(%(contacts)s) AND h.provider = ANY(%(providers)s) AND o.provider_id IS NOT NULL"""


def bound_to(copy_id: UUID) -> str:
    """What the provider's name of it is bound to; see store.crypto."""
    return f"copies|box|{copy_id}"


async def put(tx: Tx, keys: Keys, copy_id: UUID, channel_id: UUID, *, kind: Kind, ref: str) -> None:
    """Ask for one copy to be deleted from now on: `ref` is the message's id or the file's address at the provider."""
    await tx.execute(
        "INSERT INTO copies (id, channel_id, kind, box) VALUES (%s, %s, %s, %s) ON CONFLICT (id) DO UPDATE"
        " SET due_at = now(), state = CASE WHEN copies.box IS NULL THEN copies.state ELSE 'waiting' END",
        (copy_id, channel_id, kind, keys.encrypt(ref.encode(), bound_to(copy_id))),
    )


async def sweep(
    tx: Tx, keys: Keys, providers: Collection[str], far: timedelta = LATELY, ago: timedelta = timedelta()
) -> int:
    """Note the copies of what came and went and came of age so long ago, or within `far` before that, at the
    providers that can delete. Returns how many."""
    known = {"providers": list(providers), "far": far, "came": CAME + ago, "went": WENT + ago, "most": MOST}
    rows = await fetch_all(tx, _CAME, known) + await fetch_all(tx, _WENT, known)
    return await _put_all(tx, keys, rows)


async def put_of(tx: Tx, keys: Keys, contact_ids: Sequence[UUID], providers: Collection[str]) -> int:
    """All that the provider may still have of these people's messages, whatever its age. Returns how many."""
    rows = await fetch_all(tx, _OF, {"contacts": list(contact_ids), "providers": list(providers)})
    return await _put_all(tx, keys, rows)


async def _put_all(tx: Tx, keys: Keys, rows: list[dict[str, Any]]) -> int:
    for row in rows:
        await put(tx, keys, row["id"], row["channel_id"], kind="message", ref=row["provider_id"])
    return len(rows)


async def claim(conn: Conn, most: int) -> list[Copy]:
    """Take up to `most` that are due; each is due again, later and later."""
    return await fetch_all(conn, _CLAIM, (most, TRIES), of=Copy)


def open_ref(keys: Keys, copy: Copy) -> str:
    """What the provider knows it by."""
    return keys.decrypt(copy.box, bound_to(copy.id)).decode()


async def end(conn: Conn, copy_id: UUID, *, gone: bool) -> None:
    """It is gone, and so is what the provider knew it by; or the provider keeps it, and nobody asks again."""
    await conn.execute(
        "UPDATE copies SET state = %s, ended_at = now(), box = CASE WHEN %s THEN NULL ELSE box END WHERE id = %s",
        ("gone" if gone else "kept", gone, copy_id),
    )


async def forget(tx: Tx) -> int:
    """Let go of rows whose copy has been gone for long. Returns how many."""
    return (await tx.execute("DELETE FROM copies WHERE state = 'gone' AND ended_at < now() - %s", (KEPT,))).rowcount


async def count(conn: Conn, ids: Collection[UUID] | None = None) -> dict[str, int]:
    """{"waiting", "gone", "kept"} of these, or of all."""
    row = await fetch_one(
        conn,
        "SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'gone') AS gone,"
        " count(*) FILTER (WHERE state = 'kept') AS kept FROM copies"
        " WHERE %(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s)",
        {"ids": None if ids is None else list(ids)},
    )
    assert row is not None  # noqa: S101 - counts are one row
    return row
