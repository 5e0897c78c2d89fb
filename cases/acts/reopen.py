"""Reopen: to begin again on what was called done."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import commitments, register
from cases.history import Actor
from store import sessions
from store.database import Tx

# What is known of how it ended, and is so no more.
_ENDING = (
    *("resolved_at", "outcome", "outcome_values", "outcome_line", "decision", "told_at", "asked_by", "asked_at"),
    *("wish_at", "wish_why", "wish_by"),
)


async def reopen(tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None) -> None:
    """The resolution clock runs on from where it was set, and promises are open."""
    await register.move(tx, case_id, "reopen", actor=actor, now=now, version=version, columns=dict.fromkeys(_ENDING))
    await commitments.open_again(tx, case_id, now)
    await sessions.unask(tx, case_id)
