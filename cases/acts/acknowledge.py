"""Acknowledge: a person has read it, which meets the 72-hour clock."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import messages, register
from cases.history import Actor
from store.crypto import Keys
from store.database import Tx


async def acknowledge(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None, text: str = ""
) -> UUID | None:
    """`text` is the handler's own line below it, as typed."""
    case = await register.move(tx, case_id, "acknowledge", actor=actor, now=now, version=version)
    due = case.day(await register.due_at(tx, case_id, "resolve"))
    says = [("case.acknowledged", {"code": {"code": case.code}, "date": {"date": due.isoformat()}})]
    return await messages.tell(tx, keys, case, "acknowledge", says=says, now=now, text=text, by=actor)
