"""Photos and voice notes: rows that wait for their bytes, and where these are bound to."""

from __future__ import annotations

from typing import Literal
from uuid import UUID


def bound_to(column: Literal["source", "content"], media_id: UUID) -> str:
    """Where the provider's address or the bytes are bound to; see store.crypto."""
    return f"media|{column}|{media_id}"
