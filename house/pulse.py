"""An event loop's own sign of life. Apart from `beat`, which is for those who have no loop too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from house.beat import EVERY, Beat

SOON = 0.02  # seconds, until it serves: somebody waits for that


async def go_on(beat: Beat, serves: Callable[[], bool] = lambda: True) -> None:
    """Write it again and again, on the loop that is to be watched, until cancelled; that it serves, without delay."""
    while True:
        beat.strike(serves=(serving := serves()))
        await asyncio.sleep(EVERY if serving else SOON)
