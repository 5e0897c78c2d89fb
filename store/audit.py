"""The audit chain: who did what to which object, in the same transaction as the act."""

from __future__ import annotations

import hashlib
import json

from store.database import Conn, Tx


async def write(tx: Tx, actor: str, action: str, obj: str) -> None:
    """Add one link. If this fails the act fails: nothing is done or read unseen."""
    await tx.execute("SELECT audit_write(%s, %s, %s)", (actor, action, obj))


async def verify(conn: Conn) -> tuple[int, int | None]:
    """Walk the chain. Returns (links, id of the first broken one or None)."""
    last = b""
    links = 0
    async with conn.cursor() as cursor:
        await cursor.execute(
            "SELECT id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') AS at, actor, action, object,"
            " prev, hash FROM audit ORDER BY id"
        )
        async for row in cursor:
            fields = json.dumps([row["at"], row["actor"], row["action"], row["object"]], ensure_ascii=False)
            if bytes(row["prev"]) != last or hashlib.sha256(last + fields.encode()).digest() != bytes(row["hash"]):
                return links, row["id"]
            last = bytes(row["hash"])
            links += 1
    return links, None
