"""Photos and voice notes: rows that wait for their bytes, and where these are bound to."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from store.crypto import Keys
from store.database import Tx


def bound_to(column: Literal["source", "content"], media_id: UUID) -> str:
    """Where the provider's address or the bytes are bound to; see store.crypto."""
    return f"media|{column}|{media_id}"


async def note(
    tx: Tx,
    keys: Keys,
    media_id: UUID,
    *,
    contact_id: UUID,
    content_type: str,
    url: str,
    case_id: UUID | None = None,
    sealed_case_id: UUID | None = None,
) -> None:
    """Note a file that waits to be fetched from the provider, for an ordinary case (or kept story) or a sealed one."""
    await tx.execute(
        "INSERT INTO media (id, contact_id, case_id, sealed_case_id, content_type, source)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (
            media_id,
            contact_id,
            case_id,
            sealed_case_id,
            content_type,
            keys.encrypt(url.encode(), bound_to("source", media_id)),
        ),
    )


async def delete(tx: Tx, media_id: UUID) -> None:
    """A row that stayed would say for ever which phone has a protected case."""
    await tx.execute("DELETE FROM media WHERE id = %s", (media_id,))


async def delete_of(tx: Tx, case_id: UUID) -> None:
    """Every file of a kept story that is to be forgotten."""
    await tx.execute("DELETE FROM media WHERE case_id = %s", (case_id,))
