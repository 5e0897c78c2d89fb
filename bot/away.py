"""Away: a provider where nobody answers. What its numbers owe waits in its order, until somebody does."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from bot import registry
from bot.channels import Channel
from store import alarms, channels
from store.channels import Row
from store.jawab import Jawab

LANES = ("replies", "broadcasts")


async def call(jawab: Jawab) -> None:
    """Ask once at every account that is away; its numbers send again where it answers. Two at once do no harm."""
    async with jawab.db.autocommit("intake") as connection:
        rows = await channels.away(connection)
    accounts: dict[Channel, list[Row]] = defaultdict(list)
    lost: list[Row] = []  # retired meanwhile, or its settings are gone: nothing waits for an answer there
    for row in rows:
        channel = await registry.of(jawab).open(row)
        (accounts[channel] if channel is not None else lost).append(row)
    answers = await asyncio.gather(*(channel.reach() for channel in accounts))
    back = lost + [row for answered, of in zip(answers, accounts.values(), strict=True) if answered for row in of]
    if not back:
        return
    async with jawab.db.transaction("intake") as tx:
        await channels.note_back(tx, [row.id for row in back])
        for row in back:
            await alarms.clear(tx, "provider_away", channel=str(row.id))
    for lane in LANES:
        jawab.bell.ring(lane, lane)
