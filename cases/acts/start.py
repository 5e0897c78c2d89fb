"""Start: work has begun."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import messages, offices, register
from cases.history import Actor
from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Tx


async def start(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None
) -> UUID | None:
    """Whoever begins has read: the 72-hour clock is met. Nobody takes a case about their own office."""
    if isinstance(actor, UUID) and await offices.is_about(tx, case_id, actor):
        raise Refused("own_office")
    case = await register.move(tx, case_id, "start", actor=actor, now=now, version=version)
    says = [("case.started", {"code": {"code": case.code}})]
    return await messages.tell(tx, keys, case, "start", says=says, now=now)
