"""What only the database can answer in the middle of a turn: a typed case code, a facility's short code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from bot.channels import Inbound
from bot.intake import drawer
from bot.intake.message import Turn
from cases import asking, calendar, card_boxes, clocks, readable, register, scorecards, sorting
from cases.protected import said, vault
from flows import taps
from flows.effects import LookUp, Seal, SealStory, Step
from flows.model import LATER, Ending, Found, FoundCase, FoundFacility, Session
from flows.taps import Tap
from store import alarms, outbox, tries
from store.database import Tx, fetch_one
from store.jawab import Jawab

# Guessing: 10^11 codes, and five wrong ones an hour from a phone. From where everybody together has typed this many in
# an hour, a person is told, and each look-up is answered so many seconds later: to nobody is it refused.
TRIES_A_PHONE, TRIES_OF_ALL = 5, 200
SLOW = 20.0


async def hash_codes(turn: Turn, step: Step, twin: Step | None) -> None:
    """See that each code that this turn needs hashed is: those that do not lie ready, before the transaction.

    The number of a report has its hash from its first turn on, whichever side of the door it is on: no later turn
    reckons one. A look-up always pays for it, so that an ordinary, a protected and a wrong code take the same time.
    """
    if step.session.memory.report.code:
        await hash_code(turn, step.session.memory.report.code)
    if twin is not None and twin.session.memory.report.code == turn.drawn.code:
        await hash_code(turn, turn.drawn.code)  # on the other side of the door it would be given now
    for effect in step.effects:
        match effect:
            case SealStory() | Seal(drop=False):
                await hash_code(turn, effect.code)
            case LookUp(what="case"):
                await hash_code(turn, effect.code)
                turn.code_keys[effect.code] = await drawer.of(turn.jawab).open_key(effect.code)


async def hash_code(turn: Turn, code: str) -> None:
    if code not in turn.hashes:
        turn.hashes[code] = await drawer.of(turn.jawab).hash(code)


def write_hashes(session: Session, hashes: Mapping[str, bytes]) -> Session:
    """The session with what is known of the hashes of the codes in it, and of no other.

    Not of a case that a question of ours was about: on the other side of the door nobody knows its code.
    """
    memory = session.memory
    thread = memory.thread.code if memory.thread and not memory.thread.asked else ""
    inside = {memory.report.code, memory.look, thread}
    return replace(session, hashes={code: hashes[code].hex() for code in sorted(inside) if code in hashes})


def read_hashes(session: Session) -> dict[str, bytes]:
    return {code: bytes.fromhex(written) for code, written in session.hashes.items()}


async def find(tx: Tx, turn: Turn, asked: LookUp) -> Found:
    """The answer to one look-up, for a `found` event."""
    return await _FIND[asked.what](tx, turn, asked.code)


# The texts that ask how a case ended.
ASKS: dict[str, Ending] = {asked.text: ending for ending, asked in asking.QUESTIONS.items()}


async def quoted(jawab: Jawab, contact_id: UUID, message: Inbound) -> tuple[str, Ending | None]:
    """The code in the message of ours that this one quotes ("" where there is none), and how that asks it ended."""
    if not message.quotes:
        return "", None
    async with jawab.db.autocommit("intake") as auto:
        said = await outbox.said(auto, jawab.keys, contact_id, message.quotes)
    asks = next((ASKS[key] for key, _ in said.get("says", ()) if key in ASKS), None)
    for _, values in said.get("says", ()):
        match values.get("code"):
            case {"code": str(code)}:
                return code, asks
    return "", None


async def tapped(jawab: Jawab, contact_id: UUID, message: Inbound) -> Tap:
    """What was tapped. "Read it" is an option of nothing any more where nothing waits to be read."""
    tap = taps.read(message.choice)
    if tap.node != taps.WAITING:
        return tap
    async with jawab.db.autocommit("intake") as auto:
        waits = await outbox.is_any_missed(auto, contact_id)
    return tap if waits else Tap(tap.option)


async def _case(tx: Tx, turn: Turn, code: str) -> Found:
    so_far = await tries.count(tx, turn.contact_id)
    if so_far.all >= TRIES_OF_ALL:
        turn.slow = SLOW
    if so_far.mine >= TRIES_A_PHONE:
        return FoundCase(LATER)
    sealed = await vault.find(tx, turn.hashes[code])  # all three are asked whichever of them knows it
    begun = await fetch_one(
        tx, "SELECT at FROM reserved WHERE code = %s AND district_id = %s", (code, turn.district.id)
    )
    row = await fetch_one(
        tx,
        "SELECT cases.id, status, due_at, opened_at, last_said, NULL AS words, NULL::uuid AS dismissed, decision,"
        " told_at FROM cases LEFT JOIN clocks ON clocks.case_id = cases.id AND clocks.kind = 'resolve'"
        " WHERE district_id = %(here)s AND (code = %(code)s"
        " OR (id = (SELECT case_id FROM joined WHERE joined.code = %(code)s) AND cases.contact_id IS NOT NULL))"
        " UNION ALL SELECT id, CASE state WHEN 'answered' THEN 'acknowledged' ELSE 'received' END, due_resolve,"
        " received_at, NULL, words, CASE state WHEN 'dismissed' THEN id END, NULL, NULL FROM sorting"
        " WHERE (code = %(code)s OR code_tag = ANY(%(tags)s)"
        " OR id = (SELECT case_id FROM joined WHERE joined.code = %(code)s))"
        " AND district_id = %(here)s",
        {"code": code, "tags": card_boxes.tags(turn.jawab.keys, code), "here": turn.district.id},
    )
    if row is not None:
        if row["dismissed"] is not None:  # whoever asks what became of it does not hold it for no complaint
            await sorting.look_again(tx, row["dismissed"], turn.now)
        return FoundCase(
            state=row["status"],
            due=calendar.day_of(row["due_at"]).isoformat() if row["due_at"] else "",
            day=calendar.day_of(row["opened_at"]).isoformat(),
            last=readable.show(_told(turn, row), turn.lang or "ur", turn.channel, code),
            asks=asking.ending(row["status"], row["decision"]),
            late=not clocks.disputable(row["status"], row["told_at"], turn.now),
        )
    # Like an ordinary one: at its own number only, and not under a number that ended.
    if sealed is not None and not sealed.ended and sealed.district_id == turn.district.id:
        return FoundCase(
            state=sealed.status,
            due=sealed.due_resolve.isoformat(),
            day=(sealed.due_resolve - clocks.RESOLVE).isoformat(),
            last=readable.show(said.open_box(sealed.said, turn.code_keys[code]), turn.lang or "ur", turn.channel, code),
            sealed=True,
            asks=asking.ending(sealed.status, None),
            late=sealed.closed_on is not None and calendar.day_of(turn.now) > sealed.closed_on + clocks.DISPUTE,
        )
    if begun is not None:
        owed = calendar.day_of(begun["at"] + clocks.RESOLVE).isoformat()
        return FoundCase("received", owed, calendar.day_of(begun["at"]).isoformat())
    await tries.add(tx, turn.contact_id)
    if so_far.all + 1 >= TRIES_OF_ALL:
        await alarms.sound(tx, "code_guessing", once=("day",), day=turn.now.date().isoformat())
    return FoundCase()


def _told(turn: Turn, row: dict[str, Any]) -> list[readable.Message]:
    if row["words"]:
        return card_boxes.open_told(turn.jawab.keys, row["id"], row["words"])
    return register.open_last_said(turn.jawab.keys, row["id"], row["last_said"])


async def _facility(tx: Tx, turn: Turn, code: str) -> Found:
    facility = await scorecards.find_facility(tx, turn.district.id, code)
    return FoundFacility(str(facility.id), facility.names) if facility else FoundFacility()


_FIND = {"case": _case, "facility": _facility}
