"""Media: photos and voice notes are fetched from the provider soon, kept encrypted, and the provider's copy deleted."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

import structlog

from bot import intake, providers
from bot.channels import Unfetched
from store import alarms
from store import media as stored
from store.crypto import Unopened
from store.database import fetch_all, fetch_one
from store.jawab import Jawab

log = structlog.get_logger()

BYTES_MOST = 16 * 1024 * 1024  # WhatsApp's own limit for one file
ATTEMPTS_MOST = 6

# The lease is the next due time: two chores never fetch one file, and one that dies is followed by another.
_CLAIM: LiteralString = """
WITH due AS (SELECT id FROM media WHERE state = 'waiting' AND due_at <= now()
             ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE media m SET attempts = m.attempts + 1, due_at = now() + interval '2 minutes' * power(2, m.attempts)
FROM due, contacts c, channels h WHERE m.id = due.id AND c.id = m.contact_id AND h.id = c.channel_id
RETURNING m.id, m.content_type, m.source, m.attempts, h.provider, h.district_id"""
_LATE: LiteralString = "SELECT id FROM media WHERE state = 'kept' AND sealed_case_id IS NOT NULL LIMIT %s"
_HOLD: LiteralString = "SELECT id, sealed_case_id, content_type, content FROM media WHERE id = %s FOR UPDATE"
Row = dict[str, Any]

# How each kind we keep begins: (offset, bytes, our name of the type). A file is what it is, not what it is called.
KINDS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp3gp", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
)


def kind_of(content: bytes) -> str:
    """The type a file's first bytes say; "" for one we do not keep."""
    return next((kind for at, magic, kind in KINDS if content[at : at + len(magic)] == magic), "")


def agrees(found: str, named: str) -> bool:
    """Whether a file's own type fits the one it came with. Voice in a video container is common; a page is not."""
    families = {found.partition("/")[0], named.partition("/")[0]}
    return len(families) == 1 or not named or families == {"audio", "video"}


async def fetch_waiting(jawab: Jawab, limit: int = 20) -> int:
    """Fetch what waits, one by one, and seal what was kept before its story was sealed. Returns how many were done."""
    async with jawab.db.autocommit("intake") as connection:
        waiting = await fetch_all(connection, _CLAIM, (limit,))
        late = await fetch_all(connection, _LATE, (limit,))
    return sum([await _fetch(jawab, row) for row in waiting] + [await _seal_late(jawab, row["id"]) for row in late])


async def _fetch(jawab: Jawab, row: Row) -> bool:
    try:
        url, content, found = await _download(jawab, row)
    except (Unfetched, Unopened) as error:
        await _give_up_or_wait(jawab, row, error)
        return False
    async with jawab.db.transaction("intake") as tx:
        # Read again: its story may have gone behind the protected door while the file was on its way.
        now = await fetch_one(tx, _HOLD, (row["id"],))
        if now is None:
            return False
        if now["sealed_case_id"] is not None:
            await intake.seal_media(jawab, tx, {**row, **now, "content_type": found}, content)
        else:
            await tx.execute(
                "UPDATE media SET state = 'kept', source = NULL, content = %s, content_type = %s WHERE id = %s",
                (jawab.keys.encrypt(content, stored.bound_to("content", row["id"])), found, row["id"]),
            )
    channel = providers.of(jawab).channel(row["provider"])
    if channel is None or not await channel.erase(url):
        log.warning("provider keeps its copy", media=str(row["id"]))
    return True


async def _download(jawab: Jawab, row: Row) -> tuple[str, bytes, str]:
    """(address, bytes, own type) of a file. Raises Unfetched or Unopened."""
    channel = providers.of(jawab).channel(row["provider"])
    if channel is None or row["source"] is None:
        raise Unfetched("no source", gone=True)
    url = jawab.keys.decrypt(row["source"], stored.bound_to("source", row["id"])).decode()
    content = await channel.fetch(url, BYTES_MOST)
    found = kind_of(content)
    if not found or not agrees(found, row["content_type"]):
        raise Unfetched("not what it is called", gone=True)
    return url, content, found


async def _seal_late(jawab: Jawab, media_id: UUID) -> bool:
    """Bytes that were kept in the ordinary way before their story was sealed."""
    async with jawab.db.transaction("intake") as tx:
        row = await fetch_one(tx, _HOLD, (media_id,))
        if row is None or row["content"] is None:
            return False
        await intake.seal_media(
            jawab, tx, row, jawab.keys.decrypt(row["content"], stored.bound_to("content", media_id))
        )
    return True


async def _give_up_or_wait(jawab: Jawab, row: Row, error: Exception) -> None:
    gone = not isinstance(error, Unfetched) or error.gone or row["attempts"] >= ATTEMPTS_MOST
    why = str(error) if isinstance(error, Unfetched) else type(error).__name__
    log.warning("media not fetched", media=str(row["id"]), why=why, gone=gone)
    if gone:
        async with jawab.db.transaction("intake") as tx:
            now = await fetch_one(tx, _HOLD, (row["id"],))
            if now is not None and now["sealed_case_id"] is not None:
                await intake.seal_media(jawab, tx, now, None)
            else:
                await tx.execute("UPDATE media SET state = 'failed', source = NULL WHERE id = %s", (row["id"],))
            await alarms.sound(tx, "media_failed", row["district_id"], media=str(row["id"]))
