"""What a citizen is told of their case: one line in its thread and one message into the outbox, in one transaction.

There is no other way: what is told stands in the case's own thread as its reader sees it, whatever becomes of the
message. The caller rings the bell after the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cases import heard, readable, register, thread
from cases.calendar import day_of
from cases.history import Actor
from cases.register import Case
from cases.thread import Said, Words
from store import drops, outbox, sessions
from store.crypto import Keys
from store.database import Tx, new_id
from store.drops import Drop
from store.sessions import Question

WAITS = "case.waits"  # that there is an answer at the number: what goes to a phone in place of the words themselves

Says = Sequence[tuple[str, Mapping[str, Any]]]  # (text key, values)


async def tell(
    tx: Tx,
    keys: Keys,
    case: Case,
    verb: str,
    *,
    says: Says,
    now: datetime,
    options: Sequence[tuple[str, str]] = (),
    text: str = "",
    by: Actor | None = None,
    apart: bool = False,
) -> UUID | None:
    """Tell the citizen of one act, in the language that they last used in this case. Returns the message's id.

    `verb` is the act that this tells; `options` are (digit, text key); `text` is what `by` typed, as typed. None where
    they did not say that this phone may be messaged: the line is written all the same, for whoever sends the code.
    `apart`: the words stand at the number alone, and the message only says that they do.
    """
    whole = compose(says, options=options, text=text)
    last = await heard.of_case(tx, case.id)
    said = await owe(
        tx,
        keys,
        case.id,
        verb,
        contact_id=case.contact_id,
        lang=last.lang,
        heard_at=last.at,
        may_message=bool(case.may_message),
        message=compose([(WAITS, {"code": {"code": case.code}})]) if apart else whole,
        now=now,
    )
    said = replace(said, message=whole)
    await thread.append_said(tx, keys, case.id, said, now=now, by=by if text.strip() else None)
    await _let_stand(tx, keys, case.id, said, case.day(now))
    return said.outbox_id


async def ask(
    tx: Tx,
    keys: Keys,
    case: Case,
    verb: str,
    question: Question,
    *,
    says: Says,
    now: datetime,
    options: Sequence[tuple[str, str]] = (),
    text: str = "",
    by: Actor | None = None,
    apart: bool = False,
) -> UUID | None:
    """The same, and what they say next is the answer to it."""
    outbox_id = await tell(tx, keys, case, verb, says=says, now=now, options=options, text=text, by=by, apart=apart)
    if outbox_id is not None:
        await sessions.ask(tx, case.contact_id, question, case.id)
        await drops.put(tx, case.contact_id, question, Drop())
    return outbox_id


async def owe(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    verb: str,
    *,
    contact_id: UUID,
    lang: str,
    heard_at: datetime | None,
    may_message: bool,
    message: dict[str, Any],
    now: datetime,
) -> Said:
    """Queue a message about a case or a kept card, where it may be; `lang` and `heard_at` are those of its last words.

    What else this phone wrote, in which language and when, is not looked at: the page of a case would tell of it. The
    line that stands for the message is the caller's: in the thread of a case, or among a card's words.
    """
    reads = lang or "ur"
    if not may_message:
        return Said(verb, message, reads, None)
    outbox_id = new_id()
    await outbox.put(
        tx,
        keys,
        id=outbox_id,
        contact_id=contact_id,
        lane="replies",
        purpose="case",
        lang=reads,
        message=message,
        case_id=case_id,
        due_at=now,
        heard_at=heard_at,
    )
    return Said(verb, message, reads, outbox_id)


async def put_words(
    tx: Tx, keys: Keys, case_id: UUID, words: Iterable[Words], *, lang: str, now: datetime, told: bool = False
) -> None:
    """Words that were kept elsewhere are a case's from now on, with what was told about them; see cases.thread."""
    kept = list(words)
    await thread.put_words(tx, keys, case_id, kept, lang=lang, now=now, told=told)
    for word in kept:
        if word.get("said"):
            await _let_stand(
                tx, keys, case_id, Said.from_json(word["said"]), day_of(datetime.fromisoformat(word["at"]))
            )


async def _let_stand(tx: Tx, keys: Keys, case_id: UUID, said: Said, on: date) -> None:
    message = readable.of(said.verb, said.message, on)
    if message is not None:
        await register.keep_said(tx, keys, case_id, message)


def compose(says: Says, *, options: Sequence[tuple[str, str]] = (), text: str = "") -> dict[str, Any]:
    """A message as it is kept, for `locales.render`. What somebody typed stands before the question that is asked."""
    message: dict[str, Any] = {"says": [[key, dict(values)] for key, values in says]}
    if options:
        message["options"] = [[digit, key, {}] for digit, key in options]
    if text.strip():
        message["text"] = text
        if options:
            message["text_after"] = len(says) - 1
    return message
