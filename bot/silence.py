"""Silence: a channel that has promised signs of life and gives none.

People are told once, and what nobody waits for is kept here, where it can still be withdrawn, and not in the queue of a
telephone that is off.
"""

from __future__ import annotations

from bot import registry
from store import alarms, channels
from store.jawab import Jawab

HOLD = 120.0  # seconds: how long after its return a channel sends again at the latest


async def watch(jawab: Jawab) -> None:
    """Look at every number whose own door has heard anything, ever. As the console. Two at once do no harm."""
    async with jawab.db.autocommit("console") as connection:
        heard = await channels.last_heard(connection)
        rows = [row for row in await channels.everything(connection) if row.id in heard] if heard else []
    for row in rows:
        after = _patience(jawab, row)
        if after is None:
            continue
        async with jawab.db.transaction("console") as tx:
            if heard[row.id].total_seconds() <= after:
                await alarms.clear(tx, "channel_silent", channel=str(row.id))
            elif await channels.pause(tx, row.id, HOLD):  # holds the row, so that two do not sound one alarm
                await alarms.sound(tx, "channel_silent", row.district_id, once=("channel",), channel=str(row.id))


def _patience(jawab: Jawab, row: channels.Row) -> float | None:
    """Seconds that this number may be silent; None for ever, and where it is retired or its settings are unusable."""
    if row.retired:
        return None
    try:
        values = registry.values_of(jawab.settings, jawab.keys, row)
    except registry.Unusable:
        return None  # somebody hears of that by itself
    return registry.PROVIDERS[row.provider].silent_after(values)
