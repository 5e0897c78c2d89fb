"""The provider's copies of words and files: deleted at the same age for everybody, asked for days where need be."""

from __future__ import annotations

import asyncio

import structlog

from bot import registry
from store import alarms, copies
from store.copies import Copy
from store.crypto import Unopened
from store.jawab import Jawab

log = structlog.get_logger()

MOST = 200  # of one run
AT_ONCE = 8
FORGETFUL = tuple(name for name, channel in registry.PROVIDERS.items() if channel.forgets)


async def forget(jawab: Jawab) -> int:
    """Note what is old enough, and ask the providers to delete what is due. Returns how many are gone."""
    async with jawab.db.transaction("intake") as tx:
        await copies.sweep(tx, jawab.keys, FORGETFUL)
    async with jawab.db.autocommit("intake") as conn:
        due = await copies.claim(conn, MOST)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(copy: Copy) -> bool:
        async with gate:
            return await _forget(jawab, copy)

    return sum(await asyncio.gather(*(one(copy) for copy in due)))


async def look_back(jawab: Jawab) -> int:
    """The same of all that is not too old to be asked for, the oldest first: a clock that stood still has left some.

    Returns how many.
    """
    noted = 0
    for piece in reversed(range(copies.LOOKED_AT // copies.PIECE)):
        async with jawab.db.transaction("intake") as tx:
            noted += await copies.sweep(tx, jawab.keys, FORGETFUL, copies.PIECE, piece * copies.PIECE)
    return noted


async def _forget(jawab: Jawab, copy: Copy) -> bool:
    channel = await registry.of(jawab).open(copy.channel)
    try:
        ref = copies.open_ref(jawab.keys, copy)
    except Unopened:
        ref = ""
    gone = False
    if channel is not None and ref:
        gone = await (channel.erase(ref) if copy.copy == "file" else channel.forget(ref))
    if gone or copy.last:
        async with jawab.db.transaction("intake") as tx:
            await copies.end(tx, copy.id, gone=gone)
            if not gone:
                await alarms.sound(tx, "copy_kept", copy.district_id, channel=str(copy.channel_id), once=("channel",))
    return gone
