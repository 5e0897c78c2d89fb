"""What the triage decides of a card: read from its form, kept for ten seconds in which it can be undone, then done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from uuid import UUID

import psycopg
import structlog

from cases import cards, decisions, districts
from cases.card_boxes import Kept
from cases.cards import CALLERS, PHRASES
from cases.decisions import Decision
from cases.lifecycle import Refused
from desk.protected import accused_of, seal_card
from desk.roles import Staff
from flows.categories import CATEGORIES
from store import audit
from store.crypto import Keys
from store.database import Tx
from store.jawab import Jawab

log = structlog.get_logger()

TEXT_MOST = 1000  # letters, as of a handler's answer
HOUR_MOST = 40
MOST = 100  # decisions of one run; the next takes the rest

Form = Mapping[str, str]


# ── what a form says: checked at once, so that whoever sent it hears what is missing ─────────────────────────────────
async def _read_queue(tx: Tx, kept: Kept, form: Form) -> dict[str, str]:
    category, place = form.get("category", ""), form.get("place", "")
    if category not in CATEGORIES:
        raise Refused("category_unknown")
    if place:
        await districts.place_value(tx, kept.district_id, place)
    return {"category": category, "place": place}


async def _read_seal(_: Tx, __: Kept, form: Form) -> dict[str, str]:
    return {"accused": " ".join(map(str, accused_of(form)))}


async def _read_join(tx: Tx, kept: Kept, form: Form) -> dict[str, str]:
    case_id = _uuid(form.get("case", ""), "case_missing")
    if case_id not in {case.id for case in (await cards.cases_of(tx, [kept]))[kept.id]}:
        raise Refused("case_unknown")
    return {"case": str(case_id)}


async def _read_answer(_: Tx, kept: Kept, form: Form) -> dict[str, str]:
    phrase, text = form.get("phrase", ""), form.get("text", "").strip()
    if phrase and phrase not in PHRASES:
        raise Refused("phrase_unknown")
    if not phrase and not text:
        raise Refused("text_missing")
    if len(text) > TEXT_MOST:
        raise Refused("text_long")
    if kept.answers.get("may_message") is False:
        raise Refused("not_messaged")
    return {"phrase": phrase, "text": text}


async def _read_call(_: Tx, __: Kept, form: Form) -> dict[str, str]:
    who, hour = form.get("who", ""), form.get("hour", "").strip()
    if form.get("asked") != "1":
        raise Refused("call_unasked")
    if who and who not in CALLERS:
        raise Refused("caller_unknown")
    if len(hour) > HOUR_MOST:
        raise Refused("text_long")
    return {"who": who, "hour": hour}


async def _read_dismiss(_: Tx, __: Kept, ___: Form) -> dict[str, str]:
    return {}


READ: dict[str, Callable[[Tx, Kept, Form], Awaitable[dict[str, str]]]] = {
    "queue": _read_queue,
    "seal": _read_seal,
    "join": _read_join,
    "answer": _read_answer,
    "dismiss": _read_dismiss,
    "call": _read_call,
}


async def decide(tx: Tx, keys: Keys, kept: Kept, verb: str, form: Form, *, staff: Staff, now: datetime) -> str:
    """Keep what was decided of a card. Returns the verb that will be done. Raises `Refused`.

    A report about a person goes behind the door whatever queue it was meant for.
    """
    if kept.state == "locked" and verb != "seal":
        raise Refused("locked")
    said = await READ[verb](tx, kept, form)
    if verb == "queue" and form.get("kind") == "person":
        verb, said = "seal", {**said, **await _read_seal(tx, kept, form)}
    await decisions.put(tx, keys, kept.id, verb, {**said, "by": staff.name}, staff_id=staff.id, now=now)
    await audit.write(tx, str(staff.id), f"sorting.decide:{verb}", str(kept.id))
    return verb


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────
async def _queue(tx: Tx, keys: Keys, made: Decision, now: datetime) -> None:
    form = made.form
    await cards.queue(
        tx,
        keys,
        made.card,
        actor=made.staff_id,
        now=now,
        category=form["category"],
        place_id=form.get("place") or None,
    )


async def _seal(tx: Tx, keys: Keys, made: Decision, now: datetime) -> None:
    form = made.form
    told = {"category": form.get("category"), "place_id": form.get("place")}
    await seal_card(
        tx,
        keys,
        made.card,
        actor=made.staff_id,
        now=now,
        accused=accused_of(form),
        answers={name: value for name, value in told.items() if value},
    )


async def _join(tx: Tx, keys: Keys, made: Decision, now: datetime) -> UUID | None:
    return await cards.join(tx, keys, made.card, actor=made.staff_id, now=now, case_id=UUID(made.form["case"]))


async def _answer(tx: Tx, keys: Keys, made: Decision, now: datetime) -> UUID | None:
    form = made.form
    return await cards.answer(
        tx,
        keys,
        made.card,
        actor=made.staff_id,
        by=form["by"],
        now=now,
        phrase=form.get("phrase", ""),
        text=form.get("text", ""),
    )


async def _dismiss(tx: Tx, keys: Keys, made: Decision, now: datetime) -> None:
    await cards.dismiss(tx, keys, made.card, actor=made.staff_id, now=now)


async def _call(tx: Tx, keys: Keys, made: Decision, now: datetime) -> UUID | None:
    form = made.form
    return await cards.call(
        tx,
        keys,
        made.card,
        actor=made.staff_id,
        by=form["by"],
        now=now,
        who=form.get("who", ""),
        hour=form.get("hour", ""),
    )


Do = Callable[[Tx, Keys, Decision, datetime], Awaitable[UUID | None]]
DO: dict[str, Do] = {
    "queue": _queue,
    "join": _join,
    "answer": _answer,
    "dismiss": _dismiss,
    "call": _call,
}
BEHIND: dict[str, Do] = {"seal": _seal}  # as custody alone


async def carry_out(jawab: Jawab, now: datetime) -> int:
    """Do what was decided ten seconds ago and not taken back. Returns how many. Two at once do each once."""
    return await _carry_out_all(jawab, now, "console", DO)


async def seal(jawab: Jawab, now: datetime) -> int:
    """The same for what goes behind the door: custody does it."""
    return await _carry_out_all(jawab, now, "custody", BEHIND)


async def _carry_out_all(jawab: Jawab, now: datetime, role: str, acts: Mapping[str, Do]) -> int:
    async with jawab.db.autocommit(role) as conn:
        due = await decisions.list_due(conn, now, MOST, acts)
    return sum([await _carry_out(jawab, card, now, role, acts) for card in due])


async def _carry_out(jawab: Jawab, card: UUID, now: datetime, role: str, acts: Mapping[str, Do]) -> bool:
    try:
        async with jawab.db.transaction(role) as tx:
            made = await decisions.take(tx, jawab.keys, card, now)
            if made is None:
                return False
            outbox_id = await acts[made.verb](tx, jawab.keys, made, now)
    except psycopg.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - one that cannot be done must not hold up the others, nor be lost
        reason = error.reason if isinstance(error, Refused) else "broken"
        log.warning("decision not done", card=str(card), error=type(error).__name__, reason=reason)
        await _give_back(jawab, card, reason, role)
        return False
    if outbox_id is not None:
        jawab.bell.ring("replies", "replies", str(outbox_id))
    return True


async def _give_back(jawab: Jawab, card: UUID, reason: str, role: str) -> None:
    """Show the card again, with why; one whose sender has made a case of it meanwhile is sorted."""
    async with jawab.db.transaction(role) as tx:
        if reason == "gone":
            await decisions.forget(tx, card)
        else:
            await decisions.fail(tx, card, reason)


def _uuid(text: str, reason: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused(reason) from None
