"""The citizen's side of the protected door: an answer is sealed the moment it comes, and no other copy stays."""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from bot.intake.message import Turn
from cases import sorting
from cases.protected import dropped, register, vault
from flows.effects import Seal, SealStory
from flows.model import Event, Media, Session
from store import contacts, drops, inbox, media, outbox
from store.database import Tx, fetch_one
from store.jawab import Jawab


async def seal(tx: Tx, turn: Turn, effect: Seal) -> None:
    """Seal one answer. The first of a code opens the protected case, with who wrote it inside the seal."""
    said = effect.item.words() | effect.details.answered() | {"spoke": turn.lang}
    if effect.call is not None:
        said |= {"call": asdict(effect.call)}
    if effect.drop:
        case_id = await _drop(tx, turn, effect, said)
    else:
        case_id = await _seal(tx, turn, effect.code, effect.kind, said)
    for file in effect.item.media:
        if file.fault:
            await media.delete(tx, id_of(file))
            await _seal_refused(tx, turn.jawab, case_id, file.content_type, file.fault)
            continue
        await note_media(tx, turn, file, sealed_case_id=case_id)
        turn.ring("chores")
    if effect.kind == "verdict":
        await outbox.let_lie(tx, case_id)
        if effect.details.about in dropped.GAINSAYS and not effect.drop:
            await register.dispute(tx, case_id)
    await blank(tx, turn)


async def seal_story(tx: Tx, turn: Turn, effect: SealStory) -> None:
    """Move a kept story, with its later answers and media, behind the door."""
    kept_id, answers = await sorting.find(tx, turn.jawab.keys, effect.code, turn.contact_id), effect.details.answered()
    if kept_id is None:
        await _seal(tx, turn, effect.code, "open", answers)
    else:
        kept = await sorting.take(tx, turn.jawab.keys, kept_id)
        case_id = await _seal(
            tx,
            turn,
            effect.code,
            "story",
            {"words": kept.words, "answers": {**kept.answers, **answers}, "received_at": kept.received_at.isoformat()},
        )
        await sorting.blank_copies(tx, turn.jawab.keys, kept, case_id)
    await blank(tx, turn)


async def _seal(tx: Tx, turn: Turn, code: str, kind: str, data: dict[str, Any]) -> UUID:
    opened = await vault.find(tx, turn.hashes[code])
    await register.note_words(tx, opened.case_id if opened else uuid4())  # asked alike where it opens a case
    address = await contacts.address(tx, turn.jawab.keys, turn.contact_id)
    who: dict[str, Any] = {"code": code}  # so that whoever reads it can answer at the number
    if opened is None:
        who |= {"channel": turn.channel, "address": address, "lang": turn.lang}
    return await vault.seal(
        tx,
        turn.jawab.keys,
        code_hash=turn.hashes[code],
        district_id=turn.district.id,
        kind=kind,
        data={**data, **who, "at": turn.now.isoformat()},
        now=turn.now,
    )


async def _drop(tx: Tx, turn: Turn, effect: Seal, said: dict[str, Any]) -> UUID:
    """Into the drop that stands with this phone: which case it is for, nobody here can tell. Returns the drop's id."""
    drop_id = UUID(effect.code)
    key = await drops.find_key(tx, drop_id) or turn.drop_keys.get(drop_id)
    if key is None:
        raise LookupError(drop_id)  # the turn is undone, and its words are kept
    await dropped.put(tx, drop_id, key, kind=effect.kind, data=said, now=turn.now)
    return drop_id


async def blank(tx: Tx, turn: Turn) -> None:
    """Blank the ordinary copies of what this phone wrote before this: a day back is more than any of them lasts."""
    await inbox.blank(tx, turn.jawab.keys, turn.contact_id, turn.now - timedelta(days=1))


async def copy(tx: Tx, turn: Turn, sorting_id: UUID, code: str, words: list[dict[str, Any]]) -> None:
    """Beside a card's words, which stand under the key of an hour, the same sealed: for after a restore."""
    row = await fetch_one(tx, "SELECT copies[1] AS first FROM sorting WHERE id = %s", (sorting_id,))
    copied = await vault.copy(
        tx,
        turn.jawab.keys,
        district_id=turn.district.id,
        data={
            "words": words,
            "code": code,
            "channel": turn.channel,
            "address": await contacts.address(tx, turn.jawab.keys, turn.contact_id),
            "lang": turn.lang,
        },
        now=turn.now,
        beside=row["first"] if row else None,
    )
    if copied is not None:
        await sorting.add_copy(tx, sorting_id, copied)


def id_of(file: Media) -> UUID:
    """Of its row; what an older session holds has none."""
    return UUID(file.id) if file.id else uuid4()


async def note_waiting(tx: Tx, turn: Turn, event: Event, session: Session) -> None:
    """Note what came now and waits in the session until it is known where it belongs.

    It is fetched at once, as behind the door: when a refusal is said may not tell which side of it somebody is on.
    """
    for file in waiting(event, session):
        await note_media(tx, turn, file)
        turn.ring("chores")


def waiting(event: Event, session: Session) -> list[Media]:
    """The files of a message that no effect has put anywhere yet."""
    memory = session.memory
    held = [*memory.report.story, *memory.report.held, *(memory.thread.held if memory.thread else ())]
    kept = {file.id for item in held for file in item.media}
    return [file for file in event.media if file.id in kept]


async def note_media(
    tx: Tx, turn: Turn, file: Media, *, case_id: UUID | None = None, sealed_case_id: UUID | None = None
) -> UUID:
    """Note one file as waiting to be fetched from the provider, or as refused already. Returns its id."""
    media_id = id_of(file)
    await media.note(
        tx,
        turn.jawab.keys,
        media_id,
        contact_id=turn.contact_id,
        content_type=file.content_type,
        url=file.url,
        case_id=case_id,
        sealed_case_id=sealed_case_id,
        inbox_id=turn.inbox_id,
        fault=file.fault,
    )
    return media_id


async def seal_media(jawab: Jawab, tx: Tx, row: media.Held, content: bytes | None) -> None:
    """Seal fetched bytes, or why there are none to be had, into their protected case; delete the row that waited."""
    case_id, kind = row.sealed_case_id, row.content_type
    if case_id is None:
        raise ValueError("this file belongs to no protected case")
    if content is None:
        await _seal_refused(tx, jawab, case_id, kind, row.fault or "gone")
    elif (key := await drops.find_key(tx, case_id)) is not None:
        data = {"content_type": kind, "content": base64.b64encode(content).decode()}
        await dropped.put(tx, case_id, key, kind="media", data=data, now=datetime.now(UTC))
    else:
        await vault.seal_bytes(tx, jawab.keys, case_id=case_id, kind="media", content=content, content_type=kind)
    await media.delete(tx, row.id)


async def _seal_refused(tx: Tx, jawab: Jawab, case_id: UUID, kind: str, fault: str) -> None:
    data = {"content_type": kind, "refused": fault}
    key = await drops.find_key(tx, case_id)
    if key is not None:
        await dropped.put(tx, case_id, key, kind="media", data=data, now=datetime.now(UTC))
        return
    await vault.append(tx, jawab.keys, case_id=case_id, kind="media", data=data)
