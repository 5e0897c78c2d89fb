"""The pace of a sender, shared by all processes: a token bucket in Valkey, or a slower one of our own if that is away.

The system sends tens of times faster than any channel takes. What comes too fast is refused at best; at worst it waits
in the provider's queue for four hours and is then dropped. So a broadcast waits here, where STOP still reaches it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from locales.channels import CHANNELS
from store.bell import UNTOLD

PAIR_BURST = 45  # messages to one person before the pair limit is felt (Meta: paid back afterwards)
EVEN = 0.992  # of the rate is what slots are given at: what comes late has room to be late in
SECOND = 1.005  # in which no more than the rate goes out: the way to the provider is not always equally long
ALONE = 0.25  # share of the rate a process allows itself while it cannot ask the others
AWAY = 5.0  # seconds until Valkey is asked again after it failed
PATIENCE = 1.0  # seconds it may take to answer
NEVER = 1e6

# A virtual-schedule bucket (GCRA): the key holds when the next message would be due at a perfectly even pace. All times
# in microseconds; `%.0f` because Lua's own number format keeps 14 digits only.
RESERVE = """
local t = redis.call('TIME')
local now, cost, slack = t[1] * 1000000 + t[2], tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now - slack)
if due - now > tonumber(ARGV[3]) then return string.format('%.0f', due - now) end
redis.call('SET', KEYS[1], string.format('%.0f', due + cost), 'PX', math.ceil((due + cost - now + slack) / 1000) + 1000)
return string.format('%.0f', math.max(0, due - now))
"""


@dataclass(slots=True)
class Bucket:
    """The same bucket in this process alone."""

    due: float = 0.0

    def reserve(self, now: float, cost: float, slack: float, most: float) -> float:
        due = max(self.due, now - slack)
        if due - now <= most:
            self.due = due + cost
        return max(0.0, due - now)


class Window:
    """What this process has sent within the last second.

    Slots are even; those who wake late for theirs are not, and would be too many for a second together with who come
    after them in time.
    """

    def __init__(self) -> None:
        self._sent: deque[float] = deque()

    def take(self, now: float, cost: int, most: int) -> float:
        """Seconds until `cost` more fit among `most`; 0.0 where they are taken. What fits nowhere goes alone."""
        while self._sent and self._sent[0] + SECOND <= now:
            self._sent.popleft()
        over = min(len(self._sent), len(self._sent) + cost - most)
        if over > 0:
            return self._sent[over - 1] + SECOND - now
        self.note(now, cost)
        return 0.0

    def note(self, now: float, cost: int) -> None:
        self._sent.extend([now] * cost)

    def restamp(self, now: float, cost: int) -> None:
        """What took the last places went only now."""
        for place in range(1, min(cost, len(self._sent)) + 1):
            self._sent[-place] = now


def spacing(kind: str) -> float:
    """Seconds from one slot of a sender to its next."""
    return 1.0 / (CHANNELS[kind].rate * EVEN)


class Pace:
    """Reservations at the pace of each sender and each person."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Redis | None = None
        if redis_url:
            self._redis = Redis.from_url(
                redis_url, driver_info=UNTOLD, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
            )
        self._away_until = 0.0
        self._alone: dict[str, Bucket] = {}
        self._windows: dict[str, Window] = {}

    async def sender(self, channel_id: str, kind: str, cost: int = 1, most: float = NEVER) -> float:
        """Take the next `cost` slots of a sender (SMS: one a part). Returns the seconds until the first of them.

        Where that is more than `most`, none is taken. An answer to a citizen takes its slot but does not wait for it,
        so that broadcasts make room for answers.
        """
        return await self._reserve(f"pace:{channel_id}", cost * spacing(kind), 0.0, most)

    def enter(self, channel_id: str, kind: str, cost: int) -> float:
        """Come right before the sending. Returns 0.0 where the second that ends now has room for `cost` more, which
        then have their place in it; else the seconds until it has.

        Each process sees to what it sends itself: other processes' slots lie between its own.
        """
        return self._window(channel_id).take(time.monotonic(), cost, max(1, int(CHANNELS[kind].rate)))

    def left(self, channel_id: str, cost: int) -> None:
        """Come when those who took the last places are on their way: whoever made the process wait made them late."""
        self._window(channel_id).restamp(time.monotonic(), cost)

    def note(self, channel_id: str, cost: int) -> None:
        """An answer goes out: it waits for no place in its second, and takes one."""
        self._window(channel_id).note(time.monotonic(), cost)

    def _window(self, channel_id: str) -> Window:
        return self._windows.setdefault(channel_id, Window())

    async def pair(self, contact_id: str, kind: str) -> float:
        """Take one message out of a person's allowance. Nearly always 0; seconds to wait after a flood."""
        seconds = CHANNELS[kind].pair_seconds
        if not seconds:
            return 0.0
        return await self._reserve(f"pair:{contact_id}", float(seconds), float(seconds * (PAIR_BURST - 1)), NEVER)

    async def _reserve(self, key: str, cost: float, slack: float, most: float) -> float:
        """Seconds until the slot just taken; `cost` and `slack` are seconds of this key's own time."""
        now = time.monotonic()
        if self._redis is not None and now >= self._away_until:
            try:
                async with asyncio.timeout(PATIENCE):
                    micros = await self._redis.eval(
                        RESERVE, 1, key, *(f"{part * 1e6:.0f}" for part in (cost, slack, most))
                    )
                return int(micros) / 1e6
            except (RedisError, OSError, TimeoutError):
                self._away_until = now + AWAY
        if len(self._alone) > 10_000:
            self._alone = {name: bucket for name, bucket in self._alone.items() if bucket.due > now}
        slow = cost / ALONE if key.startswith("pace:") else cost
        return self._alone.setdefault(key, Bucket()).reserve(now, slow, slack, most)

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()
