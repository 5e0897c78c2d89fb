"""Pass on: what an office wrote goes to who wrote to us, in words that a handler has read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import messages, office_lines, register
from cases.history import Actor, staff_id
from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Tx


async def pass_on(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    line_id: UUID,
    text: str,
    version: int | None = None,
) -> UUID | None:
    """`text` is what the handler lets out of it. It is an answer, by whoever passes it on."""
    if not text.strip():
        raise Refused("text_missing")
    case = await register.move(tx, case_id, "answer", actor=actor, now=now, version=version)
    names = await office_lines.mark_passed(tx, case_id, line_id, by=staff_id(actor), now=now)
    says = [("case.office_says", {"code": {"code": case.code}, "office": {"names": names}})]
    return await messages.ask(tx, keys, case, "answer", "answer", says=says, now=now, text=text, by=actor)
