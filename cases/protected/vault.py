"""The seal side of the protected room: words go in, and whoever runs this cannot read them back.

Usable by the citizen's side, which may only insert into these tables: no RETURNING, no look at what is there. A seal
that fails raises, and with it the whole turn: words are never kept in clear instead.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from cases import clocks, sorting
from cases.lifecycle import Refused
from cases.sorting import Kept
from store import alarms
from store.crypto import ESCROW, Keys, seal_item
from store.database import Tx


async def seal(
    tx: Tx,
    keys: Keys,
    *,
    case_id: UUID,
    code: str | None,
    district_id: str,
    kind: str,
    data: Mapping[str, Any],
    now: datetime,
) -> UUID:
    """Seal one item of a protected case; with `code` it is the first and opens the case. Returns the item's id.

    Everything that could name a person goes into `data`: words, phone, exact time, language, place below the district.
    Readers are the protected handlers of the roster, outside the district, and always the escrow. Raises `Refused` for
    a case that was never opened, ValueError where there is nobody to seal to.
    """
    roster = {
        row["id"]: bytes(row["public_key"])
        for row in await (await tx.execute("SELECT id, public_key FROM sealed.roster(%s)", (district_id,))).fetchall()
    }
    if code is not None:
        recipients = list(roster)
        await _open(tx, keys, case_id=case_id, code=code, district_id=district_id, recipients=recipients, now=now)
    else:
        recipients = await _recipients(tx, case_id)
    # A reader of the first item who has left since gets no key to the next.
    readers = {str(one): roster[one] for one in recipients if one in roster}
    if not readers:
        await alarms.sound(tx, "protected_without_reader")
    if keys.escrow_public is None:
        await alarms.sound(tx, "protected_without_escrow")
    else:
        readers[ESCROW] = keys.escrow_public
    item_id = uuid4()
    plain = json.dumps({"kind": kind, "at": now.isoformat(), "data": data}, ensure_ascii=False, default=str)
    blob, wraps = seal_item(plain.encode(), str(case_id), str(item_id), readers)
    await tx.execute("INSERT INTO sealed.items (id, case_id, blob) VALUES (%s, %s, %s)", (item_id, case_id, blob))
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO sealed.wraps (item_id, reader, wrap) VALUES (%s, %s, %s)",
            [(item_id, reader, wrap) for reader, wrap in wraps.items()],
        )
    return item_id


async def seal_kept(tx: Tx, keys: Keys, kept: Kept) -> UUID:
    """Move a kept story behind the door: its words, its later answers and who wrote it, under the same code.

    The ordinary copies go with it. The case gets an id of its own, which no ordinary row has ever carried.
    """
    case_id = uuid4()
    contact = {"contact_id": str(kept.contact_id), "channel": kept.channel, "lang": kept.lang, **kept.answers}
    await seal(
        tx,
        keys,
        case_id=case_id,
        code=kept.code,
        district_id=kept.district_id,
        kind="contact",
        data=contact,
        now=kept.received_at,
    )
    for word in kept.words:
        at = datetime.fromisoformat(word["at"])
        await seal(tx, keys, case_id=case_id, code=None, district_id=kept.district_id, kind="story", data=word, now=at)
    await sorting.blank_copies(tx, kept, case_id)
    return case_id


async def find(tx: Tx, keys: Keys, code: str) -> dict[str, Any] | None:
    """{"case_id", "status"} of the protected case with this code, or None. It takes 0.2 s either way."""
    code_hash = await asyncio.to_thread(keys.hash_code, code)
    return await (await tx.execute("SELECT case_id, status FROM sealed.case_by_code(%s)", (code_hash,))).fetchone()


async def _open(
    tx: Tx, keys: Keys, *, case_id: UUID, code: str, district_id: str, recipients: list[UUID], now: datetime
) -> None:
    acknowledge_due, resolve_due = clocks.due(now)
    await tx.execute(
        "INSERT INTO sealed.cases (id, district_id, opened_week, due_acknowledge, due_resolve, code_hash, recipients)"
        " SELECT %(id)s, d.id, to_char(%(now)s::timestamptz AT TIME ZONE d.timezone, 'IYYY-\"W\"IW'),"
        " (%(acknowledge)s::timestamptz AT TIME ZONE d.timezone)::date,"
        " (%(resolve)s::timestamptz AT TIME ZONE d.timezone)::date, %(code_hash)s, %(recipients)s"
        " FROM districts d WHERE d.id = %(district)s",
        {
            "id": case_id,
            "now": now,
            "acknowledge": acknowledge_due,
            "resolve": resolve_due,
            "code_hash": await asyncio.to_thread(keys.hash_code, code),
            "recipients": recipients,
            "district": district_id,
        },
    )


async def _recipients(tx: Tx, case_id: UUID) -> list[UUID]:
    row = await (await tx.execute("SELECT sealed.readers_of(%s) AS readers", (case_id,))).fetchone()
    if row is None or row["readers"] is None:
        raise Refused("case_unknown")
    return list(row["readers"])
