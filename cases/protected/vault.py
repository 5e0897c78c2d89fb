"""The seal side of the protected room: words go in, and whoever runs this cannot read them back.

Usable by the citizen's side, which may only insert into these tables: no RETURNING, no look at what is there. A seal
that fails raises, and with it the whole turn: words are never kept in clear instead.

A case is known from outside by the hash of its code (`Keys.hash_code`, 0.2 s: reckoned by the caller in a thread,
best before the transaction is opened).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from secrets import token_bytes
from typing import Any
from uuid import UUID, uuid4

from cases import joined, offices, sorting, triage
from cases.card_boxes import Lost
from cases.protected import register, roster, standing
from cases.sorting import Kept
from cases.triage import Custodian
from store import alarms, contacts
from store.crypto import ESCROW, Keys, seal_item
from store.database import Conn, Tx, fetch_all, fetch_one

FILLED, BLANK = 8, "blank"
# What goes along of a card's answers; the rest is the triage's own.
ANSWERS = ("category", "place_id", "place_text", "may_message", "about", "call")


class Nobody(ValueError):
    """There is nobody to seal something to. Nothing of it is written."""


@dataclass(frozen=True, slots=True)
class Found:
    """What whoever has the code may know of a protected case."""

    case_id: UUID
    status: str
    due_resolve: date
    district_id: str
    closed_on: date | None
    said: bytes | None  # what stands at this number; see `said`


async def find(conn: Conn, code_hash: bytes) -> Found | None:
    """The protected case with this code's hash, or None. For the citizen's side only."""
    row = await fetch_one(conn, "SELECT * FROM sealed.case_by_code(%s)", (register.mark(code_hash),))
    if row is None:
        return None
    return Found(row["case_id"], row["status"], register.open_day(code_hash, row["day_box"]), row["district_id"])


async def seal(
    tx: Tx, keys: Keys, *, code_hash: bytes, district_id: str, kind: str, data: Mapping[str, Any], now: datetime
) -> UUID:
    """Seal one answer of a citizen; the first with this code opens the protected case. Returns the case's id.

    Everything that could name a person goes into `data`: words, phone, exact time, language, place below the district.
    Raises ValueError where there is nobody to seal to.
    """
    found = await find(tx, code_hash)
    case_id = await register.put(  # said each time: the first answer of a report costs what the others cost
        tx,
        code_hash=code_hash,
        district_id=district_id,
        now=now,
        recipients=list(await roster.readers(tx, district_id)),
        there=found.case_id if found else None,
    )
    await append(tx, keys, case_id=case_id, kind=kind, data=data, now=now)
    return case_id


async def append(
    tx: Tx, keys: Keys, *, case_id: UUID, kind: str, data: Mapping[str, Any], now: datetime | None = None
) -> UUID:
    """Seal one more item into a protected case. Returns the item's id. Raises `Refused` where there is no such case.

    Its readers are those of the case who are still on the roster, and always the escrow: who has left since gets no
    key to what comes later.
    """
    recipients = await register.readers_of(tx, case_id)
    readers = {str(one): key for one, key in (await roster.readers(tx)).items() if one in recipients}
    if not readers:
        await alarms.sound(tx, "protected_without_reader")
    escrow = await standing.escrow_of(tx, keys)
    if escrow is None:
        await alarms.sound(tx, "protected_without_escrow")
    else:
        readers[ESCROW] = escrow
    if not readers:
        raise Nobody("sealed to nobody: it would be lost")
    item_id = uuid4()  # no id of this room may say when it was made
    plain = json.dumps({"kind": kind, "at": now and now.isoformat(), "data": dict(data)}, ensure_ascii=False).encode()
    blob, wraps = seal_item(plain, str(case_id), str(item_id), readers)
    await _put(tx, case_id, item_id, blob, wraps)
    return item_id


async def _put(tx: Tx, case_id: UUID, item_id: UUID, blob: bytes, wraps: Mapping[str, bytes]) -> None:
    await tx.execute("INSERT INTO sealed.items (id, case_id, blob) VALUES (%s, %s, %s)", (item_id, case_id, blob))
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO sealed.wraps (item_id, reader, wrap) VALUES (%s, %s, %s)",
            [(item_id, reader, wrap) for reader, wrap in wraps.items()],
        )


async def copy(
    tx: Tx, keys: Keys, *, district_id: str, data: Mapping[str, Any], now: datetime, beside: bytes | None
) -> bytes | None:
    """Seal what a card was just told to whoever may be sealed to, beside the card's first copy; see `adopt`.

    None where there is nobody to seal to: the card is there all the same.
    """
    readers = {str(one): key for one, key in (await roster.readers(tx, district_id)).items()}
    if keys.escrow_public is not None:
        readers[ESCROW] = keys.escrow_public
    if not readers:
        return None
    case_id, item_id = json.loads(beside)["case"] if beside else str(uuid4()), str(uuid4())
    plain = json.dumps({"kind": "story", "at": now.isoformat(), "data": dict(data)}, ensure_ascii=False).encode()
    blob, wraps = seal_item(plain, case_id, item_id, readers)
    boxes = {name: base64.b64encode(wrap).decode() for name, wrap in wraps.items()}
    return json.dumps(
        {"case": case_id, "item": item_id, "blob": base64.b64encode(blob).decode(), "wraps": boxes}
    ).encode()


async def adopt(tx: Tx, lost: Lost) -> UUID:
    """Make a protected case of a card that only its sealed copies are left of. Nobody's number opens it any more."""
    copies = [json.loads(one) for one in lost.copies]
    readers = {UUID(name) for one in copies for name in one["wraps"] if name != ESCROW}
    case_id = await register.put(
        tx,
        case_id=UUID(copies[0]["case"]),
        code_hash=token_bytes(32),
        district_id=lost.district_id,
        now=lost.received_at,
        recipients=sorted(readers, key=str),
    )
    for one in copies:
        wraps = {name: base64.b64decode(wrap) for name, wrap in one["wraps"].items()}
        await _put(tx, case_id, UUID(one["item"]), base64.b64decode(one["blob"]), wraps)
    return case_id


