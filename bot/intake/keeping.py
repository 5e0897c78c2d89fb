"""Messages that are kept without a turn: each is there, encrypted, before the provider hears its 200."""

from __future__ import annotations

from uuid import UUID

from bot.channels import Inbound
from bot.intake.message import Turn
from store import alarms, inbox, outbox
from store.database import Tx, new_id
from store.jawab import Jawab

NEUTRAL = {"says": [["intake.kept", {}]], "options": []}  # the answer when a turn failed: its words are safe


async def keep_unrouted(jawab: Jawab, message: Inbound) -> str:
    """Nobody owns the number it came to: stored, not answered, and a person is told. Returns unrouted or repeat."""
    async with jawab.db.transaction("intake") as tx:
        kept = await _keep(tx, jawab, message, id=new_id(), contact_id=None, state="unrouted", error="unknown_number")
        if kept:
            await alarms.sound(tx, "unknown_number", to=message.to)
    return "unrouted" if kept else "repeat"


async def keep_robot(jawab: Jawab, message: Inbound, contact_id: UUID) -> str:
    """What a robot sent is kept and never answered: two robots would talk for ever. Returns taken or repeat."""
    async with jawab.db.transaction("intake") as tx:
        kept = await _keep(tx, jawab, message, id=new_id(), contact_id=contact_id, state="done", error=None)
    return "taken" if kept else "repeat"


async def note_flood(tx: Tx, turn: Turn) -> None:
    """The first time in a day that a phone sends more than is answered, a person is told of it, and the phone that
    its words are kept.
    """
    who, day = str(turn.contact_id), turn.now.date().isoformat()
    if turn.inbox_id is None or not await alarms.sound(tx, "flood", once=("contact", "day"), contact=who, day=day):
        return
    outbox_id = new_id()
    await outbox.put(
        tx,
        turn.jawab.keys,
        id=outbox_id,
        contact_id=turn.contact_id,
        lane="replies",
        purpose="reply",
        lang=turn.lang or "ur",
        message=NEUTRAL,
        inbox_id=turn.inbox_id,
    )
    turn.ring("replies", str(outbox_id))


async def keep_undone(
    jawab: Jawab,
    message: Inbound,
    contact_id: UUID | None,
    lang: str,
    error: str,
    *,
    answer: bool,
    id: UUID | None = None,
) -> str:
    """The second transaction of a failed turn: the message alone, an alarm, and a neutral answer.

    Returns undone or repeat; the sweep takes it up again.
    """
    inbox_id, outbox_id = id or new_id(), new_id()
    async with jawab.db.transaction("intake") as tx:
        if not await _keep(tx, jawab, message, id=inbox_id, contact_id=contact_id, state="undone", error=error):
            return "repeat"
        await alarms.sound(tx, "undone", inbox=str(inbox_id), error=error)
        if answer and contact_id is not None:
            await outbox.put(
                tx,
                jawab.keys,
                id=outbox_id,
                contact_id=contact_id,
                lane="replies",
                purpose="reply",
                lang=lang or "ur",
                message=NEUTRAL,
                inbox_id=inbox_id,
            )
    if answer:
        jawab.bell.ring("replies", "replies", str(outbox_id))
    return "undone"


async def _keep(
    tx: Tx, jawab: Jawab, message: Inbound, *, id: UUID, contact_id: UUID | None, state: str, error: str | None
) -> bool:
    return await inbox.keep(
        tx,
        jawab.keys,
        id=id,
        provider=message.provider,
        provider_id=message.provider_id,
        contact_id=contact_id,
        body=message.as_dict(),
        state=state,
        error=error,
    )
