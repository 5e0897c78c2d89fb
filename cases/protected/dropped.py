"""What came into a drop: sealed to the drop's key as it arrives, and moved into its case when a reader opens that.

The citizen's side may only put something in. Which case a drop belongs to stands in that case's seal alone, so that no
key of the house joins a phone to a case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from cases.protected import register, vault
from store.crypto import Keys, Unopened, open_item, seal_item
from store.database import Conn, Tx, fetch_all, fetch_one

GAINSAYS = frozenset({"no", "half", "higher"})  # of what may be said of how a case ended
_DROP = "drop"


async def put(tx: Tx, drop_id: UUID, public_key: bytes, *, kind: str, data: Mapping[str, Any], now: datetime) -> None:
    """Seal one answer into a drop."""
    item_id = uuid4()
    plain = json.dumps({"kind": kind, "at": now.isoformat(), "data": dict(data)}, ensure_ascii=False).encode()
    blob, wraps = seal_item(plain, str(drop_id), str(item_id), {_DROP: public_key})
    await tx.execute(
        "INSERT INTO sealed.dropped (id, drop_id, blob, wrap) VALUES (%s, %s, %s, %s)",
        (item_id, drop_id, blob, wraps[_DROP]),
    )


async def collect(tx: Tx, keys: Keys, case_id: UUID, drops: Mapping[UUID, bytes]) -> int:
    """Move what lies in a case's drops into the case, in the order in which it came. Returns how many.

    Whoever opens holds the case's row, so that two readers at once collect nothing twice.
    `drops` are their private keys by id, from the opened seal. Whoever wrote that it is not so opens the case again.
    """
    rows = await fetch_all(
        tx,
        "SELECT id, drop_id, blob, wrap FROM sealed.dropped WHERE drop_id = ANY(%s) ORDER BY seq",
        (list(drops),),
    )
    moved: list[UUID] = []
    for row in rows:
        try:
            plain = open_item(row["blob"], row["wrap"], drops[row["drop_id"]], str(row["drop_id"]), str(row["id"]))
        except Unopened:
            continue  # not ours to lose: it stays where it lies
        said = json.loads(plain)
        await vault.append(
            tx, keys, case_id=case_id, kind=said["kind"], data=said["data"], now=datetime.fromisoformat(said["at"])
        )
        if said["kind"] == "verdict" and said["data"].get("about") in GAINSAYS:
            await register.dispute(tx, case_id)
        moved.append(row["id"])
    await tx.execute("DELETE FROM sealed.dropped WHERE id = ANY(%s)", (moved,))
    return len(moved)


async def count_waiting(conn: Conn) -> int:
    """In how many drops something waits for a reader, of whichever cases: nobody can say which."""
    row = await fetch_one(conn, "SELECT count(DISTINCT drop_id) AS n FROM sealed.dropped")
    return int(row["n"]) if row else 0


def of(lines: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[UUID, bytes]:
    """The drops that a case's opened items, as (kind, data), know of: their private keys by id."""
    held = (data["drop"] for kind, data in lines if kind == "told" and data.get("drop"))
    return {UUID(one["id"]): bytes.fromhex(one["key"]) for one in held}
