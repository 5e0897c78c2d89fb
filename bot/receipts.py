"""Receipts: what became of a message that a provider took. They come in any order, twice, or before our own request is
answered; see store.outbox.receipts.

A failure that may be tried again (or waits for the citizen) moves the row back into the queue under the failed
attempt's provider id: nothing but a proof of delivery of that same attempt touches it there.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import psycopg

from bot import consequences, outside
from bot.backoff import CARRIER_TRIES, delay
from bot.batches import Batches
from bot.channels import Receipt
from store import alarms
from store.database import Tx
from store.jawab import Jawab
from store.outbox import receipts as stored
from store.outbox.receipts import RANKS

DEADLOCKS_MOST = 3
FAILED = RANKS["failed"]


class Receipts:
    """The receipts of one process, written in batches; `take` returns when its own is durable."""

    def __init__(self, jawab: Jawab) -> None:
        self._jawab = jawab
        self._batches: Batches[Receipt] = Batches(self._commit)

    async def take(self, receipt: Receipt) -> None:
        """Raises psycopg.OperationalError when the database cannot be reached, so that the provider tries again."""
        await self._batches.add(receipt)

    async def _commit(self, batch: list[Receipt]) -> None:
        """Two processes may hold each other's rows: one of them is told so, and begins again."""
        for left in range(DEADLOCKS_MOST, 0, -1):
            try:
                async with self._jawab.db.transaction("intake") as tx:
                    await write(tx, batch)
            except psycopg.errors.DeadlockDetected:
                if left == 1:
                    raise
            else:
                return


async def write(tx: Tx, batch: Iterable[Receipt]) -> None:
    """Write receipts, in any order and number."""
    for wave in _waves(batch):
        await stored.hold(tx, [receipt.id for receipt in wave])
        await stored.move(tx, [receipt for receipt in wave if RANKS[receipt.state] != FAILED])
        for receipt in wave:
            if RANKS[receipt.state] == FAILED:
                await _fail(tx, receipt)


def _waves(batch: Iterable[Receipt]) -> list[list[Receipt]]:
    """One receipt per row and attempt, the furthest; different ids for one row in different waves, in row order."""
    furthest: dict[tuple[Any, str], Receipt] = {}
    for receipt in batch:
        key = (receipt.id, receipt.provider_id)
        if key not in furthest or RANKS[receipt.state] > RANKS[furthest[key].state]:
            furthest[key] = receipt
    waves: list[dict[Any, Receipt]] = []
    for receipt in furthest.values():
        for wave in waves:
            if receipt.id not in wave:
                wave[receipt.id] = receipt
                break
        else:
            waves.append({receipt.id: receipt})
    return [sorted(wave.values(), key=lambda one: one.id) for wave in waves]


async def _fail(tx: Tx, receipt: Receipt) -> None:
    """A message that was taken and did not arrive has a fate like one that was not taken."""
    row = await stored.fail(tx, receipt, receipt.code or receipt.state)
    if row is None:
        return
    seconds = delay(receipt.wait, row.attempts, None, random.random())  # noqa: S311 - not a secret
    await consequences.draw(tx, receipt.fate, receipt.code, row, seconds)
    if row.template is not None:
        await outside.miss(tx, row.contact_id, row.template, receipt.fate)
    if receipt.fate == "park" or (receipt.fate == "refused" and row.template is not None):
        await stored.park(tx, row.id)
    elif receipt.fate in {"later", "stop"} or (receipt.fate == "retry" and row.attempts < CARRIER_TRIES):
        await stored.requeue(tx, row.id, seconds)
    elif receipt.fate == "retry":
        await alarms.sound(tx, "message_failed", row.district_id, outbox=str(row.id), code=receipt.code)
