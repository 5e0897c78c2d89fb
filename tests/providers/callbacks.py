"""What a provider tells of each message that it has taken: in the wrong order, twice, again where nobody heard."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import aiohttp

from tests.providers.hooks import Hooks
from tests.providers.taken import Taken

TRIES = 5
PAUSE = 0.25  # seconds after the first try that was not answered with 2xx; doubled with each


@dataclass
class Callbacks:
    """The receipts of a stand-in, on its own loop. `shuffled` and `doubled` are shares of all messages."""

    hooks: Hooks
    seed: int
    shuffled: float = 0.4
    doubled: float = 0.3
    told: int = 0  # answered with 2xx
    given_up: int = 0

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._session: aiohttp.ClientSession | None = None
        self._at_work: set[asyncio.Task[None]] = set()

    def begin(self, taken: Taken) -> None:
        """Tell of this one, from now on and beside everything else."""
        states = ["sent", "delivered"]
        if taken.to.startswith("whatsapp:") and self._dice.random() < 0.5:
            states.append("read")
        taken.status = states[-1]
        if self._dice.random() < self.shuffled:
            self._dice.shuffle(states)
        if self._dice.random() < self.doubled:
            states.insert(self._dice.randrange(len(states) + 1), self._dice.choice(states))
        at = 0.0
        for state in states:
            at += self._dice.uniform(0.02, 0.3)
            task = asyncio.get_running_loop().create_task(self._tell(taken, state, at))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)

    async def close(self) -> None:
        for task in self._at_work:
            task.cancel()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _tell(self, taken: Taken, state: str, after: float) -> None:
        await asyncio.sleep(after)
        body, headers = self.hooks.signed(taken.callback, self.hooks.receipt(taken, state))
        for turn in range(TRIES):
            if await self._post(taken.callback, body, headers):
                self.told += 1
                return
            await asyncio.sleep(PAUSE * 2**turn)
        self.given_up += 1

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> bool:
        self._session = self._session or aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(15))
        try:
            async with self._session.post(url, data=body, headers=headers) as got:
                return got.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False
