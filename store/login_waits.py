"""Who has given the right password and not yet the second factor, as rows: for minutes, and no session."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from store.database import Conn, Tx, fetch_one


async def put(tx: Tx, *, token_hash: bytes, staff_id: UUID, key_box: bytes | None, until: datetime) -> None:
    await tx.execute(
        "INSERT INTO login_waits (token_hash, staff_id, key_box, expires_at) VALUES (%s, %s, %s, %s)",
        (token_hash, staff_id, key_box, until),
    )


async def find(conn: Conn, token_hash: bytes, now: datetime) -> dict[str, Any] | None:
    """{"staff_id", "login", "key_box"}, while it may be answered."""
    return await fetch_one(
        conn,
        "SELECT w.staff_id, w.key_box, f.login FROM login_waits w JOIN staff f ON f.id = w.staff_id"
        " WHERE w.token_hash = %s AND w.expires_at > %s AND w.place = desk_place() AND f.disabled_at IS NULL",
        (token_hash, now),
    )


async def note_wrong(tx: Tx, token_hash: bytes) -> None:
    """A wrong code, in the audit: whoever is here knows the password."""
    await tx.execute("SELECT note_wrong_code(%s)", (token_hash,))


async def end(tx: Tx, token_hash: bytes) -> None:
    await tx.execute("DELETE FROM login_waits WHERE token_hash = %s", (token_hash,))


async def end_all(tx: Tx, staff_id: UUID) -> None:
    await tx.execute("DELETE FROM login_waits WHERE staff_id = %s", (staff_id,))


async def forget(tx: Tx, now: datetime) -> int:
    """Let go of those whose time is over, and of the boxed keys in them. Returns how many."""
    gone = await tx.execute("DELETE FROM login_waits WHERE expires_at < %s", (now,))
    return gone.rowcount
