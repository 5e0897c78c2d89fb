"""What we owe a person: one row is one message, kept as keys and values until the moment it is sent.

A row is put here, claimed and recorded in `claims`, and moved forward by `receipts`. No other file writes the table,
but for the reply of a turn, which hangs on its session's version in `store.moves`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from store.brief import older_than
from store.crypto import Keys, Unopened
from store.database import Auto, Conn, Tx, fetch_all, fetch_one

REPLACED = "replaced"  # why a reply was withdrawn: another one says what it would have said

# Pieces of the statement that moves a conversation; see store.moves. Its reply is owed …
OWE: LiteralString = """
    INSERT INTO outbox (id, contact_id, lane, purpose, inbox_id, lang, message, due_at)
    SELECT %(outbox_id)s, %(contact_id)s, 'replies', 'reply', %(inbox_id)s::uuid, %(outbox_lang)s, %(message)s,
        %(send_at)s"""
# … the one before it is not sent, where it has not left …
REPLACE: LiteralString = f"""
    UPDATE outbox SET state = 'withdrawn', error = '{REPLACED}' FROM moved
    WHERE outbox.id = %(replaces)s AND outbox.state = 'queued'
    RETURNING outbox.id, outbox.contact_id, %(outbox_id)s::uuid AS outbox_id, %(now)s::timestamptz AS now"""  # noqa: S608 - a word of our own
# … and whatever this person has missed may go, in the order in which it was owed. News of a case is of use for a month.
# A question that this very message answers is not put again; receipts of a template say nothing of the words behind it.
# Whoever was told that something waits has answered that; else what they write need not be about this case, and the
# desk goes on seeing how the message stood, until the case is heard of again (`outbox_of_cases`).
_KNOCKED: LiteralString = """(outbox.template IS NOT NULL AND outbox.state IN ('sent', 'delivered', 'read'))
        OR outbox.error IN ('told:sms', 'wait:told', 'wait:one a day')"""
_STANDS: LiteralString = f"outbox.stood IS NULL AND outbox.case_id IS NOT NULL AND ({_KNOCKED}) IS NOT TRUE"
_SHOWN: LiteralString = "outbox.template IS NOT NULL AND outbox.freed_at IS NULL"
FREE: LiteralString = f"""
    UPDATE outbox SET state = 'queued', freed_at = %(now)s, expires_at = greatest(expires_at, now() + interval '1 day'),
        stood = CASE WHEN {_STANDS} THEN outbox.state ELSE outbox.stood END,
        stood_error = CASE WHEN {_STANDS} THEN outbox.error ELSE outbox.stood_error END,
        due_at = %(now)s - (%(now)s - outbox.created_at) / 1000000,
        attempts = outbox.attempts + CASE WHEN {_SHOWN} THEN 1 ELSE 0 END,
        provider_id = CASE WHEN {_SHOWN} THEN NULL ELSE outbox.provider_id END"""  # noqa: S608 - our own
_MISSED: LiteralString = """outbox.contact_id = %(contact_id)s AND outbox.missed
        AND (outbox.expires_at > now() OR outbox.case_id IS NOT NULL)
        AND outbox.created_at > now() - interval '30 days'"""
MISSED: LiteralString = f"""{_MISSED}
        AND NOT (%(answers)s AND coalesce(outbox.template, '') LIKE 'done:%%')"""


def bound_to(outbox_id: UUID) -> str:
    """Where the message is bound to; see store.crypto."""
    return f"outbox|message|{outbox_id}"


async def put(
    tx: Tx,
    keys: Keys,
    *,
    id: UUID,
    contact_id: UUID,
    lane: str,
    purpose: str,
    lang: str,
    message: dict[str, Any],
    inbox_id: UUID | None = None,
    case_id: UUID | None = None,
    edition_id: UUID | None = None,
    due_at: datetime | None = None,
    notice_of: UUID | None = None,
    heard_at: datetime | None = None,
) -> bool:
    """Queue one message. Returns False where this edition already has a row for this contact.

    `notice_of` is the message on another number of this person that this one only says something of; `heard_at` when
    the case that it is about was last heard of. None: what counts is when the person last wrote anything.
    """
    done = await tx.execute(
        "INSERT INTO outbox (id, contact_id, lane, purpose, inbox_id, case_id, edition_id, lang, message, due_at,"
        " notice_of, heard_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, coalesce(%s, now()), %s, %s)"
        " ON CONFLICT (edition_id, contact_id) WHERE edition_id IS NOT NULL DO NOTHING",
        (
            id,
            contact_id,
            lane,
            purpose,
            inbox_id,
            case_id,
            edition_id,
            lang,
            (keys.put_brief if purpose == "reply" else keys.put_json)(message, bound_to(id)),
            due_at,
            notice_of,
            heard_at,
        ),
    )
    return done.rowcount == 1


# ── editions and cases: what is said to many, and what is taken back ─────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Copy:
    """One person's copy of an edition; `message` is encrypted already."""

    id: UUID
    contact_id: UUID
    lang: str
    message: bytes


