"""The pace of a sender, shared by all processes: a token bucket in Valkey, or a slower one of our own if that is away.

The system sends tens of times faster than any channel takes. What comes too fast is refused at best; at worst it waits
in the provider's queue for four hours and is then dropped. So a broadcast waits here, where STOP still reaches it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from locales.channels import CHANNELS
from store.bell import UNTOLD

PAIR_BURST = 45  # messages to one person before the pair limit is felt (Meta: paid back afterwards)
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

    async def sender(self, channel_id: str, kind: str, cost: int = 1, most: float = NEVER) -> float:
        """Take the next `cost` slots of a sender (SMS: one a part). Returns the seconds until the first of them.

        Where that is more than `most`, none is taken. An answer to a citizen takes its slot but does not wait for it,
        so that broadcasts make room for answers.
        """
        # A twentieth of a second of slack: late sleeps do not slow the sender, and no second is overrun by 5 %.
        return await self._reserve(f"pace:{channel_id}", cost / CHANNELS[kind].rate, 0.05, most)

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
