"""Note: a line for colleagues, which is never sent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import register, thread
from cases.history import Actor
from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Tx


async def note(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, text: str, version: int | None = None
) -> None:
    if not text.strip():
        raise Refused("text_missing")
    await register.move(tx, case_id, "note", actor=actor, now=now, version=version)
    await thread.append_note(tx, keys, case_id, text, actor=actor, now=now)
