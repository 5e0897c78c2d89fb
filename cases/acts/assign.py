"""Assign: the case is somebody's work, or nobody's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import history, offices, register
from cases.history import Actor
from cases.lifecycle import DESK, Refused
from store.database import Tx


async def assign(
    tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, to: UUID | None, version: int | None = None
) -> None:
    """Give a case to a handler or supervisor of its district, or to nobody.

    Not to who said that it is done, where its writer has said since that it is not, and to nobody of the office that it
    is about, nor of one below it.
    """
    case = await register.read(tx, case_id)
    if to is not None and await register.role_of(tx, to, case.district_id) not in DESK:
        raise Refused("not_allowed")
    if to is not None and str(to) == await history.gainsaid(tx, case_id):
        raise Refused("other_person")
    if to is not None and await offices.is_about(tx, case_id, to):
        raise Refused("own_office")
    data = {"to": str(to) if to else None}
    await register.move(
        tx, case_id, "assign", actor=actor, now=now, version=version, data=data, columns={"assigned_to": to}
    )
