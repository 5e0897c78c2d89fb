"""Close: nothing more is owed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import history, messages, register
from cases.history import Actor
from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Tx


async def close(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None
) -> UUID | None:
    """What no citizen has confirmed is closed by another person than the one who called it done.

    Its writer is told, and where they have not yet said whether it is done they are asked once more.
    """
    case = await register.read(tx, case_id)
    if case.status == "resolved" and await history.last_actor(tx, case_id, "resolve") == str(actor):
        raise Refused("second_person")
    await register.move(tx, case_id, "close", actor=actor, now=now, version=version)
    says = [("case.closed", {"code": {"code": case.code}})]
    if case.status == "confirmed":
        return await messages.tell(tx, keys, case, "close", says=says, now=now)
    says.append(("case.confirm_ask", {"code": {"code": case.code}}))
    return await messages.ask(tx, keys, case, "close", "confirm", says=says, options=messages.IS_IT_DONE, now=now)
