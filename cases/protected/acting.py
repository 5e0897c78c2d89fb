"""What a reader may do to a protected case once they have opened it: see, begin, answer, ask back, plan, close.

Every act is audited before a seal is opened for it. Contacts come out of the opened seal and go no further than the
transaction. All raise `Refused`. Those that tell the reporter something return the id of the message in the outbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from cases import asking, calendar
from cases.lifecycle import Refused
from cases.protected import reading, register, reporter, telling, vault
from cases.protected.telling import Teller
from store import audit
from store.crypto import Keys
from store.database import Tx, fetch_one

FOUND = ("upheld", "not_upheld", "not_examined")  # what came of it
HEARD = ("unnamed", "not_heard")  # was the accused heard, without being told who spoke; or not at all
COME_BACK = timedelta(days=7)  # whoever tells something, or asks, means to read what is said to it


@dataclass(frozen=True, slots=True)
class Reader:
    """Who acts, with their key as it is open in their session."""

    id: UUID
    private_key: bytes
    now: datetime


async def see(tx: Tx, keys: Keys, case_id: UUID, reader: Reader) -> UUID | None:
    """A person has read it, and has: nobody sees what they have not opened. The reporter is told like anybody."""
    teller, _ = await begin(tx, case_id, reader, "seen")
    await _change(tx, case_id, "seen", ("received",))
    date_value = {"date": teller.due.isoformat()}
    return await _tell_if_known(tx, keys, teller, "acknowledge", ("case.acknowledged", {"date": date_value}))


async def start(tx: Tx, keys: Keys, case_id: UUID, reader: Reader) -> UUID | None:
    """Work on it has begun; whoever begins has read."""
    teller, _ = await begin(tx, case_id, reader, "in_progress")
    await _change(tx, case_id, "in_progress", ("received", "seen", "disputed"))
    return await _tell_if_known(tx, keys, teller, "start", ("case.started", {}))


async def answer(
    tx: Tx, keys: Keys, case_id: UUID, reader: Reader, *, text: str, asks: bool = False, until: date | None = None
) -> UUID | None:
    """Words, or a question (`asks`), that the reporter reads by the number; to come back to by `until`."""
    if not text.strip():
        raise Refused("text_missing")
    teller, case = await begin(tx, case_id, reader, "ask" if asks else "answer")
    if case["status"] == "received":
        await _change(tx, case_id, "seen", ("received",))
    await come_back_on(tx, case_id, reader.now, until or calendar.day_of(reader.now) + COME_BACK)
    says = [("case.answered", {"code": teller.code})]
    return await telling.tell(tx, keys, teller, "answer", says=says, text=text, question="answer")


async def plan(tx: Tx, keys: Keys, case_id: UUID, reader: Reader, *, text: str, until: date | None) -> None:
    """What is to be done, and the day on which a reader comes back to it: when it has passed, an alarm sounds."""
    if not text.strip():
        raise Refused("text_missing")
    if until is None:
        raise Refused("date_missing")
    await begin(tx, case_id, reader, "plan")
    await come_back_on(tx, case_id, reader.now, until)
    data = {"text": text, "until": until.isoformat(), "by": str(reader.id)}
    await vault.append(tx, keys, case_id=case_id, kind="plan", data=data, now=reader.now)


async def ask_close(tx: Tx, keys: Keys, case_id: UUID, reader: Reader, *, found: str, heard: str, text: str) -> None:
    """Say what came of it, whether the accused was heard, and what the reporter is to read: another reader closes."""
    if found not in FOUND or heard not in HEARD:
        raise Refused("reason_missing")
    if not text.strip():
        raise Refused("text_missing")
    await begin(tx, case_id, reader, "ask_close")
    if not await register.ask_close(tx, case_id, reader.id):
        raise Refused("unknown_move")
    data = {"found": found, "heard": heard, "text": text, "by": str(reader.id)}
    await vault.append(tx, keys, case_id=case_id, kind="closing", data=data, now=reader.now)


async def close(tx: Tx, keys: Keys, case_id: UUID, reader: Reader) -> list[UUID]:
    """Close what another reader has asked to close, having opened it since: then the reporter reads how it ended.

    Returns the messages' ids.
    """
    teller, case = await begin(tx, case_id, reader, "close")
    asked_by, asked_at = case["close_asked_by"], case["close_asked_at"]
    if asked_at is None or not await has_opened(tx, case_id, reader.id, asked_at):
        raise Refused("unread" if asked_by not in {None, reader.id} else "second_person")
    today = calendar.day_of(reader.now)
    if not await register.close(tx, case_id, reader.id, today):
        raise Refused("unknown_move" if case["status"] == "closed" else "second_person")
    await register.set_follow_up(tx, case_id, today + COME_BACK)
    if not teller.reporter.codes:
        return []
    items = await reading.read_items(tx, case_id, reader.id, reader.private_key)
    word = [one.data for one in items if one.kind == "closing" and one.data["by"] == str(asked_by)]
    sent: list[UUID | None] = []
    for text in [one["text"] for one in word[-1:]]:
        answered = [("case.answered", {"code": teller.code})]
        sent.append(await telling.tell(tx, keys, teller, "answer", says=answered, text=text, question="answer"))
    question = asking.QUESTIONS["confirm"]
    says: list[tuple[str, Mapping[str, Any]]] = [(key, {"code": teller.code}) for key in ("case.closed", question.text)]
    sent.append(await telling.tell(tx, keys, teller, "close", says=says, options=question.options, question="confirm"))
    return [one for one in sent if one is not None]


async def _tell_if_known(
    tx: Tx, keys: Keys, teller: Teller, verb: str, what: tuple[str, Mapping[str, Any]]
) -> UUID | None:
    """What was sealed before numbers were kept in the seal can be told to nobody until its reporter writes again."""
    if not teller.reporter.codes:
        return None
    key, values = what
    return await telling.tell(tx, keys, teller, verb, says=[(key, {"code": teller.code, **values})])


async def begin(tx: Tx, case_id: UUID, reader: Reader, verb: str) -> tuple[Teller, dict[str, Any]]:
    """The case and its reporter, for a reader who has opened it. Written down before anything is opened."""
    case = await reading.require_reader(tx, case_id, reader.id)
    await audit.write(tx, str(reader.id), f"protected.{verb}", str(case_id))
    if not await has_opened(tx, case_id, reader.id):
        raise Refused("unopened")
    items = await reading.read_items(tx, case_id, reader.id, reader.private_key)
    lines = [(item.kind, item.data) for item in items]
    told = [UUID(data["outbox"]) for kind, data in lines if kind == "told" and data.get("outbox")]
    heard = [await telling.last_answered(tx, told)] + [item.at for item in items if item.kind not in reporter.OURS]
    heard_at = max((at for at in heard if at is not None), default=None)
    due = reading.days(items).get("due_resolve", case["due_resolve"])
    return Teller(case_id, case["district_id"], reader.id, reporter.of(lines), heard_at, reader.now, due), case


async def has_opened(tx: Tx, case_id: UUID, staff_id: UUID, since: datetime | None = None) -> bool:
    """Whether a reader has opened a case (since then): nobody acts on what they have not read."""
    row = await fetch_one(
        tx,
        "SELECT 1 FROM sealed.openings WHERE case_id = %s AND staff_id = %s"
        " AND at > coalesce(%s::timestamptz, '-infinity')",
        (case_id, staff_id, since),
    )
    return row is not None


async def _change(tx: Tx, case_id: UUID, status: str, before: tuple[str, ...]) -> None:
    if not await register.set_status(tx, case_id, status, before):
        raise Refused("unknown_move")


async def come_back_on(tx: Tx, case_id: UUID, now: datetime, until: date) -> None:
    if until < calendar.day_of(now):
        raise Refused("date_past")
    await register.set_follow_up(tx, case_id, until)
