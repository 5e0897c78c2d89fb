"""Acknowledge: a person has read it, which meets the 72-hour clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from cases import messages, offices, register
from cases.history import Actor
from store.crypto import Keys
from store.database import Tx


async def acknowledge(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None, text: str = ""
) -> UUID | None:
    """`text` is the handler's own line below it, as typed."""
    case = await register.move(tx, case_id, "acknowledge", actor=actor, now=now, version=version)
    due = case.day(await register.due_at(tx, case_id, "resolve"))
    says: list[tuple[str, dict[str, Any]]] = [
        ("case.acknowledged", {"code": {"code": case.code}, "date": {"date": due.isoformat()}}),
        await _responsible(tx, case.office_id),
    ]
    return await messages.tell(tx, keys, case, "acknowledge", says=says, now=now, text=text, by=actor)


async def _responsible(tx: Tx, office_id: UUID | None) -> tuple[str, dict[str, Any]]:
    """Who has to see to it; that nobody is named yet is said just as openly."""
    if office_id is None:
        return "office.unnamed", {}
    return "case.responsible", {"office": await offices.value(tx, office_id)}
