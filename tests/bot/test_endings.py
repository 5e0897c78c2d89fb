"""From the desk's decision to the phone and back, on real rows: what cannot be done, is over, is taken back."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

import pytest

from cases import acts
from store.jawab import Jawab
from tests.answers import answer, typed
from tests.bot.phones import Owner, Phone, count
from tests.bot.test_focus import case_and_handler, texts

DONE_ON = date(2026, 11, 1)


async def decide(jawab: Jawab, owner: Owner, outcome: str) -> uuid.UUID:
    case_id, handler = await case_and_handler(owner)
    async with jawab.db.transaction("console") as tx:
        await acts.resolve(
            tx, jawab.keys, case_id, actor=handler, now=datetime.now(UTC), outcome=outcome, done_on=DONE_ON
        )
    return case_id


@pytest.mark.parametrize(("said", "status"), [("1", "closed"), ("قبول نہیں، اوپر لے جائیں", "appealed")])
async def test_a_refusal_is_accepted_or_taken_higher(
    jawab: Jawab, owner: Owner, phone: Phone, said: str, status: str
) -> None:
    await phone.say(*typed())
    await decide(jawab, owner, "cannot_budget")
    assert [key for key, _ in (await phone.owed())[-1]["says"]] == ["case.resolved", "case.accept_ask"]
    await phone.say(said)
    assert await count(owner, "cases", f"status = '{status}'") == 1
    assert await count(owner, "case_history", "verb IN ('confirm', 'dispute')") == 0
    assert await count(owner, "sessions", "focus_kind IS NOT NULL") == 0


async def test_by_its_number_a_refusal_reads_as_one_and_is_accepted_by_its_own_phone_only(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say(*typed())
    code = await phone.code()
    await decide(jawab, owner, "cannot_court")
    other = Phone(jawab, owner, "+923990000002")
    said = await other.say("سلام", "1", code)
    keys = [key for key, _ in said[-1]["says"]]
    assert keys == ["follow.now", "follow.last", "case.accept_ask"]
    assert said[-1]["says"][0][1]["status"] == {"key": "status.cannot"}
    await other.say("1")
    assert await count(owner, "cases", "status = 'cannot'") == 1
    await other.say(code, "2")
    assert await count(owner, "cases", "status = 'appealed'") == 1, "whoever has the code may say no"


async def test_after_thirty_days_words_are_kept_and_it_is_not_opened_again(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say(*typed())
    case_id = await decide(jawab, owner, "repaired")
    await owner.execute("UPDATE cases SET told_at = now() - interval '32 days'")
    words = "یہ جھوٹ ہے، کچھ نہیں ہوا"
    said = await phone.say(words)
    assert [key for key, _ in said[-1]["says"]] == ["verify.late"]
    assert (words, False) in await texts(jawab, case_id)
    assert await count(owner, "cases", "status = 'resolved'") == 1
    assert await count(owner, "case_history", "verb = 'verdict' AND data ->> 'late' = 'true'") == 1


async def test_a_wish_to_take_it_back_is_written_down_and_moves_nothing(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say(*typed())
    code = await phone.code()
    case_id, _ = await case_and_handler(owner)
    words = "میں شکایت واپس لینا چاہتا ہوں"
    await phone.say("MENU", words, code, answer("withdraw.why", "pressed"))
    assert await count(owner, "cases", "status = 'received' AND wish_why = 'pressed' AND wish_by = 'citizen'") == 1
    assert words in [text for text, _ in await texts(jawab, case_id)]
    assert await count(owner, "outbox", "state = 'withdrawn'") == 0
