"""What only the database can answer in the middle of a turn: a typed case code, a facility's short code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cases import calendar
from cases.protected import vault
from flows.model import Step
from store.database import Tx, fetch_one

if TYPE_CHECKING:
    from bot.intake.turn import Turn

# Guessing: 10^12 codes, five wrong ones an hour from a phone and 200 from everybody together.
TRIES_A_PHONE, TRIES_OF_ALL = 5, 200
UNKNOWN: dict[str, Any] = {"what": "case", "state": "none", "due": "", "mine": False}


async def hash_codes(turn: Turn, step: Step) -> None:
    """Hash the codes that this turn needs hashed, on a thread: 0.2 s and 64 MiB belong on no loop and no transaction.

    A look-up always pays for it, so that an ordinary, a protected and a wrong code take the same time.
    """
    for effect in step.effects:
        if effect.kind in {"seal", "seal_story"} or effect.data.get("what") == "case":
            await hash_code(turn, str(effect.data["code"]))


async def hash_code(turn: Turn, code: str) -> None:
    if code not in turn.hashes:
        turn.hashes[code] = await asyncio.to_thread(turn.jawab.keys.hash_code, code)


async def find(tx: Tx, turn: Turn, asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to one look_up effect, as the data of a `found` event."""
    return await _FIND[asked["what"]](tx, turn, asked)


async def _case(tx: Tx, turn: Turn, asked: dict[str, Any]) -> dict[str, Any]:
    tries = await fetch_one(
        tx,
        "SELECT count(*) FILTER (WHERE contact_id = %s) AS mine, count(*) AS all FROM code_tries"
        " WHERE at > now() - interval '1 hour'",
        (turn.contact_id,),
    )
    if tries is not None and (tries["mine"] >= TRIES_A_PHONE or tries["all"] >= TRIES_OF_ALL):
        return UNKNOWN
    code = str(asked["code"])
    row = await fetch_one(
        tx,
        "SELECT status, due_at, contact_id FROM cases LEFT JOIN clocks"
        " ON clocks.case_id = cases.id AND clocks.kind = 'resolve' WHERE code = %(code)s AND district_id = %(here)s"
        " UNION ALL SELECT 'received', due_resolve, contact_id FROM sorting"
        " WHERE code = %(code)s AND district_id = %(here)s",
        {"code": code, "here": turn.district.id},
    )
    if row is not None:
        return {
            "what": "case",
            "state": row["status"],
            "due": calendar.day_of(row["due_at"]).isoformat() if row["due_at"] else "",
            "mine": row["contact_id"] == turn.contact_id,
        }
    sealed = await vault.find(tx, turn.hashes[code])
    if sealed is not None and sealed["district_id"] == turn.district.id:  # like an ordinary one: at its own number only
        return {"what": "case", "state": sealed["status"], "due": sealed["due_resolve"].isoformat(), "mine": False}
    await tx.execute("INSERT INTO code_tries (contact_id) VALUES (%s)", (turn.contact_id,))
    return UNKNOWN


async def _facility(tx: Tx, turn: Turn, asked: dict[str, Any]) -> dict[str, Any]:
    row = await fetch_one(
        tx,
        "SELECT id, names FROM facilities WHERE district_id = %s AND short_code = %s",
        (turn.district.id, str(asked["code"])),
    )
    if row is None:
        return {"what": "facility", "id": ""}
    return {"what": "facility", "id": str(row["id"]), "names": row["names"]}


_FIND = {"case": _case, "facility": _facility}
