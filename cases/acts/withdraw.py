"""Withdraw: a case is taken back at its writer's own wish, and only so.

Who is complained of asks people to take it back, and then "they wanted it". So the wish stands by itself, three days
pass, and another person than the one who has the case, or who wrote the wish down, speaks to its writer and takes it
back. What somebody was pressed to wish is not taken back at all.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import commitments, messages, register
from cases.clocks import COOLING
from cases.history import Actor
from cases.lifecycle import CITIZEN, MOVES, Refused
from cases.register import Case
from store import sessions
from store.crypto import Keys
from store.database import Tx

WHY = ("solved", "unneeded", "pressed", "silent")  # silent: they would rather not say
_OVER = {"wish_at": None, "wish_why": None, "wish_by": None}


async def wish(
    tx: Tx, case_id: UUID, *, now: datetime, why: str = "", actor: Actor = CITIZEN, version: int | None = None
) -> None:
    """That its writer wishes to take it back, and why: it moves nothing. What was said before of why stays."""
    if why not in {"", *WHY}:
        raise Refused("reason_missing")
    case = await register.read(tx, case_id)
    columns = {
        "wish_at": case.wish_at or now,
        "wish_why": "pressed" if case.wish_why == "pressed" else why or case.wish_why or "",
        "wish_by": case.wish_by or str(actor),
    }
    await register.move(tx, case_id, "wish", actor=actor, now=now, version=version, data={"why": why}, columns=columns)


async def say_wish(tx: Tx, case: Case, why: str, *, by_code: bool, now: datetime) -> None:
    """What somebody says in the conversation. From another phone with the code it is no wish of the case's writer."""
    if not by_code and (case.status, "wish") in MOVES:
        await wish(tx, case.id, now=now, why=why)


async def go_on(tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None) -> None:
    """The wish is over: its writer, asked by a person, wants an answer."""
    case = await register.read(tx, case_id)
    if case.wish_at is None:
        raise Refused("wish_missing")
    await register.move(tx, case_id, "go_on", actor=actor, now=now, version=version, columns=_OVER)


def withdrawable_from(case: Case) -> datetime | None:
    """From when a case may be taken back; None where nobody wished it, or only because they were pressed."""
    return case.wish_at + COOLING if case.wish_at and case.wish_why != "pressed" else None


async def withdraw(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, why: str, version: int | None = None
) -> UUID | None:
    """`why` is what its writer said to the person who takes it back. They are told, and may say that it is not so."""
    case = await register.read(tx, case_id)
    if case.wish_at is None:
        raise Refused("wish_missing")
    if why not in WHY:
        raise Refused("reason_missing")
    possible = withdrawable_from(case)
    if possible is None or why == "pressed":
        raise Refused("pressed")
    if str(actor) in {str(case.assigned_to), case.wish_by}:
        raise Refused("another_takes_back")
    if now < possible:
        raise Refused("cooling")
    says = [("case.withdrawn", {"code": {"code": case.code}})]
    outbox_id = await messages.tell(tx, keys, case, "withdraw", says=says, now=now)
    columns = {"decision": "withdrawn", "wish_why": why, "resolved_at": now, **register.asked(outbox_id, now, count=0)}
    await register.move(
        tx, case_id, "withdraw", actor=actor, now=now, version=version, data={"why": why}, columns=columns
    )
    await commitments.drop_open(tx, case_id, reason="withdrawn", now=now)
    await sessions.unask(tx, case_id)
    return outbox_id
