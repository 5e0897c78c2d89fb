"""The page of a case depends on the messages of that case alone, never on what else its telephone writes.

In each test a telephone with an ordinary case on WhatsApp writes something else, a day and a half later; its case is
looked at before and after.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from bot.deliver import drain
from cases import acts, register
from locales import say
from settings import Settings
from store.jawab import Jawab
from tests.answers import STORY, after, typed
from tests.bot.phones import Phone
from tests.conftest import Owner
from tests.desk.conftest import Enter, Office, One
from tests.later import later
from tests.providers.faults import STOPPED
from tests.providers.twilio import FakeTwilio

PHONE = "+923990000001"
ANSWER, AGAIN = "کل ہم آئیں گے۔", "آج بھی آئے تھے۔"
MOVING = re.compile(r'name="(?:csrf|once|version)" value="[^"]*"|\d\d-\d\d-\d{4} \d\d:\d\d')


def report(kind: str) -> list[str]:
    """A report by a telephone that has made one before."""
    return ["MENU", "1", *after("first", category="security", kind=kind, story=STORY)]


# What else a telephone may write.
ELSEWHERE = {
    "a report behind the door": report("person"),
    "an ordinary report": report("service"),
    "the menu": ["MENU"],
    "a report in another language": ["LANGUAGE", "4", *report("person")],
}


@pytest.fixture
def settings(wired: Settings) -> Settings:
    return wired


@dataclass
class Town:
    """One telephone, its case, and a handler who looks at it."""

    jawab: Jawab
    owner: Owner
    phone: Phone
    enter: Enter
    handler: UUID
    case: UUID

    async def send(self) -> None:
        for _ in range(2):
            await drain(self.jawab, "replies")

    async def act(self, verb: Callable[..., Awaitable[Any]], **more: Any) -> None:
        async with self.jawab.db.transaction("console") as tx:
            await verb(tx, self.jawab.keys, self.case, actor=self.handler, now=datetime.now(UTC), **more)
        await self.send()

    async def write(self, *texts: str) -> None:
        await self.phone.say(*texts)
        await self.send()

    async def look(self) -> list[str]:
        handler = await self.enter("handler")
        answer = await handler.get(f"/desk/cases/{self.case}")
        assert answer.status_code == 200
        rows = [str(row) for row in (await handler.soup("/desk/queue")).select("tr, li") if str(self.case) in str(row)]
        return html.unescape(MOVING.sub("", "\n".join([answer.text, *rows]))).splitlines()


@pytest.fixture
async def town(jawab: Jawab, owner: Owner, office: Office, twilio: FakeTwilio, enter: Enter) -> Town:
    """The case is a day and a half old."""
    phone = Phone(jawab, owner, PHONE, "whatsapp")
    await phone.say(*typed(story=STORY))
    row = await (await owner.execute("SELECT id FROM cases ORDER BY opened_at DESC LIMIT 1")).fetchone()
    assert row
    made = Town(jawab, owner, phone, enter, office.staff["handler"], row[0])
    await made.send()
    await later(owner, 36, days=1)
    return made


@pytest.mark.parametrize("what", ELSEWHERE)
async def test_an_answer_that_waits_is_seen_to_wait_whatever_else_is_written(town: Town, one: One, what: str) -> None:
    await town.act(acts.answer, text=ANSWER)
    before = await town.look()
    assert any(say("answer.window", "en") in line for line in before)
    assert any(say("sent.unreached_template", "en") in line for line in before)
    await town.write(*ELSEWHERE[what])
    assert await town.look() == before
    assert (await one("SELECT state FROM outbox WHERE case_id = %s", town.case))["state"] == "sent", "and is not lost"


@pytest.mark.parametrize("what", ELSEWHERE)
async def test_an_answer_that_comes_after_it_goes_as_if_nothing_else_had_been_written(
    town: Town, one: One, what: str
) -> None:
    await town.write(*ELSEWHERE[what])
    await town.act(acts.answer, text=ANSWER)
    seen = "\n".join(await town.look())
    assert say("sent.unreached_template", "en") in seen
    assert say("answer.window", "en") in seen
    owed = await one("SELECT state, lang FROM outbox WHERE case_id = %s", town.case)
    assert (owed["state"], owed["lang"]) == ("parked", "ur"), "in the language of this case"


async def test_what_is_written_in_the_case_shows_what_became_of_it(town: Town, one: One) -> None:
    await town.act(acts.answer, text=ANSWER)
    await town.write("MENU", "STATUS")
    async with town.jawab.db.autocommit("console") as conn:
        code = (await register.read(conn, town.case)).code
    await town.write(code, "منگل کو ٹھیک ہے")
    assert (await one("SELECT count(*) AS n FROM case_items WHERE kind = 'more' AND case_id = %s", town.case))["n"] == 1
    seen = "\n".join(await town.look())
    assert say("sent.unreached_template", "en") not in seen
    assert say("answer.window", "en") not in seen
    assert say("sent.sent", "en") in seen


async def test_what_let_it_go_unseen_is_given_up_when_it_would_have_been(town: Town, owner: Owner, one: One) -> None:
    await town.act(acts.resolve, outcome="repaired", done_on=datetime.now(UTC).date())
    await town.write(*ELSEWHERE["the menu"])
    await later(owner, 24 * 8, days=8)
    async with town.jawab.db.transaction("console") as tx:
        await register.note_told(tx, datetime.now(UTC))
    seen = [line.strip() for line in await town.look() if 'class="small state' in line]
    assert any(say("sent.unreached_expired", "en") in line for line in seen), seen
    assert (await one("SELECT told_at FROM cases WHERE id = %s", town.case))["told_at"] is not None, "it can be closed"


async def test_who_refused_us_is_not_seen_to_write_elsewhere(town: Town, twilio: FakeTwilio, one: One) -> None:
    await town.owner.execute("UPDATE cases SET opened_at = now() WHERE id = %s", (town.case,))
    twilio.faults.append(STOPPED)
    await town.act(acts.answer, text=ANSWER)
    before = await town.look()
    assert any(say("answer.unreachable", "en") in line for line in before)
    assert any(say("sent.stopped", "en") in line for line in before)
    await town.write(*ELSEWHERE["a report behind the door"])
    assert await town.look() == before
    await town.act(acts.answer, text=AGAIN)
    row = await one("SELECT error FROM outbox WHERE case_id = %s ORDER BY created_at DESC LIMIT 1", town.case)
    assert row["error"] == "stopped"


@pytest.mark.parametrize(("kind", "word"), [("person", "unreached_template"), ("service", "noticed")])
async def test_a_report_by_sms_behind_the_door_is_no_other_way_to_its_writer(town: Town, kind: str, word: str) -> None:
    by_sms = Phone(town.jawab, town.owner, PHONE, "sms")
    await by_sms.say(*typed(category="security", kind=kind, story=STORY))
    await town.send()
    await town.act(acts.answer, text=ANSWER)
    assert say(f"sent.{word}", "en") in "\n".join(await town.look())
