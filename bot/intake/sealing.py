"""The citizen's side of the protected door: an answer is sealed the moment it comes, and no other copy stays."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from cases import sorting
from cases.protected import vault
from store import contacts
from store import media as stored
from store.database import Tx
from store.jawab import Jawab

if TYPE_CHECKING:
    from bot.intake.turn import Turn

Data = dict[str, Any]


async def seal(tx: Tx, turn: Turn, data: Data) -> None:
    """Seal one answer. The first of a code opens the protected case, with who wrote it inside the seal."""
    case_id = await _seal(
        tx, turn, data["code"], data["kind"], {k: v for k, v in data.items() if k not in {"code", "kind", "media"}}
    )
    for media in data.get("media") or ():
        await note_media(tx, turn, uuid.uuid4(), media, sealed_case_id=case_id)
        turn.rings.append(("chores", "chores", ()))
    await blank(tx, turn)


async def seal_story(tx: Tx, turn: Turn, data: Data) -> None:
    """Move a kept story, with its later answers and media, behind the door."""
    kept_id = await sorting.find(tx, data["code"], turn.contact_id)
    answers = {k: v for k, v in data.items() if k != "code"}
    if kept_id is None:
        await _seal(tx, turn, data["code"], "open", answers)
    else:
        kept = await sorting.take(tx, turn.jawab.keys, kept_id)
        case_id = await _seal(
            tx,
            turn,
            data["code"],
            "story",
            {"words": kept.words, "answers": {**kept.answers, **answers}, "received_at": kept.received_at.isoformat()},
        )
        await sorting.blank_copies(tx, kept, case_id)
    await blank(tx, turn)


async def _seal(tx: Tx, turn: Turn, code: str, kind: str, data: Data) -> uuid.UUID:
    opened = await vault.find(tx, turn.hashes[code])
    who: Data = {}
    if opened is None:
        who = {
            "channel": turn.channel,
            "address": await contacts.address(tx, turn.jawab.keys, turn.contact_id),
            "lang": turn.lang,
        }
    return await vault.seal(
        tx,
        turn.jawab.keys,
        code_hash=turn.hashes[code],
        district_id=turn.district.id,
        kind=kind,
        data={**data, **who, "at": turn.now.isoformat()},
        now=turn.now,
    )


async def blank(tx: Tx, turn: Turn) -> None:
    """Blank the ordinary copies of what this phone wrote in this conversation: a day back is more than any lasts."""
    await tx.execute(
        "UPDATE inbox SET body = NULL WHERE contact_id = %s AND state = 'done'"
        " AND received_at > %s - interval '24 hours'",
        (turn.contact_id, turn.now),
    )


async def note_media(
    tx: Tx,
    turn: Turn,
    media_id: uuid.UUID,
    media: Data,
    *,
    case_id: uuid.UUID | None = None,
    sealed_case_id: uuid.UUID | None = None,
) -> None:
    """Note one photo or voice note as waiting to be fetched from the provider."""
    await tx.execute(
        "INSERT INTO media (id, contact_id, case_id, sealed_case_id, content_type, source)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (
            media_id,
            turn.contact_id,
            case_id,
            sealed_case_id,
            media["content_type"],
            turn.jawab.keys.encrypt(media["url"].encode(), stored.bound_to("source", media_id)),
        ),
    )


async def seal_media(jawab: Jawab, tx: Tx, row: dict[str, Any], content: bytes | None) -> None:
    """Seal fetched bytes, or that there are none to be had, into their protected case; delete the row that waited.

    A row that stayed would say for ever which phone has a protected case.
    """
    case_id, kind = row["sealed_case_id"], row["content_type"]
    if content is None:
        await vault.append(tx, jawab.keys, case_id=case_id, kind="media", data={"content_type": kind, "lost": True})
    else:
        await vault.seal_bytes(tx, jawab.keys, case_id=case_id, kind="media", content=content, content_type=kind)
    await tx.execute("DELETE FROM media WHERE id = %s", (row["id"],))
