"""Who said yes or no to what, when and how: a row each, and none is ever changed."""

from __future__ import annotations

from uuid import UUID

from store.database import Tx


async def write(
    tx: Tx, contact_id: UUID, *, topic: str, granted: bool, method: str, inbox_id: UUID | None = None
) -> None:
    """`topic` is weekly, messages or all; `method` is word, menu, provider or desk."""
    await tx.execute(
        "INSERT INTO consents (contact_id, topic, granted, method, inbox_id) VALUES (%s, %s, %s, %s, %s)",
        (contact_id, topic, granted, method, inbox_id),
    )
