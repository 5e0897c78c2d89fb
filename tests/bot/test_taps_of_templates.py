"""A button under a template, through the real intake: what waits is the answer, and "is it done?" is answered by it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from store.jawab import Jawab
from tests.answers import typed
from tests.bot.phones import Owner, Phone, count
from tests.bot.test_focus import act

KNOCK = "SM" + "0" * 32


async def knocked(owner: Owner, template: str) -> uuid.UUID:
    """The last message of a case has gone out as this template."""
    row = await (
        await owner.execute(
            "UPDATE outbox SET state = 'read', template = %s, provider_id = %s WHERE id ="
            " (SELECT id FROM outbox WHERE purpose = 'case' ORDER BY created_at DESC LIMIT 1) RETURNING id",
            (template, KNOCK),
        )
    ).fetchone()
    assert row
    await owner.execute("UPDATE contacts SET last_inbound_at = now() - interval '2 days'")
    return uuid.UUID(str(row[0]))


async def see(owner: Owner, outbox_id: uuid.UUID) -> tuple[Any, ...]:
    row = await (await owner.execute("SELECT state, missed FROM outbox WHERE id = %s", (outbox_id,))).fetchone()
    assert row
    return tuple(row)


@pytest.mark.parametrize("quotes", [KNOCK, ""])
@pytest.mark.parametrize(
    ("option", "title", "status"), [("yes", "جی ہاں، ہو گیا", "confirmed"), ("no", "نہیں، نہیں ہوا", "disputed")]
)
async def test_is_it_done_is_answered_by_its_button_and_not_asked_once_more(
    jawab: Jawab, owner: Owner, phone: Phone, quotes: str, option: str, title: str, status: str
) -> None:
    await phone.say(*typed())
    await act(jawab, owner, "acknowledge", "resolve")
    asked = await knocked(owner, "done:ur")
    await phone.say(title, choice=f"verify.ask||{option}", quotes=quotes)
    assert await count(owner, "cases", f"status = '{status}'") == 1
    assert await see(owner, asked) == ("read", False)
    await phone.say("سلام")
    assert await see(owner, asked) == ("read", False)


async def test_what_else_waits_comes_with_the_verdict(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed())
    await act(jawab, owner, "acknowledge", "resolve")
    asked = await knocked(owner, "done:ur")
    await owner.execute("UPDATE outbox SET state = 'parked' WHERE purpose = 'case' AND id <> %s", (asked,))
    await phone.say("نہیں، نہیں ہوا", choice="verify.ask||no", quotes=KNOCK)
    assert await count(owner, "outbox", "purpose = 'case' AND state = 'queued' AND freed_at IS NOT NULL") == 1


async def test_other_words_bring_what_waits_with_its_question(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed())
    await act(jawab, owner, "acknowledge", "resolve")
    asked = await knocked(owner, "done:ur")
    await phone.say("سلام")
    assert await see(owner, asked) == ("queued", False)


async def test_read_it_is_no_story_and_leaves_what_was_asked_open(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed())
    await act(jawab, owner, "acknowledge", "answer")
    told = await knocked(owner, "answer:ur")
    before = len(await phone.owed())
    await phone.say("پڑھیں", choice="parked||read", quotes=KNOCK)
    assert await see(owner, told) == ("queued", False)
    assert len(await phone.owed()) == before, "what waited is the answer"
    await owner.execute("UPDATE outbox SET state = 'sent' WHERE id = %s", (told,))
    await phone.say("ٹینکی والی گلی میں، مسجد کے ساتھ")
    assert await count(owner, "cases") == 1
    assert await count(owner, "sorting") == 0
    assert await count(owner, "case_items", "author = 'citizen' AND kind = 'more'") == 1
