"""Alarms: the same one is not sounded again while it is open, and what is over is cleared."""

from __future__ import annotations

from typing import Any

import psycopg

from store import alarms
from store.jawab import Jawab


async def test_the_same_alarm_is_sounded_once_until_it_is_cleared(
    jawab: Jawab, owner: psycopg.AsyncConnection[Any]
) -> None:
    """Intake, which may add but not change, is the one that sounds most of them."""

    async def sound(**data: Any) -> None:
        async with jawab.db.transaction("intake") as tx:
            await alarms.sound(tx, "sender_stopped", once=("channel",), **data)

    async def cleared() -> list[bool]:
        rows = await (await owner.execute("SELECT cleared_at IS NOT NULL FROM alarms ORDER BY id")).fetchall()
        return [row[0] for row in rows]

    for number, channel in enumerate(("one", "one", "two")):
        await sound(channel=channel, code=number)
    assert await cleared() == [False, False]
    async with jawab.db.transaction("console") as tx:
        await alarms.clear(tx, "sender_stopped", channel="one")
        await alarms.clear(tx, "sender_limit", channel="two")
    assert await cleared() == [True, False]
    await sound(channel="one")
    assert await cleared() == [True, False, False]
