"""The word of people on how their case ended: done, not done, half; accepted, or to be taken higher; or not known."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from cases import history, offices, register
from cases.history import Actor
from cases.lifecycle import CITIZEN, MOVES
from cases.register import Case
from store.database import Tx

Verdict = Literal["yes", "no", "half", "unknown", "accept", "higher"]

# What each says to a case, by whether it was refused: there is nothing to be done of which one could say "not done".
_SAYS: dict[Verdict, tuple[str, str]] = {  # (of what was called done, of what was refused)
    "yes": ("confirm", "accept"),
    "no": ("dispute", "appeal"),
    "half": ("halve", "appeal"),
    "unknown": ("", ""),
    "accept": ("confirm", "accept"),
    "higher": ("dispute", "appeal"),
}
_AGREES = frozenset({"confirm", "accept"})


async def confirm(tx: Tx, case_id: UUID, *, now: datetime, actor: Actor = CITIZEN) -> None:
    """It is done."""
    await register.move(tx, case_id, "confirm", actor=actor, now=now)


async def accept(tx: Tx, case_id: UUID, *, now: datetime, actor: Actor = CITIZEN) -> None:
    """It cannot be done, and its writer takes it so: nothing more is owed."""
    await register.move(tx, case_id, "accept", actor=actor, now=now)


async def dispute(tx: Tx, case_id: UUID, *, now: datetime, actor: Actor = CITIZEN, half: bool = False) -> None:
    """It is not done, or only half: the resolution clock runs on from where it was set, and somebody else looks.

    What was promised for it is open again at the next sweep: the citizen's side cannot write promises.
    """
    columns = {"assigned_to": None}
    await register.move(tx, case_id, "halve" if half else "dispute", actor=actor, now=now, columns=columns)


async def appeal(tx: Tx, case_id: UUID, *, now: datetime, actor: Actor = CITIZEN) -> None:
    """The refusal goes to the office above the one that decided, else to whoever supervises; its clock runs on."""
    case = await register.read(tx, case_id)
    above = await offices.above(tx, case.office_id)
    data: dict[str, Any] = {
        "of": case.resolved_at.isoformat() if case.resolved_at else None,  # the decision that it is against
        "against": case.outcome,
        "from": str(case.office_id) if case.office_id else None,
        "office": str(above) if above else None,
    }
    columns = {"assigned_to": None, "office_id": above or case.office_id}
    await register.move(tx, case_id, "appeal", actor=actor, now=now, data=data, columns=columns)


async def say_done(tx: Tx, case: Case, verdict: Verdict, *, by_code: bool, now: datetime) -> None:
    """What somebody answers to "is it done?" or "do you accept it?".

    `by_code`: from another phone than the case's, by who has its code. Handlers know the codes too, so that what agrees
    from there is kept and confirms nothing. Nor does any answer move a case that has moved on meanwhile, or that ended
    more than thirty days ago: it is written down.
    """
    verb = _SAYS[verdict][case.decision == "refused"]
    possible = (case.status, verb) in MOVES and case.status != "disputed"
    late = not case.disputable(now) and verb not in _AGREES
    if late or not possible or (by_code and verb in _AGREES):
        data = {"verdict": verdict, "by_code": by_code, "late": late}
        await history.write(
            tx, case.id, "verdict", actor=CITIZEN, now=now, was=case.status, became=case.status, data=data
        )
        return
    if verb in {"dispute", "halve"}:
        await dispute(tx, case.id, now=now, half=verb == "halve")
    else:
        await {"confirm": confirm, "accept": accept, "appeal": appeal}[verb](tx, case.id, now=now)
