"""The inbox: every message that came, encrypted for a day, once; and what became of those whose turn failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from store.brief import older_than
from store.crypto import Keys, Unopened
from store.database import Auto, Tx, fetch_all

_USUAL = " " * 300  # as long as most messages are
KEPT = timedelta(hours=23)  # by then the key that a body stands under is destroyed
LOOKED_AT = timedelta(days=30)  # how far back what is left of bodies is looked for: all of it would be the whole table

# Pieces of the statement that moves a conversation; see store.moves.
KEEP: LiteralString = """
    INSERT INTO inbox (id, provider, provider_id, contact_id, received_at, body, state, answered_by)
    SELECT %(inbox_id)s, %(provider)s, %(provider_id)s, contact_id, %(now)s, %(body)s, 'done', %(outbox_id)s
    FROM moved"""
FINISH: LiteralString = """
    UPDATE inbox SET state = 'done', body = %(body)s, error = NULL, answered_by = coalesce(%(outbox_id)s, answered_by)
    FROM held
    WHERE id = %(inbox_id)s AND state = 'undone' RETURNING id"""
# What a reply answered that was replaced in time is answered by the one that replaces it.
HAND_ON: LiteralString = """
    UPDATE inbox SET answered_by = replaced.outbox_id FROM replaced
    WHERE inbox.contact_id = replaced.contact_id AND inbox.answered_by = replaced.id
        AND inbox.received_at > replaced.now - interval '1 hour'"""


def bound_to(inbox_id: UUID) -> str:
    """What the body is bound to; see store.crypto."""
    return f"inbox|body|{inbox_id}"


async def keep(
    tx: Tx,
    keys: Keys,
    *,
    id: UUID,
    provider: str,
    provider_id: str,
    contact_id: UUID | None,
    body: Any,
    state: str,
    error: str | None,
) -> bool:
    """Keep a message alone, encrypted, when its turn failed ("undone") or nobody owns its number ("unrouted"),
    or a robot sent it ("done").

    Returns False where it is already there.
    """
    done = await tx.execute(
        "INSERT INTO inbox (id, provider, provider_id, contact_id, body, state, error)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (provider, provider_id) DO NOTHING",
        (id, provider, provider_id, contact_id, keys.put_brief(body, bound_to(id)), state, error),
    )
    return done.rowcount == 1


@dataclass(frozen=True, slots=True)
class Undone:
    """A message whose turn failed; `attempts` were made since."""

    id: UUID
    body: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wrote and when."""

    at: datetime
    text: str


async def said(tx: Tx, keys: Keys, contact_id: UUID, since: datetime, most: int) -> list[Said]:
    """The last texts of a contact after then, oldest first; what went behind the seal has none."""
    rows = await fetch_all(
        tx,
        "SELECT id, received_at, body FROM inbox WHERE contact_id = %s AND received_at > %s AND body IS NOT NULL"
        " ORDER BY received_at DESC LIMIT %s",
        (contact_id, since, most),
    )
    opened = [(row["received_at"], read(keys, row["body"], row["id"])) for row in reversed(rows)]
    return [Said(at, body["text"]) for at, body in opened if body.get("text")]


def read(keys: Keys, box: bytes | None, inbox_id: UUID) -> dict[str, Any]:
    """A message's body; {} where nothing of it is left."""
    if box is None:
        return {}
    try:
        body: dict[str, Any] = keys.get_json(box, bound_to(inbox_id))
    except Unopened:  # its hour is over
        return {}
    return body


async def list_undone(auto: Auto, most: int) -> list[Undone]:
    """Those whose time to be tried again has come, oldest first: 5 seconds after they came, 20, 80 …"""
    return await fetch_all(
        auto,
        "SELECT id, body, attempts FROM inbox WHERE state = 'undone'"
        " AND received_at <= now() - interval '5 seconds' * power(4, attempts) ORDER BY received_at LIMIT %s",
        (most,),
        of=Undone,
    )


async def count_attempt(tx: Tx, inbox_id: UUID, *, last: bool) -> None:
    """It failed again; after the `last` time a person must look."""
    await tx.execute(
        "UPDATE inbox SET attempts = attempts + 1, state = %s WHERE id = %s AND state = 'undone'",
        ("dead" if last else "undone", inbox_id),
    )


async def blank(tx: Tx, keys: Keys, contact_id: UUID, since: datetime) -> None:
    """The words of a contact's messages since then went behind the seal: their boxes hold nothing any more.

    A message that is still undone keeps its body: its own turn will seal it.
    """
    rows = await fetch_all(
        tx, "SELECT id FROM inbox WHERE contact_id = %s AND state = 'done' AND received_at >= %s", (contact_id, since)
    )
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "UPDATE inbox SET body = %s WHERE id = %s",
            [(keys.put_nothing(_USUAL, bound_to(row["id"])), row["id"]) for row in rows],
        )


async def renew(auto: Auto, keys: Keys, now: datetime) -> int:
    """What still waits to be taken up, or for a person, is put under a younger key. Returns how many."""
    rows = await fetch_all(
        auto,
        "SELECT id, body FROM inbox WHERE state IN ('undone', 'unrouted', 'dead')"
        " AND body >= %(from)s AND body < %(to)s",
        older_than(now),
    )
    for row in rows:
        if (box := keys.renew(row["body"], bound_to(row["id"]), now)) is not None:
            await auto.execute("UPDATE inbox SET body = %s WHERE id = %s AND body = %s", (box, row["id"], row["body"]))
    return len(rows)


async def forget(auto: Auto, now: datetime) -> int:
    """Of what was done nothing is left but that it came, whatever it was and wherever it went. Returns how many."""
    gone = await auto.execute(
        "UPDATE inbox SET body = NULL WHERE state = 'done' AND body IS NOT NULL AND received_at BETWEEN %s AND %s",
        (now - LOOKED_AT, now - KEPT),
    )
    return gone.rowcount


async def erase(tx: Tx, contact_ids: Sequence[UUID]) -> int:
    """The words of these people's messages go, and none of them is tried again. Returns how many they were."""
    done = await tx.execute(
        "UPDATE inbox SET body = NULL, state = CASE WHEN state = 'undone' THEN 'done' ELSE state END,"
        " error = CASE WHEN state = 'undone' THEN 'erased' ELSE error END WHERE contact_id = ANY(%s)",
        (list(contact_ids),),
    )
    return done.rowcount
