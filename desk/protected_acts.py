"""What a protected handler does to a case: one form, one act, one transaction, by the key that their session holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from cases.lifecycle import Refused
from cases.protected import acting, admitting, reading, referring
from cases.protected.acting import Reader
from cases.protected.referring import Consent
from store.crypto import Keys
from store.database import Tx

TEXT_MOST = 2000


@dataclass(frozen=True, slots=True)
class Act:
    """One act on one case: who, when, and what the form says."""

    tx: Tx
    keys: Keys
    case_id: UUID
    reader: Reader
    form: dict[str, str]

    @property
    def now(self) -> datetime:
        return self.reader.now

    def text(self, name: str = "text") -> str:
        typed = self.form.get(name, "").strip()
        if len(typed) > TEXT_MOST:
            raise Refused("text_long")
        return typed

    def until(self) -> date | None:
        typed = self.form.get("until", "")
        try:
            return date.fromisoformat(typed) if typed else None
        except ValueError:
            raise Refused("date_missing") from None


Told = Iterable[UUID | None]


async def _see(act: Act) -> Told:
    return [await acting.see(act.tx, act.keys, act.case_id, act.reader)]


async def _start(act: Act) -> Told:
    return [await acting.start(act.tx, act.keys, act.case_id, act.reader)]


async def _answer(act: Act) -> Told:
    return [await acting.answer(act.tx, act.keys, act.case_id, act.reader, text=act.text(), until=act.until())]


async def _ask_back(act: Act) -> Told:
    told = await acting.answer(act.tx, act.keys, act.case_id, act.reader, text=act.text(), asks=True, until=act.until())
    return [told]


async def _plan(act: Act) -> Told:
    await acting.plan(act.tx, act.keys, act.case_id, act.reader, text=act.text(), until=act.until())
    return []


async def _note(act: Act) -> Told:
    await reading.note(act.tx, act.keys, act.case_id, staff_id=act.reader.id, text=act.text(), now=act.now)
    return []


async def _ask_close(act: Act) -> Told:
    await acting.ask_close(
        act.tx,
        act.keys,
        act.case_id,
        act.reader,
        found=act.form.get("found", ""),
        heard=act.form.get("heard", ""),
        text=act.text(),
    )
    return []


async def _unask_close(act: Act) -> Told:
    await reading.unask_close(act.tx, act.case_id, staff_id=act.reader.id)
    return []


async def _close(act: Act) -> Told:
    return await acting.close(act.tx, act.keys, act.case_id, act.reader)


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        return None


async def _refer(act: Act) -> Told:
    form = act.form
    try:
        provider = UUID(form.get("provider", ""))
    except ValueError:
        raise Refused("provider_unknown") from None
    consent = Consent(form.get("consent_who", ""), form.get("consent_how", ""), _day(form.get("consent_on", "")))
    told = await referring.refer(
        act.tx,
        act.keys,
        act.case_id,
        act.reader,
        provider_id=provider,
        consent=consent,
        told=act.text(),
        word=act.text("word"),
        until=act.until(),
    )
    return [told]


async def _step(act: Act) -> Told:
    told = await referring.step(
        act.tx,
        act.keys,
        act.case_id,
        act.reader,
        referral=act.form.get("referral", ""),
        said=act.form.get("step", ""),
        text=act.text(),
        word=act.text("word"),
        until=act.until(),
    )
    return [told]


# End of the address → act; each returns the messages that it owes.
async def _admit(act: Act) -> Told:
    """Another reader reads it too, the old words as well."""
    try:
        other = UUID(act.form.get("who", ""))
    except ValueError:
        raise Refused("staff_unknown") from None
    await admitting.admit(
        act.tx, act.keys, act.case_id, other, staff_id=act.reader.id, private_key=act.reader.private_key
    )
    return []


ACTS: dict[str, Callable[[Act], Awaitable[Told]]] = {
    "seen": _see,
    "start": _start,
    "answer": _answer,
    "askback": _ask_back,
    "plan": _plan,
    "note": _note,
    "ask": _ask_close,
    "unask": _unask_close,
    "close": _close,
    "admit": _admit,
    "refer": _refer,
    "referral": _step,
}
