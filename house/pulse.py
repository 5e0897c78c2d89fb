"""An event loop's own sign of life. Apart from `beat`, which is for those who have no loop too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from house.beat import EVERY, Beat


async def go_on(beat: Beat, serves: Callable[[], bool] = lambda: True) -> None:
    """Write it again and again, on the loop that is to be watched, until cancelled."""
    while True:
        beat.strike(serves=serves())
        await asyncio.sleep(EVERY)
