"""Receipts: what became of a message that a provider took. They come in any order, twice, or before our own request is
answered; a row's state only ever moves forward.

    sent < failed, undelivered < delivered < read

A failure that may be tried again (or waits for the citizen) moves the row back into the queue under the failed
attempt's provider id: nothing but a proof of delivery of that same attempt touches it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, LiteralString

import psycopg
import structlog

from bot import fates
from bot.batches import Batches
from bot.channels import Fate, Receipt
from store import alarms
from store.database import Tx, fetch_one
from store.jawab import Jawab

log = structlog.get_logger()

RANKS = {"sent": 10, "failed": 15, "undelivered": 15, "delivered": 20, "read": 30}
DEADLOCKS_MOST = 3

# The row must be this attempt's: by its provider id, or, where that is not known yet, by its number.
_MATCH: LiteralString = """
    (o.provider_id = r.provider_id OR (o.provider_id IS NULL AND o.attempts = r.attempt))
    AND r.rank > CASE WHEN o.state = 'read' THEN 30 WHEN o.state = 'delivered' THEN 20
        WHEN o.provider_id IS NULL THEN 0 WHEN o.state = 'sent' THEN 10 ELSE 15 END"""
_RECEIPTS: LiteralString = """unnest(%(id)s::uuid[], %(attempt)s::int[], %(provider_id)s::text[], %(state)s::text[],
    %(rank)s::int[]) AS r(id, attempt, provider_id, state, rank)"""
_HELD: LiteralString = "SELECT id FROM outbox WHERE id = ANY(%(id)s) ORDER BY id FOR UPDATE"
_MOVE: LiteralString = f"""
UPDATE outbox o SET state = r.state, provider_id = r.provider_id, sent_at = coalesce(o.sent_at, now()), error = NULL
FROM {_RECEIPTS} WHERE o.id = r.id AND {_MATCH}"""  # noqa: S608 - parts of this file
_FAIL: LiteralString = f"""
UPDATE outbox o SET
    state = r.state, provider_id = r.provider_id, sent_at = coalesce(o.sent_at, now()), error = %(error)s
FROM {_RECEIPTS}, contacts c, channels h
WHERE o.id = r.id AND c.id = o.contact_id AND h.id = c.channel_id AND {_MATCH}
RETURNING o.id, o.contact_id, o.attempts, o.inbox_id, c.channel_id, h.district_id"""  # noqa: S608 - parts of this file


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
        await tx.execute(_HELD, {"id": [receipt.id for receipt in wave]})
        await tx.execute(_MOVE, _columns([receipt for receipt in wave if RANKS[receipt.state] != 15]))
        for receipt in wave:
            if RANKS[receipt.state] == 15:
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
    """A message that was taken and did not arrive: the same table of fates as for one that was not taken."""
    what = {**_columns([receipt]), "error": str(receipt.code) if receipt.code else receipt.state}
    row = await fetch_one(tx, _FAIL, what)
    if row is None:
        return
    fate: Fate = fates.of_twilio(receipt.code) if receipt.code else "refused"
    seconds = fates.wait(receipt.code, row["attempts"])
    await fates.befall(tx, fate, receipt.code, row, seconds)
    if fate == "park":
        await tx.execute("UPDATE outbox SET state = 'parked' WHERE id = %s AND expires_at > now()", (row["id"],))
    elif fate in {"later", "stop"} or (fate == "retry" and row["attempts"] < fates.CARRIER_TRIES):
        await tx.execute(
            "UPDATE outbox SET state = 'queued', due_at = now() + %s * interval '1 second'"
            " WHERE id = %s AND expires_at > now() + %s * interval '1 second'",
            (seconds, row["id"], seconds),
        )
    elif fate == "retry":
        await alarms.sound(tx, "message_failed", row["district_id"], outbox=str(row["id"]), code=receipt.code)


def _columns(receipts: list[Receipt]) -> dict[str, list[Any]]:
    return {
        "id": [receipt.id for receipt in receipts],
        "attempt": [receipt.attempt for receipt in receipts],
        "provider_id": [receipt.provider_id for receipt in receipts],
        "state": [receipt.state for receipt in receipts],
        "rank": [RANKS[receipt.state] for receipt in receipts],
    }
