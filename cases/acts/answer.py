"""Answer: words to the citizen, as typed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import messages, register
from cases.history import Actor
from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Tx


async def answer(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    text: str,
    apart: bool = False,
    version: int | None = None,
) -> UUID | None:
    """None where this phone may not be messaged: the words stay in the thread.

    `apart`: others may hold the phone, so that it is only told that an answer stands at the number.
    """
    if not text.strip():
        raise Refused("text_missing")
    case = await register.move(tx, case_id, "answer", actor=actor, now=now, version=version)
    says = [("case.answered", {"code": {"code": case.code}})]
    return await messages.ask(tx, keys, case, "answer", "answer", says=says, now=now, text=text, by=actor, apart=apart)
