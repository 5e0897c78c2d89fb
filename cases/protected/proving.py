"""A sealed test item for each reader: whoever opens theirs has shown that what is sealed to them can be read."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid4

from store import audit
from store.crypto import Unopened, open_item, seal_item
from store.database import Conn, Tx, fetch_all, fetch_one

_PLAIN = b"a sealed test item"


async def put(tx: Tx, readers: Mapping[UUID, bytes]) -> None:
    """Seal one to each reader who has none under this public key."""
    for reader, public in readers.items():
        item = uuid4()
        blob, wraps = seal_item(_PLAIN, str(reader), str(item), {str(reader): public})
        await tx.execute(
            "INSERT INTO sealed.proofs (reader, id, public_key, blob, wrap) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (reader) DO UPDATE SET id = excluded.id, public_key = excluded.public_key,"
            " blob = excluded.blob, wrap = excluded.wrap, opened_at = NULL"
            " WHERE proofs.public_key <> excluded.public_key",
            (reader, item, public, blob, wraps[str(reader)]),
        )


async def open_own(tx: Tx, reader: UUID, private_key: bytes) -> bool:
    """Open a reader's own and write down that it opened. False where there is none, or it does not."""
    row = await fetch_one(tx, "SELECT id, blob, wrap FROM sealed.proofs WHERE reader = %s FOR UPDATE", (reader,))
    try:
        opened = row is not None and open_item(
            row["blob"], row["wrap"], private_key, str(reader), str(row["id"])
        ) == _PLAIN  # fmt: skip
    except Unopened:
        opened = False
    if opened:
        await tx.execute("UPDATE sealed.proofs SET opened_at = now() WHERE reader = %s", (reader,))
        await audit.write(tx, str(reader), "protected.proof", str(reader))
    return opened


async def opened(conn: Conn, readers: Mapping[UUID, bytes]) -> set[UUID]:
    """Who of these has opened theirs, under the key that they have now."""
    rows = await fetch_all(
        conn,
        "SELECT reader, public_key FROM sealed.proofs WHERE opened_at IS NOT NULL AND reader = ANY(%s)",
        (list(readers),),
    )
    return {row["reader"] for row in rows if bytes(row["public_key"]) == readers[row["reader"]]}
