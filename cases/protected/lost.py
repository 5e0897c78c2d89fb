"""A lost number behind the door: a reader looks for the safe word, and gives a new number on the call.

The word stands in the seal and nowhere else: no hash of it that somebody with the disk and the keys could try words on.
So a search opens, in the reader's own request, what that month's cases of the district hold. It shows nothing of them.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

from cases.fresh import fresh_code
from cases.lifecycle import Refused
from cases.lost import MOST_WRONG, Found, Sought, hold, sound
from cases.protected import dropped, reading, register, reporter, said, vault
from cases.protected.acting import Reader
from cases.protected.reading import Item
from cases.roles import who_may
from store import audit
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one


async def left(conn: Conn, staff_id: UUID) -> int:
    """How many words may still lead nowhere within this hour."""
    row = await fetch_one(
        conn,
        "SELECT count(*) AS wrong FROM sealed.word_tries"
        " WHERE staff_id = %s AND at > clock_timestamp() - interval '1 hour'",
        (staff_id,),
    )
    return max(0, MOST_WRONG - int(row["wrong"] if row else 0))


async def find(tx: Tx, keys: Keys, sought: Sought, reader: Reader) -> list[Found]:
    """The cases of this reader that a word leads to, oldest first. Raises `Refused` who has guessed too often."""
    await hold(tx, reader.id)
    if not await left(tx, reader.id):
        raise Refused("guessed_often")
    await audit.write(tx, str(reader.id), "protected.find_by_word", str(reader.id))
    found = []
    for row in await fetch_all(
        tx,
        "SELECT c.id, c.opened_week FROM sealed.cases c JOIN staff s ON s.id = %s WHERE s.id = ANY(c.recipients)"
        " AND s.role = ANY(%s) AND s.disabled_at IS NULL AND c.district_id = %s AND c.opened_week = ANY(%s)"
        " ORDER BY c.opened_week, c.id",
        (reader.id, list(who_may("unseal")), sought.district_id, sought.weeks),
    ):
        if _fits(sought, await _open(tx, keys, row["id"], reader)):
            await audit.write(tx, str(reader.id), "protected.found_by_word", str(row["id"]))
            week = date.fromisoformat(f"{row['opened_week']}-1")
            found.append(Found(row["id"], week, "", card=False))
    if not found:
        await tx.execute("INSERT INTO sealed.word_tries (staff_id) VALUES (%s)", (reader.id,))
        if not await left(tx, reader.id):
            await sound(tx, reader.id)
    return found


async def renumber(tx: Tx, keys: Keys, case_id: UUID, sought: Sought, reader: Reader) -> str:
    """Give a new number to a case that the word leads to, for whoever is on the call. Returns it; the old ones end.

    It stands in no message, whatever the reporter allowed: it is said on that call. "" where the word leads not there,
    which counts as a wrong one: the transaction must be committed. Raises `Refused`.
    """
    if case_id not in {one.id for one in await find(tx, keys, sought, reader)}:
        return ""
    await audit.write(tx, str(reader.id), "protected.renumber", str(case_id))
    items = await reading.read_items(tx, case_id, reader.id, reader.private_key)
    known = reporter.of((item.kind, item.data) for item in items)
    stood, code = await said.read(tx, keys, known.codes), fresh_code()
    due = reading.days(items)["due_resolve"]  # the seal that holds the word says when it was told
    await register.renumber(tx, case_id, await asyncio.to_thread(keys.hash_code, code), due)
    if stood:
        await said.put(tx, keys, case_id, code, stood)
    data = {"code": code, "by": str(reader.id)}
    await vault.append(tx, keys, case_id=case_id, kind=reporter.NUMBER, data=data, now=reader.now)
    return code


async def _open(tx: Tx, keys: Keys, case_id: UUID, reader: Reader) -> list[Item]:
    """A case's items for the search, with what came into its drops; that words came is shown until somebody reads."""
    items = await reading.read_items(tx, case_id, reader.id, reader.private_key)
    if await dropped.collect(tx, keys, case_id, dropped.of([(item.kind, item.data) for item in items])):
        await register.note_words(tx, case_id)
        items = await reading.read_items(tx, case_id, reader.id, reader.private_key)
    return items


def _fits(sought: Sought, items: list[Item]) -> bool:
    """Whether the reporter said this word, and named this tehsil or none."""
    words: list[Any] = []
    place: str | None = None
    for item in items:
        if item.kind in reporter.OURS:
            continue
        answers = {**item.data, **(item.data.get("answers") or {})}
        place = answers.get("place") or answers.get("place_id") or place
        kept = [one for one in answers.get("words") or () if isinstance(one, dict)]
        words += [one.get("safe_word") for one in (answers, *kept)]
    return any(sought.fits(word, place) for word in words)
