"""The citizen's verdict on what was called done: confirm, or dispute."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import register
from cases.history import Actor
from cases.lifecycle import CITIZEN
from store.database import Tx


async def confirm(tx: Tx, case_id: UUID, *, now: datetime, actor: Actor = CITIZEN) -> None:
    """It is done."""
    await register.move(tx, case_id, "confirm", actor=actor, now=now)


async def dispute(tx: Tx, case_id: UUID, *, now: datetime, actor: Actor = CITIZEN) -> None:
    """It is not done: the resolution clock runs on from where it was set.

    What was promised for it is open again at the next sweep: the citizen's side cannot write promises.
    """
    await register.move(tx, case_id, "dispute", actor=actor, now=now)
