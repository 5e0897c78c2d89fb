"""What is said to who sent a file that is not kept: once for an album, alike on both sides of the protected door."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cases import register, thread
from cases.thread import Said
from store import contacts, outbox
from store.crypto import Keys
from store.database import Tx, new_id

# Neither the case nor its number nor the file's name: which side of the door it was for cannot be told from it.
_SAID: dict[str, Any] = {"says": [["intake.file_refused", {}]], "options": []}


async def tell(
    tx: Tx, keys: Keys, contact_id: UUID, lang: str, inbox_id: UUID | None, *, case_id: UUID | None
) -> UUID | None:
    """Owe this person the sentence; None where they have just heard it. Returns the id of the message.

    It answers the message that the file came with, where that came just now: nobody else is asked whether this phone
    may be messaged. Later it is one of our own, and waits for the end of quiet hours. What is said stands in the thread
    of the ordinary case that the file is of; the message itself names none.
    """
    if not await contacts.note_told_of_file(tx, contact_id):
        return None
    outbox_id = new_id()
    said = Said("file", _SAID, lang or "ur", outbox_id)
    await outbox.put(
        tx,
        keys,
        id=outbox_id,
        contact_id=contact_id,
        lane="replies",
        purpose="reply",
        lang=said.lang,
        message=_SAID,
        inbox_id=inbox_id,
    )
    case = await register.by_id(tx, case_id) if case_id else None
    if case is not None:
        await thread.append_said(tx, keys, case.id, said, now=datetime.now(UTC))
    return outbox_id
