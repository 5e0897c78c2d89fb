"""Media: photos and voice notes are fetched from the provider soon, kept encrypted, and the provider's copy deleted."""

from __future__ import annotations

import dataclasses
from uuid import UUID

import structlog

from bot import intake, registry
from bot.channels import Unfetched
from store import alarms
from store import media as stored
from store.crypto import Unopened
from store.jawab import Jawab
from store.media import Waiting

log = structlog.get_logger()

BYTES_MOST = 16 * 1024 * 1024  # WhatsApp's own limit for one file
ATTEMPTS_MOST = 6

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
        waiting = await stored.claim(connection, limit)
        late = await stored.kept_of_sealed(connection, limit)
    return sum([await _fetch(jawab, row) for row in waiting] + [await _seal_late(jawab, one) for one in late])


async def _fetch(jawab: Jawab, row: Waiting) -> bool:
    try:
        url, content, found = await _download(jawab, row)
    except (Unfetched, Unopened) as error:
        await _give_up_or_wait(jawab, row, error)
        return False
    async with jawab.db.transaction("intake") as tx:
        # Read again: its story may have gone behind the protected door while the file was on its way.
        now = await stored.hold(tx, row.id)
        if now is None:
            return False
        if now.sealed_case_id is not None:
            await intake.seal_media(jawab, tx, dataclasses.replace(now, content_type=found), content)
        else:
            await stored.keep(tx, jawab.keys, row.id, content, found)
    channel = await registry.of(jawab).open(row.channel)
    if channel is None or not await channel.erase(url):
        log.warning("provider keeps its copy", media=str(row.id))
    return True


async def _download(jawab: Jawab, row: Waiting) -> tuple[str, bytes, str]:
    """(address, bytes, own type) of a file. Raises Unfetched or Unopened."""
    channel = await registry.of(jawab).open(row.channel)
    if channel is None or row.source is None:
        raise Unfetched("no source", gone=True)
    url = jawab.keys.decrypt(row.source, stored.bound_to("source", row.id)).decode()
    content = await channel.fetch(url, BYTES_MOST)
    found = kind_of(content)
    if not found or not agrees(found, row.content_type):
        raise Unfetched("not what it is called", gone=True, fault="kind")
    return url, content, found


async def _seal_late(jawab: Jawab, media_id: UUID) -> bool:
    """What was kept, or given up, in the ordinary way before its story was sealed."""
    async with jawab.db.transaction("intake") as tx:
        row = await stored.hold(tx, media_id)
        if row is None:
            return False
        content = row.content and jawab.keys.decrypt(row.content, stored.bound_to("content", media_id))
        await intake.seal_media(jawab, tx, row, content)
    return True


async def _give_up_or_wait(jawab: Jawab, row: Waiting, error: Exception) -> None:
    gone = not isinstance(error, Unfetched) or error.gone or row.attempts >= ATTEMPTS_MOST
    why = str(error) if isinstance(error, Unfetched) else type(error).__name__
    log.warning("media not fetched", media=str(row.id), why=why, gone=gone)
    if gone:
        fault = error.fault if isinstance(error, Unfetched) else "gone"
        async with jawab.db.transaction("intake") as tx:
            now = await stored.hold(tx, row.id)
            if now is not None and now.sealed_case_id is not None:
                await intake.seal_media(jawab, tx, dataclasses.replace(now, fault=fault), None)
            else:
                await stored.give_up(tx, row.id, fault)
            await alarms.sound(tx, "media_failed", row.district_id, media=str(row.id))
