"""Departures: what waits for its sender's slots leaves in bunches. A process that wakes for each message does hardly
anything but wake.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from itertools import accumulate, islice
from uuid import UUID

from bot.pacing import Pace
from bot.prepared import Ready
from locales.channels import CHANNELS

TOGETHER = 0.125  # seconds of a sender's slots that leave together, at the last of them


class Departures:
    """Rows that wait, sender by sender. `expect` hears who leaves next; `may_go` is asked about each of them once a
    place `under_way` is free; `send` posts it and gives that place back.
    """

    def __init__(
        self,
        pace: Pace,
        under_way: asyncio.Semaphore,
        expect: Callable[[Iterable[UUID]], None],
        may_go: Callable[[Ready], Awaitable[bool]],
        send: Callable[[Ready], None],
    ) -> None:
        self._pace, self._under_way, self._expect, self._may_go, self._send = pace, under_way, expect, may_go, send
        self._waiting: dict[UUID, deque[Ready]] = defaultdict(deque)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, sender: UUID, group: list[Ready]) -> bool:
        """Rows in the order of their slots. Returns whether nobody lets this sender's rows `leave` yet."""
        alone = sender not in self._waiting
        self._waiting[sender].extend(group)
        return alone

    async def leave(self, sender: UUID) -> None:
        """Until none of this sender's rows waits."""
        waiting = self._waiting[sender]
        while waiting:
            if (rest := await self._let_go(waiting)) > 0:
                await asyncio.sleep(rest)
        del self._waiting[sender]

    async def _let_go(self, waiting: deque[Ready]) -> float:
        """The next bunch at its time: as many of it as the second that ends then has room for, the others with the
        next. Returns the seconds until there is room for one, where there was none.
        """
        costs = accumulate(ready.cost for ready in waiting)
        most = together(waiting[0].row.kind)
        many = max(1, sum(cost <= most for cost in costs))
        if (rest := waiting[many - 1].slot - time.monotonic()) > 0:
            await asyncio.sleep(rest)
        self._expect(ready.row.id for ready in islice(waiting, many))
        sender, gone, rest = str(waiting[0].row.channel_id), 0, 0.0
        for _ in range(many):
            first = waiting[0]
            await self._under_way.acquire()
            if not await self._may_go(first):
                self._under_way.release()
            elif (rest := self._pace.enter(sender, first.row.kind, first.cost)) > 0:
                self._under_way.release()
                break
            else:
                self._send(first)
                gone += first.cost
            waiting.popleft()
        await asyncio.sleep(0)  # each is posted
        self._pace.left(sender, gone)
        return 0.0 if gone else rest


def together(kind: str) -> int:
    """Slots of a sender that leave together: a whole part of its rate, so that whole bunches make a full second."""
    rate = max(1, int(CHANNELS[kind].rate))
    return next(many for many in range(max(1, int(rate * TOGETHER)), 0, -1) if rate % many == 0)
