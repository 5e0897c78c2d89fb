"""Who is signed in at the desk, as rows. The token itself is in the cookie only; a row holds its hash."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from store.database import Conn, Tx


async def put(
    tx: Tx,
    *,
    token_hash: bytes,
    staff_id: UUID,
    csrf: str,
    key_box: bytes | None,
    now: datetime,
    longest: timedelta,
) -> None:
    """Somebody has signed in, which the audit is told in the same statement."""
    await tx.execute(
        "SELECT open_desk_session(%s, %s, %s, %s, %s, %s)", (token_hash, staff_id, csrf, key_box, now, now + longest)
    )


async def touch(conn: Conn, token_hash: bytes, now: datetime) -> None:
    """Somebody is at it."""
    await conn.execute("UPDATE desk_sessions SET seen_at = %s WHERE token_hash = %s", (now, token_hash))


async def end(tx: Tx, token_hash: bytes) -> None:
    await tx.execute("DELETE FROM desk_sessions WHERE token_hash = %s", (token_hash,))


async def end_all(tx: Tx, staff_id: UUID) -> None:
    """Sign a person out everywhere, at once."""
    await tx.execute("DELETE FROM desk_sessions WHERE staff_id = %s", (staff_id,))


async def end_idle(tx: Tx, now: datetime, idle: timedelta) -> int:
    """Forget the sessions that opened their last page longer ago than `idle`, or have run out. Returns how many."""
    gone = await tx.execute("DELETE FROM desk_sessions WHERE expires_at < %s OR seen_at < %s", (now, now - idle))
    return gone.rowcount
