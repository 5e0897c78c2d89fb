"""What only the database can answer in the middle of a turn: a typed case code, a facility's short code."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from bot.channels import Inbound
from bot.intake.message import Turn
from cases import calendar, clocks, readable, register, scorecards, sorting
from cases.protected import vault
from flows.effects import LookUp, Seal, SealStory, Step
from flows.model import Found, FoundCase, FoundFacility
from store import outbox, tries
from store.database import Tx, fetch_one
from store.jawab import Jawab

# Guessing: 10^12 codes, five wrong ones an hour from a phone and 200 from everybody together.
TRIES_A_PHONE, TRIES_OF_ALL = 5, 200


async def hash_codes(turn: Turn, step: Step) -> None:
    """Hash the codes that this turn needs hashed, on a thread: 0.2 s and 64 MiB belong on no loop and no transaction.

    A look-up always pays for it, so that an ordinary, a protected and a wrong code take the same time.
    """
    for effect in step.effects:
        if isinstance(effect, (Seal, SealStory)) or (isinstance(effect, LookUp) and effect.what == "case"):
            await hash_code(turn, effect.code)


async def hash_code(turn: Turn, code: str) -> None:
    if code not in turn.hashes:
        turn.hashes[code] = await asyncio.to_thread(turn.jawab.keys.hash_code, code)


async def find(tx: Tx, turn: Turn, asked: LookUp) -> Found:
    """The answer to one look-up, for a `found` event."""
    return await _FIND[asked.what](tx, turn, asked.code)


DONE = "case.confirm_ask"  # the text that asks whether something is done


async def quoted(jawab: Jawab, contact_id: UUID, message: Inbound) -> tuple[str, bool]:
    """The code in the message of ours that this one quotes ("" where there is none), and whether that asks "done?"."""
    if not message.quotes:
        return "", False
    async with jawab.db.autocommit("intake") as auto:
        said = await outbox.said(auto, jawab.keys, contact_id, message.quotes)
    asks = any(key == DONE for key, _ in said.get("says", ()))
    for _, values in said.get("says", ()):
        match values.get("code"):
            case {"code": str(code)}:
                return code, asks
    return "", False


async def _case(tx: Tx, turn: Turn, code: str) -> Found:
    so_far = await tries.count(tx, turn.contact_id)
    if so_far.mine >= TRIES_A_PHONE or so_far.all >= TRIES_OF_ALL:
        return FoundCase()
    row = await fetch_one(
        tx,
        "SELECT cases.id, status, due_at, opened_at, last_said, NULL AS words, NULL::uuid AS dismissed"
        " FROM cases LEFT JOIN clocks ON clocks.case_id = cases.id AND clocks.kind = 'resolve'"
        " WHERE district_id = %(here)s AND (code = %(code)s"
        " OR (id = (SELECT case_id FROM joined WHERE joined.code = %(code)s) AND cases.contact_id IS NOT NULL))"
        " UNION ALL SELECT id, CASE state WHEN 'answered' THEN 'acknowledged' ELSE 'received' END, due_resolve,"
        " received_at, NULL, words, CASE state WHEN 'dismissed' THEN id END FROM sorting"
        " WHERE (code = %(code)s OR id = (SELECT case_id FROM joined WHERE joined.code = %(code)s))"
        " AND district_id = %(here)s",
        {"code": code, "here": turn.district.id},
    )
    if row is not None:
        if row["dismissed"] is not None:  # whoever asks what became of it does not hold it for no complaint
            await sorting.look_again(tx, row["dismissed"], turn.now)
        return FoundCase(
            state=row["status"],
            due=calendar.day_of(row["due_at"]).isoformat() if row["due_at"] else "",
            day=calendar.day_of(row["opened_at"]).isoformat(),
            last=readable.show(_told(turn, row), turn.lang or "ur", turn.channel, code),
        )
    sealed = await vault.find(tx, turn.hashes[code])
    if sealed is not None and sealed.district_id == turn.district.id:  # like an ordinary one: at its own number only
        day = sealed.due_resolve - clocks.RESOLVE
        return FoundCase(sealed.status, sealed.due_resolve.isoformat(), day.isoformat(), sealed=True)
    begun = await fetch_one(
        tx, "SELECT at FROM reserved WHERE code = %s AND district_id = %s", (code, turn.district.id)
    )
    if begun is not None:
        owed = calendar.day_of(begun["at"] + clocks.RESOLVE).isoformat()
        return FoundCase("received", owed, calendar.day_of(begun["at"]).isoformat())
    await tries.add(tx, turn.contact_id)
    return FoundCase()


def _told(turn: Turn, row: dict[str, Any]) -> list[readable.Message]:
    if row["words"]:
        return sorting.open_told(turn.jawab.keys, row["id"], row["words"])
    return register.open_last_said(turn.jawab.keys, row["id"], row["last_said"])


async def _facility(tx: Tx, turn: Turn, code: str) -> Found:
    facility = await scorecards.find_facility(tx, turn.district.id, code)
    return FoundFacility(str(facility.id), facility.names) if facility else FoundFacility()


_FIND = {"case": _case, "facility": _facility}
