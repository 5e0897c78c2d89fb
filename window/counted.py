"""The figures of a district, counted once in a while for all who look: weeks that are over hardly ever change."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from starlette.requests import Request

from cases import figures
from cases.districts import District
from cases.figures import Published
from store.database import Conn
from window import district


@dataclass(slots=True)
class Kept:
    """What was counted of one district, and when (monotonic seconds)."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    at: float = 0.0
    found: Published | None = None


async def of(request: Request, conn: Conn, here: District) -> Published:
    """Every week that is over. A year of them costs seconds: many readers at once wait for one counting, and its
    result stands as long as a proxy may keep a page."""
    state = request.app.state
    if not hasattr(state, "counted"):
        state.counted = {}
    kept: Kept = state.counted.setdefault(here.id, Kept())
    async with kept.lock:
        if kept.found is None or time.monotonic() - kept.at > district.CACHED:
            kept.found = await figures.published(conn, here.id, district.midnight(here))
            kept.at = time.monotonic()
        return kept.found
