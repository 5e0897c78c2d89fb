"""What the reporter of a protected case is told: a line in the seal, words at the number, a message where allowed.

The message is one that an ordinary case sends, word for word, and it goes by the same outbox. An answer's own words
never go to a phone: they stand at the number, and the message only says that they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cases import calendar, messages, readable, safe_hours
from cases.lifecycle import Refused
from cases.messages import Says
from cases.protected import said, vault
from cases.protected.reporter import Reporter
from store import contacts, drops, sessions
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one
from store.drops import Drop
from store.sessions import Question


@dataclass(frozen=True, slots=True)
class Teller:
    """One reader's request to tell something: whose case it is, and what its opened seal says of the reporter."""

    case_id: UUID
    district_id: str
    staff_id: UUID
    reporter: Reporter
    heard_at: datetime | None  # when the case was last heard of from them
    now: datetime
    due: date  # by when an answer is owed, to the day

    @property
    def code(self) -> dict[str, str]:
        """The number as a value of a text. Raises `Refused` where the seal does not know it."""
        if not self.reporter.codes:
            raise Refused("number_unknown")
        return {"code": self.reporter.codes[0]}


async def tell(
    tx: Tx,
    keys: Keys,
    teller: Teller,
    verb: str,
    *,
    says: Says,
    options: Sequence[tuple[str, str]] = (),
    text: str = "",
    question: Question | None = None,
) -> UUID | None:
    """Tell the reporter of one act. Returns the message's id; None where this phone may not be messaged.

    With a `question` what they write next is the answer to it, and comes into a drop of this case.
    `text` is what the reader typed: it stands at the number, and no phone is sent a word of it.
    """
    reporter = teller.reporter
    whole = messages.compose(says, options=options, text=text)
    sent = messages.compose([(messages.WAITS, {"code": teller.code})]) if text.strip() else whole
    contact_id = await find_contact(tx, keys, teller.district_id, reporter) if reporter.may_message else None
    outbox_id, lang, drop = None, reporter.lang, Drop()
    if contact_id is not None:
        owed = await messages.owe(
            tx,
            keys,
            drop.id,  # news of somebody's case, of which no table knows the other end
            verb,
            contact_id=contact_id,
            lang=reporter.lang,
            heard_at=teller.heard_at,
            may_message=True,
            message=sent,
            now=safe_hours.next_at(reporter.hour, teller.now),
        )
        outbox_id, lang = owed.outbox_id, owed.lang
        if question is not None:
            await sessions.ask(tx, contact_id, question, drop.id)
            await drops.put(tx, contact_id, question, drop)
    line: dict[str, Any] = {
        "verb": verb,
        "message": whole,
        "lang": lang,
        "outbox": str(outbox_id) if outbox_id else None,
        "by": str(teller.staff_id),
    }
    if contact_id is not None and question is not None:
        line["drop"] = {"id": str(drop.id), "key": drop.private_key.hex()}
    await vault.append(tx, keys, case_id=teller.case_id, kind="told", data=line, now=teller.now)
    stands = readable.of(verb, whole, calendar.day_of(teller.now))
    if stands is not None:
        await said.keep(tx, keys, teller.case_id, reporter.codes, stands)
    return outbox_id


async def last_answered(conn: Conn, outbox_ids: Sequence[UUID]) -> datetime | None:
    """When who was told that one of these messages waits last wrote."""
    row = await fetch_one(
        conn, "SELECT max(freed_at) AS at FROM outbox WHERE id = ANY(%s) AND stood IS NULL", (list(outbox_ids),)
    )
    at: datetime | None = row["at"] if row else None
    return at


async def find_contact(tx: Tx, keys: Keys, district_id: str, reporter: Reporter) -> UUID | None:
    """The phone as the outbox knows it, found by the address that the seal held; None where there is none such."""
    if not reporter.address:
        return None
    ours = await fetch_all(
        tx, "SELECT id, address FROM channels WHERE district_id = %s AND kind = %s", (district_id, reporter.channel)
    )
    tags = [contacts.tag(keys, reporter.channel, one["address"], reporter.address) for one in ours]
    row = await fetch_one(
        tx,
        "SELECT c.id FROM contacts c JOIN unnest(%s::uuid[], %s::bytea[]) AS t (channel_id, tag)"
        " ON c.channel_id = t.channel_id AND t.tag IN (c.address_tag, c.person_tag, c.reached_tag)"
        " ORDER BY c.last_inbound_at DESC NULLS LAST LIMIT 1",
        ([one["id"] for one in ours], tags),
    )
    return row["id"] if row else None


_FATES = """
SELECT id, CASE WHEN error = 'told:sms' OR (missed AND state IN ('sent', 'delivered', 'read')
        AND split_part(template, ':', 1) NOT IN ('acknowledged', 'done')) THEN 'noticed'
    WHEN error LIKE 'not_reached:%%' THEN 'unreached' ELSE state END AS sent, error FROM outbox WHERE id = ANY(%s)"""


async def fates(conn: Conn, outbox_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """What became of these messages, as (state, error): for a reader who has opened what tells of them."""
    return {row["id"]: (row["sent"], row["error"] or "") for row in await fetch_all(conn, _FATES, (list(outbox_ids),))}
