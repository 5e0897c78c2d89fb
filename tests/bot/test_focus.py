"""What we asked by ourselves is answered where it belongs: on real rows, from the desk's act to the case's thread."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest

import locales
from cases import acts, register, thread
from store import sessions
from store.jawab import Jawab
from tests.answers import answer, typed
from tests.bot.phones import KARACHI, Owner, Phone, count, heard

PLACE = "کلی کربلا، مسجد کے سامنے"


async def case_and_handler(owner: Owner) -> tuple[uuid.UUID, uuid.UUID]:
    row = await (
        await owner.execute("SELECT cases.id, staff.id FROM cases, staff WHERE staff.role = 'handler'")
    ).fetchone()
    assert row
    return row[0], row[1]


async def texts(jawab: Jawab, case_id: uuid.UUID) -> list[tuple[str | None, bool]]:
    """What a case's thread holds: (text, whether it came from another phone)."""
    async with jawab.db.autocommit("console") as conn:
        return [(item.text, item.by_code) for item in await thread.read(conn, jawab.keys, case_id)]


async def act(jawab: Jawab, owner: Owner, *verbs: str) -> uuid.UUID:
    case_id, staff = await case_and_handler(owner)
    now = datetime.now(UTC)
    more: dict[str, dict[str, Any]] = {
        "acknowledge": {},
        "answer": {"text": "آپ کس گلی میں رہتے ہیں؟"},
        "resolve": {"outcome": "repaired", "done_on": date(2026, 11, 1)},
    }
    async with jawab.db.transaction("console") as tx:
        for verb in verbs:
            await getattr(acts, verb)(tx, jawab.keys, case_id, actor=staff, now=now, **more[verb])
    return case_id


async def test_the_answer_to_a_handler_stands_in_the_thread_and_settles_what_was_asked(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say(*typed())
    case_id = await act(jawab, owner, "acknowledge", "answer")
    assert await count(owner, "sessions", "focus_kind = 'answer'") == 1
    await phone.say("شکریہ", PLACE)
    assert (PLACE, False) in await texts(jawab, case_id)
    assert await count(owner, "sessions", "focus_kind IS NOT NULL") == 0
    assert (await count(owner, "cases"), await count(owner, "sorting")) == (1, 0)


async def test_not_done_in_own_words_disputes_and_keeps_what_was_said(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed())
    case_id = await act(jawab, owner, "acknowledge", "resolve")
    words = "جھوٹ بول رہے ہیں کوئی کام نہیں ہوا"
    await phone.say("السلام علیکم", words)
    assert await count(owner, "cases", "status = 'disputed'") == 1
    assert (words, False) in await texts(jawab, case_id)


async def test_a_no_may_come_after_the_case_was_closed_and_its_closing_is_told(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say(*typed())
    case_id = await act(jawab, owner, "acknowledge", "resolve")
    supervisor = (await (await owner.execute("SELECT id FROM staff WHERE role = 'supervisor'")).fetchone() or [None])[0]
    await owner.execute("UPDATE cases SET ask_count = 3, asked_at = now() - interval '8 days'")
    async with jawab.db.transaction("console") as tx:
        assert await acts.close(tx, jawab.keys, case_id, actor=supervisor, now=datetime.now(UTC))
    said = (await phone.owed())[-1]
    assert [key for key, _ in said["says"]] == ["case.closed", "case.confirm_ask"]
    await phone.say("2")
    assert await count(owner, "cases", "status = 'disputed'") == 1


async def test_what_another_phone_with_the_code_adds_is_marked_and_it_reads_the_last_answer(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say(*typed())
    code = await phone.code()
    case_id = await act(jawab, owner, "acknowledge", "answer")
    other = Phone(jawab, owner, "+923990000002")
    said = await other.say("سلام", "1", f"میرا نمبر {code} ہے، کیا بنا؟")
    last = dict(said[-1]["says"])["follow.last"]["last"]
    day = f"{datetime.now(KARACHI):%d-%m-%Y}: "
    assert last.split("\n") == [day + locales.say("case.answered", "ur", code="").strip(), "آپ کس گلی میں رہتے ہیں؟"]
    await other.say(PLACE)
    assert (PLACE, True) in await texts(jawab, case_id)
    assert await count(owner, "sessions", "focus_kind = 'answer'") == 1, "its writer is still asked"


async def test_a_question_older_than_its_days_is_none(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed())
    await act(jawab, owner, "acknowledge", "answer")
    await owner.execute("UPDATE sessions SET focus_at = now() - interval '15 days'")
    said = await phone.say(PLACE)
    assert "report.more" in [key for key, _ in said[-1]["says"]]


@pytest.mark.parametrize(("asked", "kept"), [("answer", "answer"), (None, "edition")])
async def test_an_edition_never_takes_the_focus_from_a_case(
    jawab: Jawab, owner: Owner, phone: Phone, asked: str | None, kept: str
) -> None:
    await phone.say(*typed())
    if asked:
        await act(jawab, owner, "acknowledge", asked)
    contact = (await (await owner.execute("SELECT contact_id FROM sessions")).fetchone() or [None])[0]
    async with jawab.db.transaction("console") as tx:
        await sessions.ask_many(tx, [contact])
    assert await count(owner, "sessions", f"focus_kind = '{kept}'") == 1


async def test_who_asks_for_a_call_is_a_card_that_says_by_whom_and_when(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say("سلام", "1", "مجھے فون کریں", answer("who", "woman"), answer("hour", "noon"))
    assert await count(owner, "sorting", "state = 'call' AND reason = 'person'") == 1


async def test_no_copy_of_an_identity_cards_number_is_kept(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say("سلام", "1", "54400-1234567-1")
    assert await heard(owner, jawab.keys) == ["سلام", "1"]


async def test_a_reply_to_our_receipt_goes_to_its_case(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed("message"))
    receipt = "SM" + "a" * 32
    await owner.execute(
        "UPDATE outbox SET provider_id = %s WHERE id = (SELECT id FROM outbox ORDER BY created_at DESC LIMIT 1)",
        (receipt,),
    )
    await phone.say(answer("message", "yes"), "MENU")
    case_id, _ = await case_and_handler(owner)
    words = "آج بھی پانی نہیں آیا"
    await phone.say(words, quotes=receipt)
    assert (words, False) in await texts(jawab, case_id)
    await phone.say(words, quotes="SM" + "b" * 32)
    assert (await count(owner, "cases")) == 1


async def test_an_answer_that_comes_too_late_moves_nothing_and_is_written_down_all_the_same(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    """Who is told "noted" is noted."""
    await phone.say(*typed())
    case_id = await act(jawab, owner, "acknowledge", "resolve")
    async with jawab.db.transaction("intake") as tx:
        case = await register.read(tx, case_id)
        await acts.say_done(tx, case, "yes", by_code=False, now=datetime.now(UTC))
        await tx.execute("UPDATE cases SET told_at = now() - interval '32 days'")
        await acts.say_done(tx, await register.read(tx, case_id), "no", by_code=False, now=datetime.now(UTC))
    assert await count(owner, "cases", "status = 'confirmed'") == 1
    assert await count(owner, "case_history", "verb = 'verdict' AND data ->> 'verdict' = 'no'") == 1