async def put_edition(tx: Tx, edition_id: UUID, copies: Sequence[Copy], due_at: datetime) -> int:
    """Queue an edition for these people, one statement for all: round trips would be the cost of a fan-out.

    Returns how many were queued; who has it already gets no second one.
    """
    done = await tx.execute(
        "INSERT INTO outbox (id, contact_id, lane, purpose, edition_id, lang, message, due_at)"
        " SELECT t.id, t.contact_id, 'broadcasts', 'edition', %s, t.lang, t.message, %s"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bytea[]) AS t (id, contact_id, lang, message)"
        " ON CONFLICT (edition_id, contact_id) WHERE edition_id IS NOT NULL DO NOTHING",
        (
            edition_id,
            due_at,
            [copy.id for copy in copies],
            [copy.contact_id for copy in copies],
            [copy.lang for copy in copies],
            [copy.message for copy in copies],
        ),
    )
    return done.rowcount


async def withdraw_edition(tx: Tx, edition_id: UUID) -> int:
    """Take back what has not left of an edition. Returns how many."""
    done = await tx.execute(
        "UPDATE outbox SET state = 'withdrawn', error = 'stopped'"
        " WHERE edition_id = %s AND state IN ('queued', 'parked')",
        (edition_id,),
    )
    return done.rowcount


async def withdraw(tx: Tx, outbox_id: UUID) -> None:
    """Take back one message that has not left: it goes another way."""
    await tx.execute(
        "UPDATE outbox SET state = 'withdrawn', error = %s WHERE id = %s AND state IN ('queued', 'parked')",
        (REPLACED, outbox_id),
    )


async def let_lie(tx: Tx, case_id: UUID) -> None:
    """What a template asked about a case was answered by its button, or by a word: its own words follow no more."""
    await tx.execute(
        "UPDATE outbox SET freed_at = now() WHERE case_id = %s AND missed AND template LIKE 'done:%%'", (case_id,)
    )


async def is_any_missed(conn: Conn, contact_id: UUID) -> bool:
    """Whether something waits for this person's next message."""
    waits: LiteralString = f"SELECT 1 FROM outbox WHERE {_MISSED} LIMIT 1"  # noqa: S608 - a piece of our own
    return await fetch_one(conn, waits, {"contact_id": contact_id}) is not None


async def pass_on(tx: Tx, card: UUID, case_id: UUID) -> None:
    """What was told about a card is told about the case that its words came into."""
    await tx.execute("UPDATE outbox SET case_id = %s WHERE case_id = %s", (case_id, card))


async def forget_case(tx: Tx, case_id: UUID) -> None:
    """No message points any more to a case whose words went behind the protected door."""
    await tx.execute("UPDATE outbox SET case_id = NULL WHERE case_id = %s", (case_id,))


async def is_any_due(conn: Conn, lane: str) -> bool:
    """Whether a message of this lane may be due now."""
    due = "SELECT 1 FROM outbox WHERE lane = %s AND state = 'queued' AND due_at <= now() LIMIT 1"
    return await fetch_one(conn, due, (lane,)) is not None


async def said(auto: Auto, keys: Keys, contact_id: UUID, provider_id: str) -> dict[str, Any]:
    """The message of ours that the provider knows by this id, as it was put; {} where this person got none such."""
    row = await fetch_one(
        auto, "SELECT id, message FROM outbox WHERE contact_id = %s AND provider_id = %s", (contact_id, provider_id)
    )
    try:
        return keys.get_json(row["message"], bound_to(row["id"])) if row else {}
    except Unopened:  # an answer of another day
        return {}


# Answers that have not reached anybody: on their way, or missed. Each is read in the order of an index of its own.
_WAITING: tuple[LiteralString, ...] = ("(state IN ('queued', 'sending')) IS TRUE", "missed AND purpose = 'reply'")
_LOOKED_AT: LiteralString = """
SELECT id, contact_id, CASE WHEN message >= %(from)s AND message < %(to)s THEN message END AS old FROM outbox
WHERE {waiting} AND contact_id > %(after)s ORDER BY contact_id FETCH FIRST 500 ROWS WITH TIES"""


async def renew(auto: Auto, keys: Keys, now: datetime) -> int:
    """Answers that have not reached anybody yet are put under a younger key: all, but few at a time, for their old key
    ends within the hour. Returns how many."""
    renewed = 0
    for waiting in _WAITING:
        look, after = _LOOKED_AT.replace("{waiting}", waiting), UUID(int=0)
        while rows := await fetch_all(auto, look, {**older_than(now), "after": after}):
            after = rows[-1]["contact_id"]
            for row in rows:
                if row["old"] is None or (box := keys.renew(row["old"], bound_to(row["id"]), now)) is None:
                    continue
                done = await auto.execute(
                    "UPDATE outbox SET message = %s WHERE id = %s AND message = %s", (box, row["id"], row["old"])
                )
                renewed += done.rowcount
    return renewed


async def erase(tx: Tx, contact_ids: Collection[UUID], case_ids: Collection[UUID] = ()) -> int:
    """What was said to these people, or about these cases, goes, and none of it is sent any more; that it was said is
    counted on. Returns how many messages they were."""
    done = await tx.execute(
        "UPDATE outbox SET message = '', state = CASE WHEN waits THEN 'withdrawn' ELSE state END,"
        " error = CASE WHEN waits THEN 'erased' ELSE error END"
        " FROM (SELECT id AS held, state IN ('queued', 'parked') AS waits"
        " FROM outbox WHERE (contact_id = ANY(%s) OR case_id = ANY(%s)) AND message <> '' FOR UPDATE) AS now"
        " WHERE id = now.held",
        (list(contact_ids), list(case_ids)),
    )
    return done.rowcount
