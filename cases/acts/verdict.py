"""The word of people on what was called done: yes, no, half, or that they do not know."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from cases import history, register
from cases.history import Actor
from cases.lifecycle import CITIZEN
from cases.register import Case
from store.database import Tx


async def confirm(tx: Tx, case_id: UUID, *, now: datetime, actor: Actor = CITIZEN) -> None:
    """It is done."""
    await register.move(tx, case_id, "confirm", actor=actor, now=now)


async def dispute(tx: Tx, case_id: UUID, *, now: datetime, actor: Actor = CITIZEN, half: bool = False) -> None:
    """It is not done, or only half: the resolution clock runs on from where it was set.

    What was promised for it is open again at the next sweep: the citizen's side cannot write promises.
    """
    await register.move(tx, case_id, "halve" if half else "dispute", actor=actor, now=now)


async def say_done(
    tx: Tx, case: Case, verdict: Literal["yes", "no", "half", "unknown"], *, by_code: bool, now: datetime
) -> None:
    """What somebody answers to "is it done?".

    `by_code`: from another phone than the case's, by who has its code. Handlers know the codes too, so that a "yes"
    from there is kept and confirms nothing; nor does any answer move a case that has moved on meanwhile.
    """
    late = case.status not in {"resolved", "closed"}
    if late or verdict == "unknown" or (verdict == "yes" and by_code):
        data = {"verdict": verdict, "by_code": by_code}
        await history.write(
            tx, case.id, "verdict", actor=CITIZEN, now=now, was=case.status, became=case.status, data=data
        )
    elif verdict == "yes":
        await confirm(tx, case.id, now=now)
    else:
        await dispute(tx, case.id, now=now, half=verdict == "half")
