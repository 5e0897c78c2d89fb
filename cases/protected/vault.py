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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from secrets import token_bytes
from typing import Any
from uuid import UUID, uuid4

from cases import joined, offices, sorting, triage
from cases.card_boxes import Kept, Lost
from cases.protected import recipients, register, roster, standing
from cases.triage import Custodian
from store import alarms, contacts
from store.crypto import ESCROW, Keys, fingerprint, seal_item
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
    ended: bool  # another number was given for it: this one shows nothing, and words under it go where they belong


async def find(conn: Conn, code_hash: bytes) -> Found | None:
    """The protected case with this code's hash, or None. For the citizen's side only."""
    row = await fetch_one(conn, "SELECT * FROM sealed.case_by_code(%s)", (register.mark(code_hash),))
    if row is None:
        return None
    due = register.open_day(code_hash, row["day_box"])
    return Found(row["case_id"], row["status"], due, row["district_id"], row["closed_on"], row["said"], row["ended"])


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
        keys,
        code_hash=code_hash,
        district_id=district_id,
        now=now,
        readers=await roster.readers(tx, district_id),
        there=found.case_id if found else None,
    )
    await append(tx, keys, case_id=case_id, kind=kind, data=data, now=now)
    return case_id


async def append(
    tx: Tx, keys: Keys, *, case_id: UUID, kind: str, data: Mapping[str, Any], now: datetime | None = None
) -> UUID:
    """Seal one more item into a protected case. Returns the item's id. Raises `Refused` where there is no such case.

    Its readers are those of the case who are still on the roster with the key they were let in with, and always the
    escrow: who has left since, or has a new key, gets no key to what comes later.
    """
    listed = await recipients.read(tx, keys, case_id)
    live = await roster.readers(tx)
    readers = {str(one): key for one, key in live.items() if listed.get(one) == fingerprint(key)}
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
    await _put(tx, case_id, blob, [Wrap(item_id, reader, readers[reader], wrap) for reader, wrap in wraps.items()])
    return item_id


@dataclass(frozen=True, slots=True)
class Wrap:
    """An item's key, sealed to one public key of one reader (a staff id, or the escrow)."""

    item_id: UUID
    reader: str
    public_key: bytes
    wrap: bytes


async def _put(tx: Tx, case_id: UUID, blob: bytes, wraps: Sequence[Wrap]) -> None:
    """One item, with whatever opens it."""
    await tx.execute(
        "INSERT INTO sealed.items (id, case_id, blob) VALUES (%s, %s, %s)", (wraps[0].item_id, case_id, blob)
    )
    await put_wraps(tx, wraps)


async def put_wraps(tx: Tx, wraps: Sequence[Wrap]) -> None:
    """Nothing is written over: a reader has one wrap for each key of theirs."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO sealed.wraps (item_id, reader, key, wrap) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(one.item_id, one.reader, fingerprint(one.public_key), one.wrap) for one in wraps],
        )


async def copy(
    tx: Tx, keys: Keys, *, district_id: str, data: Mapping[str, Any], now: datetime, beside: bytes | None
) -> bytes | None:
    """Seal what a card was just told to whoever may be sealed to, beside the card's first copy; see `adopt`.

    None where there is nobody to seal to: the card is there all the same.
    """
    readers = {str(one): key for one, key in (await roster.readers(tx, district_id)).items()}
    escrow = await standing.escrow_of(tx, keys)
    if escrow is not None:
        readers[ESCROW] = escrow
    if not readers:
        return None
    case_id, item_id = json.loads(beside)["case"] if beside else str(uuid4()), str(uuid4())
    plain = json.dumps({"kind": "story", "at": now.isoformat(), "data": dict(data)}, ensure_ascii=False).encode()
    blob, wraps = seal_item(plain, case_id, item_id, readers)
    boxes = {name: [readers[name].hex(), wrap.hex()] for name, wrap in wraps.items()}
    return json.dumps({"case": case_id, "item": item_id, "blob": blob.hex(), "wraps": boxes}).encode()


async def adopt(tx: Tx, keys: Keys, lost: Lost) -> UUID:
    """Make a protected case of a card that only its sealed copies are left of. Nobody's number opens it any more.

    Its readers are those to whom all of it was sealed, with the keys that they had then.
    """
    copies = [json.loads(one) for one in lost.copies]
    opening = [{(name, key) for name, (key, _) in one["wraps"].items()} for one in copies]
    case_id = await register.put(
        tx,
        keys,
        case_id=UUID(copies[0]["case"]),
        code_hash=token_bytes(32),
        district_id=lost.district_id,
        now=lost.received_at,
        readers={UUID(name): bytes.fromhex(key) for name, key in set.intersection(*opening) if name != ESCROW},
    )
    for one in copies:
        item_id = UUID(one["item"])
        wraps = [
            Wrap(item_id, name, bytes.fromhex(key), bytes.fromhex(wrap)) for name, (key, wrap) in one["wraps"].items()
        ]
        await _put(tx, case_id, bytes.fromhex(one["blob"]), wraps)
    return case_id


async def fill(tx: Tx, keys: Keys) -> int:
    """Boxes without words, until each case has 8 of them, 16, 32 …: how often somebody wrote tells nobody who it was.

    Returns how many were added. A case without readers gets none: who could not tell them apart would look for words.
    """
    rows = await fetch_all(tx, "SELECT case_id, count(*) AS n FROM sealed.items GROUP BY case_id")
    live, added = recipients.of_keys(await roster.readers(tx)), 0
    for row in rows:
        most = FILLED
        while most < row["n"]:
            most *= 2
        if row["n"] < most and (await recipients.read(tx, keys, row["case_id"])).items() & live.items():
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
    case_id = await register.put(
        tx,
        keys,
        code_hash=code_hash,
        district_id=kept.district_id,
        now=kept.received_at,
        readers=await unconflicted(tx, kept.district_id, accused),
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
    if accused:
        data["accused"] = [str(one) for one in accused]  # whoever is let in later must not sit there either
    await append(tx, keys, case_id=case_id, kind="story", data=data, now=kept.received_at)
    for word in (word for word in kept.words if "by" in word):
        said = {"text": f"{word['by']}: {word.get('text', '')}".removeprefix(": ")}
        at = datetime.fromisoformat(word["at"])
        await append(tx, keys, case_id=case_id, kind="note", data=said, now=at)
    await sorting.blank_copies(tx, keys, kept, case_id)
    return case_id


async def unconflicted(tx: Tx, district_id: str, accused: Collection[UUID]) -> dict[UUID, bytes]:
    """The live readers, with keys, whom the accused offices do not reach. For the desk's side: it reads who sits."""
    live = await roster.readers(tx, district_id)
    sitting = await fetch_all(
        tx,
        "SELECT id, district_id AS district, office_id AS office FROM staff WHERE id = ANY(%s)",
        (list(live),),
        of=Custodian,
    )
    return {one: live[one] for one in triage.readers(sitting, district_id, accused, await offices.lines(tx))}