async def fill(tx: Tx, keys: Keys) -> int:
    """Boxes without words, until each case has 8 of them, 16, 32 …: how often somebody wrote tells nobody who it was.

    Returns how many were added. A case without readers gets none: who could not tell them apart would look for words.
    """
    rows = await fetch_all(tx, "SELECT case_id, count(*) AS n FROM sealed.items GROUP BY case_id")
    live, added = await roster.readers(tx), 0
    for row in rows:
        most = FILLED
        while most < row["n"]:
            most *= 2
        if row["n"] < most and await register.readers_of(tx, row["case_id"]) & live.keys():
            for _ in range(most - row["n"]):
                await append(tx, keys, case_id=row["case_id"], kind=BLANK, data={})
            added += most - row["n"]
    return added


async def seal_bytes(tx: Tx, keys: Keys, *, case_id: UUID, kind: str, content: bytes, content_type: str) -> UUID:
    """Seal a fetched photo or voice note into a protected case. Returns the item's id."""
    data = {"content_type": content_type, "content": base64.b64encode(content).decode()}
    return await append(tx, keys, case_id=case_id, kind=kind, data=data)


async def seal_kept(tx: Tx, keys: Keys, kept: Kept, *, accused: Collection[UUID] = ()) -> UUID:
    """Move words that somebody has read behind the door: a kept card's or a husk's, its answers and who wrote it.

    `accused` are the offices it is about, where that could be told: nobody of theirs or above them gets a key. The
    ordinary copies go with it, and every code that opened it opens it still. The case gets an id of its own, which no
    ordinary row has ever carried.
    """
    code_hash = await asyncio.to_thread(keys.hash_code, kept.code)
    recipients = await _unconflicted(tx, kept.district_id, accused)
    case_id = await register.put(
        tx,
        code_hash=code_hash,
        district_id=kept.district_id,
        now=kept.received_at,
        recipients=recipients,
        stood=kept.answers.get("status", "received"),
    )
    others = list(await joined.take(tx, kept.id))
    for code in others:
        await register.put_code(tx, case_id, await asyncio.to_thread(keys.hash_code, code), kept.received_at)
    data = {
        "codes": [kept.code, *others],
        "words": [word for word in kept.words if "by" not in word],
        "answers": {name: value for name, value in kept.answers.items() if name in ANSWERS},
        "received_at": kept.received_at.isoformat(),
        "channel": kept.channel,
        "address": await contacts.address(tx, keys, kept.contact_id),
        "lang": kept.lang,
    }
    await append(tx, keys, case_id=case_id, kind="story", data=data, now=kept.received_at)
    for word in (word for word in kept.words if "by" in word):
        said = {"text": f"{word['by']}: {word.get('text', '')}".removeprefix(": ")}
        at = datetime.fromisoformat(word["at"])
        await append(tx, keys, case_id=case_id, kind="note", data=said, now=at)
    await sorting.blank_copies(tx, keys, kept, case_id)
    return case_id


async def has_reader(tx: Tx, district_id: str, accused: Collection[UUID] = ()) -> bool:
    """Whether anybody could open what is sealed now. For the desk's side only."""
    return bool(await _unconflicted(tx, district_id, accused))


async def _unconflicted(tx: Tx, district_id: str, accused: Collection[UUID]) -> list[UUID]:
    """Those of the roster whom the accused offices do not reach. For the desk's side only: it reads who sits where."""
    live = await roster.readers(tx, district_id)
    sitting = await fetch_all(
        tx,
        "SELECT id, district_id AS district, office_id AS office FROM staff WHERE id = ANY(%s)",
        (list(live),),
        of=Custodian,
    )
    return list(triage.readers(sitting, district_id, accused, await offices.lines(tx)))
