"""Start: work has begun."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import register
from cases.history import Actor
from store.database import Tx


async def start(tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None) -> None:
    """Whoever begins has read: the 72-hour clock is met."""
    await register.move(tx, case_id, "start", actor=actor, now=now, version=version)
