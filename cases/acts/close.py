"""Close: nothing more is owed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import history, register
from cases.history import Actor
from cases.lifecycle import Refused
from store.database import Tx


async def close(tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None) -> None:
    """What no citizen has confirmed is closed by another person than the one who called it done."""
    case = await register.read(tx, case_id)
    if case.status == "resolved" and await history.last_actor(tx, case_id, "resolve") == str(actor):
        raise Refused("second_person")
    await register.move(tx, case_id, "close", actor=actor, now=now, version=version)
