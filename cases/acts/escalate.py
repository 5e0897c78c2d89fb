"""Escalate: to tell the office above, before a clock does."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import offices, register
from cases.history import Actor
from store.database import Tx


async def escalate(
    tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, office_id: UUID | None, version: int | None = None
) -> None:
    await offices.value(tx, office_id)
    data = {"office": str(office_id) if office_id else None}
    await register.move(tx, case_id, "escalate", actor=actor, now=now, version=version, data=data)
