"""Close: nothing more is owed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import asking, history, lifecycle, messages, register
from cases.clocks import ASKED_AGAIN, DISPUTE, LEFT_TO_ANSWER
from cases.history import Actor
from cases.lifecycle import Refused
from cases.register import Case
from store.crypto import Keys
from store.database import Tx


def closes_as(case: Case) -> str:
    """What is counted of a case that is closed: confirmed; silent, where they were asked; else not asked."""
    if case.status == "confirmed":
        return "confirmed"
    return "silent" if case.asked_at else "not_asked"


def closable_from(case: Case) -> datetime | None:
    """From when a case may be closed that nobody has confirmed; None while that cannot be known.

    Seven days after it was asked for the last time of three; thirty days after it stood at their number where they
    could not be asked.
    """
    if case.asked_at is None:
        return case.told_at + DISPUTE if case.told_at else None
    return case.asked_at + LEFT_TO_ANSWER if case.ask_count > len(ASKED_AGAIN) else None


async def close(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None
) -> UUID | None:
    """What no citizen has confirmed is closed by another person than the one who decided, and not before its time.

    Its writer is told, and where they have not yet said whether it is so they are asked once more; from that day they
    have thirty days again.
    """
    case = await register.read(tx, case_id)
    lifecycle.move(case.status, "close", await register.role_of(tx, actor, case.district_id))
    if case.status in {"resolved", "cannot"}:
        if await history.last_actor(tx, case_id, "resolve") == str(actor):
            raise Refused("second_person")
        possible = closable_from(case)
        if possible is None or now < possible:
            raise Refused("too_early")
    code = {"code": case.code}
    says = [("case.closed", {"code": code})]
    if case.status == "confirmed":
        outbox_id = await messages.tell(tx, keys, case, "close", says=says, now=now)
    else:
        question = asking.question_of(case)
        says.append((question.text, {"code": code}))
        outbox_id = await messages.ask(
            tx, keys, case, "close", question.kind, says=says, options=question.options, now=now
        )
    data, columns = {"as": closes_as(case)}, register.asked(outbox_id, now, count=case.ask_count)
    await register.move(tx, case_id, "close", actor=actor, now=now, version=version, data=data, columns=columns)
    return outbox_id
