"""What is counted once in a while for all who look: a district's weeks, its scorecards, whom an edition reached."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import Request

from broadcast import reached
from broadcast.reached import Reached
from cases import figures, scorecards
from cases.districts import District
from cases.figures import Published
from store.database import Conn
from window import district

MOST = 400  # things that a process keeps counted
T = TypeVar("T")


@dataclass(slots=True)
class Kept:
    """What was counted, and when (monotonic seconds)."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    at: float = -math.inf
    found: Any = None


async def of(request: Request, conn: Conn, here: District) -> Published:
    """Every week that is over."""
    return await _once(request, f"weeks {here.id}", lambda: figures.published(conn, here.id, district.midnight(here)))


async def reach(request: Request, conn: Conn, edition_id: str) -> Reached:
    """Whom an edition reached: its messages are counted, tens of thousands of them."""
    return await _once(request, f"reach {edition_id}", lambda: reached.count(conn, edition_id))


async def scores(request: Request, conn: Conn, here: District) -> list[dict[str, Any]]:
    """The open round of scorecards: every voice of it is counted."""
    return await _once(request, f"scores {here.id}", lambda: scorecards.figures(conn, here.id))


async def _once(request: Request, name: str, count: Callable[[], Awaitable[T]]) -> T:
    """Many readers at once wait for one counting, and its result stands as long as a proxy may keep a page."""
    state = request.app.state
    if not hasattr(state, "counted"):
        state.counted = OrderedDict[str, Kept]()
    kept: Kept = state.counted.setdefault(name, Kept())
    state.counted.move_to_end(name)
    while len(state.counted) > MOST:
        state.counted.popitem(last=False)
    async with kept.lock:
        if time.monotonic() - kept.at > district.CACHED:
            fresh = await count()
            if fresh != kept.found:  # else the one that is known already: pages that were made of it are pages of now
                kept.found = fresh
            kept.at = time.monotonic()
        found: T = kept.found
        return found
