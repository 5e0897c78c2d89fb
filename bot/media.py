"""Media: what came with a message is fetched soon, kept encrypted, and the provider's copy deleted; or refused."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable
from uuid import UUID

import structlog

from bot import intake, refusals, registry
from bot.channels import Unfetched
from store import alarms, copies, kinds
from store import media as stored
from store.crypto import Unopened
from store.jawab import Jawab
from store.media import Waiting

log = structlog.get_logger()

BYTES_MOST = 16 * 1024 * 1024  # WhatsApp's own limit for one file
ATTEMPTS_MOST = 6


async def fetch_waiting(jawab: Jawab, limit: int = 20) -> int:
    """Fetch what waits, one by one, and seal what was kept before its story was sealed. Returns how many were done."""
    async with jawab.db.autocommit("intake") as connection:
        waiting = await stored.claim(connection, limit)
        late = await stored.kept_of_sealed(connection, limit)
    work = [*(_fetch(jawab, row) for row in waiting), *(_seal_late(jawab, one) for one in late)]
    return sum([await _try(one) for one in work])


async def _try(work: Awaitable[bool]) -> bool:
    """One that a restore brought without the key of its hour holds up no other; see `store.media.forget`."""
    try:
        return await work
    except Unopened as box:
        log.warning("media not opened", box=str(box))
        return False


async def _fetch(jawab: Jawab, row: Waiting) -> bool:
    try:
        url, content, found = await _download(jawab, row)
    except (Unfetched, Unopened) as error:
        await _give_up_or_wait(jawab, row, error)
        return False
    async with jawab.db.transaction("intake") as tx:
        # Read again: its story may have gone behind the protected door while the file was on its way.
        now = await stored.hold(tx, jawab.keys, row.id)
        if now is None:
            return False
        if now.sealed_case_id is not None:
            await intake.seal_media(jawab, tx, dataclasses.replace(now, content_type=found), content)
        else:
            await stored.keep(tx, jawab.keys, row.id, content, found)
    channel = await registry.of(jawab).open(row.channel)
    if channel is None or not await channel.erase(url):
        async with jawab.db.transaction("intake") as tx:
            await copies.put(tx, jawab.keys, row.id, row.channel_id, kind="file", ref=url)
    return True


async def _download(jawab: Jawab, row: Waiting) -> tuple[str, bytes, str]:
    """(address, bytes, own type) of a file. Raises Unfetched or Unopened."""
    channel = await registry.of(jawab).open(row.channel)
    if channel is None or row.source is None:
        raise Unfetched("no source", gone=True)
    url = jawab.keys.decrypt(row.source, stored.bound_to("source", row.id)).decode()
    content = await channel.fetch(url, BYTES_MOST)
    found = await asyncio.to_thread(kinds.find, content)
    if not found or not kinds.agrees(found, row.content_type):
        raise Unfetched("not what it is called", gone=True, fault="kind")
    return url, content, found


async def _seal_late(jawab: Jawab, media_id: UUID) -> bool:
    """What was kept, or given up, in the ordinary way before its story was sealed."""
    async with jawab.db.transaction("intake") as tx:
        row = await stored.hold(tx, jawab.keys, media_id)
        if row is None:
            return False
        content = row.content and jawab.keys.decrypt(row.content, stored.bound_to("content", media_id))
        await intake.seal_media(jawab, tx, row, content)
    return True


async def _give_up_or_wait(jawab: Jawab, row: Waiting, error: Exception) -> None:
    gone = not isinstance(error, Unfetched) or error.gone or row.attempts >= ATTEMPTS_MOST
    why = str(error) if isinstance(error, Unfetched) else type(error).__name__
    log.warning("media not fetched", media=str(row.id), why=why, gone=gone)
    if not gone:
        return
    fault = error.fault if isinstance(error, Unfetched) else "gone"
    async with jawab.db.transaction("intake") as tx:
        now = await stored.hold(tx, jawab.keys, row.id)
        if now is None:
            return
        if now.sealed_case_id is not None:
            await intake.seal_media(jawab, tx, dataclasses.replace(now, fault=fault), None)
        else:
            await stored.give_up(tx, row.id, fault)
        told = await refusals.tell(tx, jawab.keys, row.contact_id, row.lang, now.inbox_id, case_id=now.case_id)
        await alarms.sound(tx, "media_failed", row.district_id, media=str(row.id))
    if told is not None:
        jawab.bell.ring("replies", "replies", str(told))
