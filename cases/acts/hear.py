"""Hear: an office writes about a case it was told of. It stands with the case for a handler and moves nothing."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from cases import history, office_lines, referrals, register
from cases.lifecycle import OPEN
from cases.referrals import Referral
from store.crypto import Keys
from store.database import Tx

OFFICE = "office"  # as an actor in the history


async def hear(
    tx: Tx,
    keys: Keys,
    referral: Referral,
    *,
    line_id: UUID,
    kind: str,
    text: str,
    day: date | None,
    now: datetime,
    typed_by: UUID | None = None,
) -> bool:
    """Keep what was written, also where the case is closed. Returns whether it was: then the office is told so.

    `line_id` is the form's: one that is sent twice is heard once. `typed_by`: who at the desk typed it from the
    office's paper. Raises `Refused`.
    """
    case = await register.read(tx, referral.case_id)
    late = case.status not in OPEN
    if await office_lines.put(
        tx, keys, referral, id=line_id, kind=kind, text=text, day=day, late=late, now=now, typed_by=typed_by
    ):
        if kind in office_lines.ANSWERS:
            await referrals.mark_answered(tx, case.id, referral.office_id, now)
        data = {"line": kind, "office": str(referral.office_id)}
        await history.write(
            tx, case.id, "office", actor=typed_by or OFFICE, now=now, was=case.status, became=case.status, data=data
        )
    return late
