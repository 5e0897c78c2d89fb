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
        stood, mark, code_key = await _read(tx, keys, code)
        await _put(tx, case_id, mark, code_key, [*stood, message][-readable.MOST :])


async def read(tx: Tx, keys: Keys, codes: Iterable[str]) -> list[Message]:
    """What stands at the first of these numbers that has something, oldest first."""
    for code in codes:
        if stood := (await _read(tx, keys, code))[0]:
            return stood
    return []


async def put(tx: Tx, keys: Keys, case_id: UUID, code: str, messages: list[Message]) -> None:
    """Let all of this stand at a number, and nothing else."""
    _, mark, code_key = await _read(tx, keys, code)
    await _put(tx, case_id, mark, code_key, messages)


async def _read(tx: Tx, keys: Keys, code: str) -> tuple[list[Message], bytes, bytes]:
    mark = register.mark(await asyncio.to_thread(keys.hash_code, code))
    code_key = await asyncio.to_thread(keys.code_key, code)
    row = await fetch_one(tx, "SELECT box FROM sealed.said WHERE code_hash = %s FOR UPDATE", (mark,))
    return open_box(row["box"], code_key) if row else [], mark, code_key


async def _put(tx: Tx, case_id: UUID, mark: bytes, code_key: bytes, messages: list[Message]) -> None:
    text = json.dumps(messages, ensure_ascii=False)
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
