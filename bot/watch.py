"""Whether rows that wait for their slot are still wanted: one question for all, a tenth of a second old at most."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from store.database import Database
from store.outbox import claims

FRESH = 0.1  # seconds that an answer is used: what STOP is late by


class Watch:
    """`waiting` are the ids of the rows that leave next."""

    def __init__(self, db: Database) -> None:
        self.waiting: set[UUID] = set()
        self._db = db
        self._asking = asyncio.Lock()
        self._asked: frozenset[UUID] = frozenset()
        self._wanted: frozenset[UUID] = frozenset()
        self._at = 0.0

    async def still(self, one: UUID) -> bool:
        """Whether this row is wanted now. Its own question is asked where the last one is old or was not about it."""
        async with self._asking:
            now = time.monotonic()
            if one not in self._asked or now - self._at > FRESH:
                asked = frozenset(self.waiting | {one})
                async with self._db.autocommit("intake") as connection:
                    self._wanted = await claims.still(connection, asked)
                self._asked, self._at = asked, now
            return one in self._wanted
