"""Natural batching: while one batch is being committed the next gathers, with no timer and no waiting when it is quiet.

Measured on 2 cores with 256 receipts at once: 13,000 a second and half the CPU, against 7,000 with one UPDATE each.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 500


class Batches(Generic[T]):
    """`commit` gets up to 500 things at once, in the order they came; it raises, or all of them are durable.

    What comes so seldom that nothing would gather may wait `seconds` for others, until there are `enough`.
    """

    def __init__(self, commit: Callable[[list[T]], Awaitable[None]], seconds: float = 0.0, enough: int = MOST) -> None:
        self._commit = commit
        self._seconds, self._enough = seconds, enough
        self._is_enough = asyncio.Event()
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, thing: T) -> None:
        """Returns when the thing is committed. Raises what its batch raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((thing, done))
        if len(self._waiting) >= self._enough:
            self._is_enough.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        await done

    def hurry(self) -> None:
        """Wait for no others any more: nothing else will come."""
        self._seconds = 0.0
        self._is_enough.set()

    async def _run(self) -> None:
        while self._waiting:
            if self._seconds:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._is_enough.wait(), self._seconds)
                self._is_enough.clear()
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                await self._commit([thing for thing, _ in batch])
            except Exception as error:  # noqa: BLE001 - each waiter is told; the next batch goes on
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
            else:
                for _, done in batch:
                    if not done.done():
                        done.set_result(None)
