"""Our numbers and bots."""

from __future__ import annotations

from store.database import Conn


async def adopt(conn: Conn, *, kind: str, provider: str, address: str) -> None:
    """In demo mode any number of ours that a provider names belongs to the demo district."""
    await conn.execute(
        "INSERT INTO channels (kind, provider, address, district_id)"
        " SELECT %s, %s, %s, id FROM districts WHERE demo ORDER BY id LIMIT 1 ON CONFLICT (kind, address) DO NOTHING",
        (kind, provider, address),
    )
