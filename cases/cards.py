"""What the triage may do to a kept card, short of sealing it. Each is written into the audit with what it does.

Every function is given its transaction and never commits; all raise `Refused`. Those that tell the sender something
return the id of the message in the outbox: the caller rings the bell after the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from cases import calendar, decisions, dismissals, joined, messages, register, sorting, thread
from cases.card_boxes import Kept
from cases.lifecycle import Refused
from store import audit, drops, media, outbox, sessions
from store.crypto import Keys
from store.database import Tx
from store.drops import Drop

# Texts that speakers have read, or will, so that who does not write a language can answer in it.
PHRASES = ("where", "what", "which_office", "since_when", "voice_again", "picture_again", "thanks", "not_ours")
CALLERS = ("woman", "man")  # whom somebody wants to be called by, where it is not all the same to them


async def queue(
    tx: Tx, keys: Keys, card: UUID, *, actor: UUID, now: datetime, category: str, place_id: str | None = None
) -> None:
    """Into the queue of a category, as an ordinary case with the same id, code and clocks."""
    await sorting.open_case(tx, keys, card, category=category, now=now, place_id=place_id)
    await audit.write(tx, str(actor), f"sorting.send:{category}", str(card))


async def join(tx: Tx, keys: Keys, card: UUID, *, actor: UUID, now: datetime, case_id: UUID) -> UUID | None:
    """Into the thread of a case of the same phone. The card's own code opens that case from now on."""
    kept = await sorting.take(tx, keys, card)
    if kept.state == "locked":
        raise Refused("locked")
    case = await register.read(tx, case_id)
    if case.contact_id != kept.contact_id or case.district_id != kept.district_id:
        raise Refused("case_unknown")
    await register.move(tx, case_id, "join", actor=actor, now=now)
    await messages.put_words(tx, keys, case_id, kept.words, lang=kept.lang, now=now, told=True)
    for file in (await media.list_of(tx, [card]))[card]:
        await thread.append_media(tx, keys, case_id, file.id, lang=kept.lang, now=file.created_at)
    await media.join(tx, card, case_id)
    await outbox.pass_on(tx, card, case_id)
    await joined.put(tx, kept.code, case_id, now)
    await audit.write(tx, str(actor), f"sorting.join:{card}", str(case_id))
    # Not its number: this may be read over a shoulder.
    says = [("triage.joined", {"date": {"date": case.day(case.opened_at).isoformat()}})]
    return await messages.ask(tx, keys, case, "join", "answer", says=says, now=now)


async def answer(
    tx: Tx, keys: Keys, card: UUID, *, actor: UUID, by: str, now: datetime, phrase: str = "", text: str = ""
) -> UUID | None:
    """Answer, or ask back: a phrase in the sender's language, words as typed, or both. Their next words come here."""
    kept = await sorting.read(tx, keys, card)
    if phrase and phrase not in PHRASES:
        raise Refused("phrase_unknown")
    if not phrase and not text:
        raise Refused("text_missing")
    _require(kept)
    if kept.answers.get("may_message") is False:
        raise Refused("not_messaged")
    key = f"phrase.{phrase}"
    await sorting.set_state(tx, card, "answered", now)
    await audit.write(tx, str(actor), f"sorting.answer:{phrase or 'typed'}", str(card))
    says: list[tuple[str, dict[str, Any]]] = [("triage.answered", {}), *([(key, {})] if phrase else [])]
    return await _ask(tx, keys, kept, "answer", says=says, text=text, actor=actor, by=by, now=now)


async def call(
    tx: Tx, keys: Keys, card: UUID, *, actor: UUID, by: str, now: datetime, who: str = "", hour: str = ""
) -> UUID | None:
    """Somebody will ring them, a woman or a man, at the hour that they said; told where they may be messaged."""
    kept = await sorting.read(tx, keys, card)
    _require(kept)
    if who and who not in CALLERS:
        raise Refused("caller_unknown")
    await sorting.amend(tx, keys, card, call={"who": who, "hour": hour})
    await sorting.set_state(tx, card, "call", now)
    await audit.write(tx, str(actor), "sorting.call", str(card))
    says = [("triage.call", {"date": {"date": calendar.day_of(max(kept.due_acknowledge, now)).isoformat()}})]
    return await _ask(tx, keys, kept, "call", says=says, actor=actor, by=by, now=now)


async def note_missed(tx: Tx, keys: Keys, card: UUID, *, actor: UUID, by: str, now: datetime) -> None:
    """Nobody picked up. The card waits for the next call."""
    await sorting.append_ours(tx, keys, card, "", staff_id=actor, by=by, kind="missed", now=now)
    await audit.write(tx, str(actor), "sorting.missed", str(card))


async def dismiss(tx: Tx, keys: Keys, card: UUID, *, actor: UUID, now: datetime) -> None:
    """Not a complaint: no clock runs, it is counted apart, and the sender's next words take it back."""
    kept = await sorting.read(tx, keys, card)
    if not await sorting.set_state(tx, card, "dismissed", now):
        raise Refused("locked" if kept.state == "locked" else "gone")
    await dismissals.put(tx, card, district_id=kept.district_id, staff_id=actor, now=now)
    await audit.write(tx, str(actor), "sorting.dismiss", str(card))


async def bring_back(tx: Tx, keys: Keys, card: UUID, *, actor: UUID, now: datetime) -> None:
    """A complaint after all."""
    await sorting.read(tx, keys, card)
    if not await sorting.set_state(tx, card, "waiting", now, over=("dismissed", "answered", "call")):
        raise Refused("unknown_move")
    await dismissals.take_back(tx, card)
    await decisions.forget(tx, card)
    await audit.write(tx, str(actor), "sorting.bring_back", str(card))


async def cases_of(tx: Tx, cards: Sequence[Kept]) -> dict[UUID, list[register.Case]]:
    """The cases of each card's phone in its district, newest first, without a word of theirs."""
    found = await register.of_contacts(tx, [card.contact_id for card in cards])
    return {
        card.id: [case for case in found if case.contact_id == card.contact_id and case.district_id == card.district_id]
        for card in cards
    }


def _require(kept: Kept) -> None:
    if kept.state == "locked":
        raise Refused("locked")


async def _ask(
    tx: Tx,
    keys: Keys,
    kept: Kept,
    verb: Literal["answer", "call"],
    *,
    says: messages.Says,
    actor: UUID,
    by: str,
    now: datetime,
    text: str = "",
) -> UUID | None:
    """Tell a card's sender something and keep it among its words: their next ones answer it.

    Returns the message's id; None where they said no to messages, and it is only kept.
    """
    said = await messages.owe(
        tx,
        keys,
        kept.id,
        verb,
        contact_id=kept.contact_id,
        lang=kept.lang,
        heard_at=sorting.heard_at(kept),
        may_message=kept.answers.get("may_message") is not False,
        message=messages.compose(says, text=text),
        now=now,
    )
    await sorting.append_ours(tx, keys, kept.id, said.shown(), staff_id=actor, by=by, kind=verb, now=now, said=said)
    if said.outbox_id is not None:
        await sessions.ask(tx, kept.contact_id, verb, kept.id)
        await drops.put(tx, kept.contact_id, verb, Drop())
    return said.outbox_id
