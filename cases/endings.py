"""The clock's part after a case has ended: who was told, who is asked again, what people's word does to promises."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from cases import asking, commitments, register
from cases.lifecycle import CLOCK
from store.crypto import Keys
from store.database import Tx

BATCH = 200  # people that one transaction asks; the next run takes the rest
LATELY = timedelta(hours=6)  # how far back each run looks for what people said of promises
EVER = timedelta(days=400)  # and once a day: a clock that stood still has left some


async def sweep(tx: Tx, keys: Keys, now: datetime, *, batch: int = BATCH) -> list[UUID]:
    """Ask once more who has not answered, on the third and the tenth day after they were told how their case ended.

    Returns the outbox ids. Nobody is asked whose phone may not be messaged, or while the last question is on its way.
    """
    await register.note_told(tx, now)
    sent: list[UUID] = []
    for case_id in await register.to_ask(tx, now, batch):
        case = await register.read(tx, case_id)
        outbox_id = await asking.ask(tx, keys, case, "ask", now=now)
        columns = {"asked_by": outbox_id, "ask_count": case.ask_count + 1}
        await register.move(tx, case_id, "ask", actor=CLOCK, now=now, columns=columns)
        if outbox_id is not None:
            sent.append(outbox_id)
    await commitments.follow_people(tx, now, LATELY)
    return sent


async def look_back(tx: Tx, now: datetime) -> None:
    """What people said of promises, however long ago."""
    await commitments.follow_people(tx, now, EVER)
