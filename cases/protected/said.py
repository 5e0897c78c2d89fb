"""What stands at the number of a protected case: the last things told, under a key that only the number makes.

The house keeps the number nowhere, so that nothing it holds opens these words: whoever sends the number brings the key.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from uuid import UUID

from cases import readable
from cases.protected import register
from cases.readable import Message
from store.crypto import Keys, Unopened, lock_box, unlock_box
from store.database import Tx, fetch_one

PAD = 1024  # letters: how long an answer is says little


async def keep(tx: Tx, keys: Keys, case_id: UUID, codes: Iterable[str], message: Message) -> None:
    """Let one more message stand at each of a case's numbers. Two slow hashes for each, on a thread."""
    for code in codes:
        mark = register.mark(await asyncio.to_thread(keys.hash_code, code))
        code_key = await asyncio.to_thread(keys.code_key, code)
        row = await fetch_one(tx, "SELECT box FROM sealed.said WHERE code_hash = %s FOR UPDATE", (mark,))
        kept = [*(open_box(row["box"], code_key) if row else ()), message][-readable.MOST :]
        text = json.dumps(kept, ensure_ascii=False)
        text += " " * (-len(text.encode()) % PAD)
        await tx.execute(
            "INSERT INTO sealed.said (code_hash, case_id, box) VALUES (%s, %s, %s)"
            " ON CONFLICT (code_hash) DO UPDATE SET box = excluded.box",
            (mark, case_id, lock_box(text.encode(), code_key)),
        )


def open_box(box: bytes | None, code_key: bytes) -> list[Message]:
    """What stands at a number, oldest first; [] for nothing, and for what this number does not open."""
    if box is None:
        return []
    try:
        messages: list[Message] = json.loads(unlock_box(bytes(box), code_key))
    except Unopened:
        return []
    return messages
