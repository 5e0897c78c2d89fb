"""What we owe by e-mail: one row is one message, claimed and recorded as the outbox's are.

A mail server cannot be asked what it has taken. What may have gone out is never sent a second time: it has failed, as
"unsure", and a person looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from store.crypto import Keys
from store.database import Auto, Tx, fetch_all, new_id

STALE = timedelta(minutes=5)  # after a process died with a message at work
MOST_ATTEMPTS = 8

Said = tuple[str, Mapping[str, Any]]  # (text key, values)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One that is being sent; shows no words and no address."""

    id: UUID
    way_id: UUID
    message: bytes
    attempts: int
    claimed_at: datetime
    address_box: bytes
    lang: str


def bound_to(mail_id: UUID) -> str:
    """Where the message is bound to; see store.crypto."""
    return f"mails|message|{mail_id}"


async def put(tx: Tx, keys: Keys, way_id: UUID, *, subject: Said, says: Sequence[Said], now: datetime) -> UUID:
    """Queue one message. Returns its id."""
    mail_id = new_id()
    message = {"subject": [subject[0], dict(subject[1])], "says": [[key, dict(values)] for key, values in says]}
    await tx.execute(
        "INSERT INTO mails (id, way_id, message, due_at, created_at) VALUES (%s, %s, %s, %s, %s)",
        (mail_id, way_id, keys.put_json(message, bound_to(mail_id)), now, now),
    )
    return mail_id


async def withdraw(tx: Tx, mail_id: UUID) -> None:
    """Take back what has not left."""
    await tx.execute("UPDATE mails SET state = 'withdrawn' WHERE id = %s AND state = 'queued'", (mail_id,))


async def claim(auto: Auto, most: int) -> list[Claimed]:
    """Those that may go now, taken by compare-and-set. What a dead process left behind may have gone out."""
    await auto.execute(
        "UPDATE mails SET state = 'failed', error = 'unsure' WHERE state = 'sending' AND claimed_at < now() - %s",
        (STALE,),
    )
    return await fetch_all(
        auto,
        "WITH due AS MATERIALIZED (SELECT id FROM mails WHERE state = 'queued' AND due_at <= now() ORDER BY due_at"
        " LIMIT %s FOR UPDATE SKIP LOCKED)"
        " UPDATE mails m SET state = 'sending', claimed_at = clock_timestamp(), attempts = m.attempts + 1"
        " FROM due JOIN mails one ON one.id = due.id JOIN ways w ON w.id = one.way_id"
        " WHERE m.id = due.id AND m.state = 'queued' RETURNING m.id, m.way_id, m.message, m.attempts, m.claimed_at,"
        " w.address_box, w.lang",
        (most,),
        of=Claimed,
    )


async def record(
    auto: Auto, mail: Claimed, state: str, error: str | None = None, wait: timedelta = timedelta()
) -> None:
    """What became of a claimed one, while the claim holds; `wait` until it is due again where it is queued."""
    await auto.execute(
        "UPDATE mails SET state = %(state)s, error = %(error)s, due_at = now() + %(wait)s,"
        " sent_at = CASE WHEN %(state)s = 'sent' THEN now() END"
        " WHERE id = %(id)s AND state = 'sending' AND claimed_at = %(claimed)s",
        {"state": state, "error": error, "wait": wait, "id": mail.id, "claimed": mail.claimed_at},
    )
