"""What a citizen is told of their case: one message into the outbox. The caller rings the bell after the commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from cases.register import Case
from store import outbox, sessions
from store.crypto import Keys
from store.database import Tx, fetch_one, new_id
from store.sessions import Question

Says = Sequence[tuple[str, Mapping[str, Any]]]  # (text key, values)


async def tell(
    tx: Tx,
    keys: Keys,
    case: Case,
    *,
    says: Says,
    now: datetime,
    options: Sequence[tuple[str, str]] = (),
    text: str = "",
) -> UUID | None:
    """Owe the citizen a message, in the language they use now. `options` are (digit, text key). Returns its id.

    None where they did not say that this phone may be messaged: the code shows where their case stands.
    """
    if not case.may_message:
        return None
    return await owe(
        tx, keys, case.id, contact_id=case.contact_id, lang=case.lang, says=says, now=now, options=options, text=text
    )


async def owe(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    contact_id: UUID,
    lang: str,
    says: Says,
    now: datetime,
    options: Sequence[tuple[str, str]] = (),
    text: str = "",
) -> UUID:
    """The same about a case or a kept card, whether or not it may be; `lang` where they have chosen none."""
    contact = await fetch_one(tx, "SELECT lang FROM contacts WHERE id = %s", (contact_id,))
    message: dict[str, Any] = {"says": [[key, dict(values)] for key, values in says]}
    if options:
        message["options"] = [[digit, key, {}] for digit, key in options]
    if text:
        message["text"] = text
    outbox_id = new_id()
    await outbox.put(
        tx,
        keys,
        id=outbox_id,
        contact_id=contact_id,
        lane="replies",
        purpose="case",
        lang=(contact and contact["lang"]) or lang or "ur",
        message=message,
        case_id=case_id,
        due_at=now,
    )
    return outbox_id


async def ask(
    tx: Tx,
    keys: Keys,
    case: Case,
    question: Question,
    *,
    says: Says,
    now: datetime,
    options: Sequence[tuple[str, str]] = (),
    text: str = "",
) -> UUID | None:
    """The same, and what they say next is the answer to it."""
    outbox_id = await tell(tx, keys, case, says=says, now=now, options=options, text=text)
    if outbox_id is not None:
        await sessions.ask(tx, case.contact_id, question, case.id)
    return outbox_id
