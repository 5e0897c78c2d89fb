"""What became of a message that a provider took. A row's state only ever moves forward.

sent < failed, undelivered < delivered < read
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol
from uuid import UUID

from store.database import Tx, fetch_one

RANKS = {"sent": 10, "failed": 15, "undelivered": 15, "delivered": 20, "read": 30}


class Told(Protocol):
    """One receipt: `attempt` of the row `id`, `state` one of RANKS."""

    @property
    def id(self) -> UUID: ...
    @property
    def attempt(self) -> int: ...
    @property
    def provider_id(self) -> str: ...
    @property
    def state(self) -> str: ...


@dataclass(slots=True)
class Failed:
    """A row that a receipt has moved to failed or undelivered, with whom it concerns."""

    id: UUID
    contact_id: UUID
    attempts: int
    inbox_id: UUID | None
    channel_id: UUID
    district_id: str
    template: str | None  # as which it had gone out, its own words still waiting


# The row must be this attempt's: by its provider id, or, where that is not known yet, by its number.
_MATCH: LiteralString = """
    (o.provider_id = r.provider_id OR (o.provider_id IS NULL AND o.attempts = r.attempt))
    AND r.rank > CASE WHEN o.state = 'read' THEN 30 WHEN o.state = 'delivered' THEN 20
        WHEN o.provider_id IS NULL THEN 0 WHEN o.state = 'sent' THEN 10 ELSE 15 END"""
# In binary: as text psycopg looks through each element of an array for what has to be quoted.
_RECEIPTS: LiteralString = """unnest(%(id)b::uuid[], %(attempt)b::int[], %(provider_id)b::text[], %(state)b::text[],
    %(rank)b::int[]) AS r(id, attempt, provider_id, state, rank)"""
_HELD: LiteralString = "SELECT id FROM outbox WHERE id = ANY(%(id)b) ORDER BY id FOR UPDATE"
_MOVE: LiteralString = f"""
UPDATE outbox o SET state = r.state, provider_id = r.provider_id, sent_at = coalesce(o.sent_at, now()), error = NULL
FROM {_RECEIPTS} WHERE o.id = r.id AND {_MATCH}"""  # noqa: S608 - parts of this file
_FAIL: LiteralString = f"""
UPDATE outbox o SET
    state = r.state, provider_id = r.provider_id, sent_at = coalesce(o.sent_at, now()), error = %(error)s
FROM {_RECEIPTS}, contacts c, channels h
WHERE o.id = r.id AND c.id = o.contact_id AND h.id = c.channel_id AND {_MATCH}
RETURNING o.id, o.contact_id, o.attempts, o.inbox_id, c.channel_id, h.district_id,
    CASE WHEN o.freed_at IS NULL THEN o.template END AS template"""  # noqa: S608 - parts of this file


async def hold(tx: Tx, ids: Iterable[UUID]) -> None:
    """Take the rows in one order, so that two batches do not wait for each other."""
    await tx.execute(_HELD, {"id": list(ids)})


async def move(tx: Tx, receipts: Sequence[Told]) -> None:
    """Move rows forward: at most one receipt for each."""
    await tx.execute(_MOVE, _columns(receipts))


async def fail(tx: Tx, receipt: Told, error: str) -> Failed | None:
    """Note that a message did not arrive; None where that is no news."""
    return await fetch_one(tx, _FAIL, {**_columns([receipt]), "error": error}, of=Failed)


async def park(tx: Tx, outbox_id: UUID) -> None:
    """Let a failed row look for another way, and else wait for the citizen to write."""
    await tx.execute(
        "UPDATE outbox SET state = 'parked', due_at = now() WHERE id = %s AND expires_at > now()", (outbox_id,)
    )


async def requeue(tx: Tx, outbox_id: UUID, seconds: float) -> None:
    """Let a failed row be tried again in so many seconds, if it is of use then."""
    await tx.execute(
        "UPDATE outbox SET state = 'queued', due_at = now() + %s * interval '1 second',"
        " template = CASE WHEN freed_at IS NULL THEN NULL ELSE template END"  # no template of it has arrived
        " WHERE id = %s AND expires_at > now() + %s * interval '1 second'",
        (seconds, outbox_id, seconds),
    )


def _columns(receipts: Sequence[Told]) -> dict[str, list[Any]]:
    return {
        "id": [receipt.id for receipt in receipts],
        "attempt": [receipt.attempt for receipt in receipts],
        "provider_id": [receipt.provider_id for receipt in receipts],
        "state": [receipt.state for receipt in receipts],
        "rank": [RANKS[receipt.state] for receipt in receipts],
    }
