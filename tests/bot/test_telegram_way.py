"""A citizen on Telegram from web hook to code and back, through the real application, database and aiogram's client."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiogram  # noqa: F401 - here, so that no test waits for it
import httpx
import psycopg
import pytest

from bot import registry
from bot.deliver import drain, recover
from bot.media import fetch_waiting
from flows import taps
from locales import say
from settings import Settings
from store import channels
from store.jawab import Jawab
from tests.answers import after, typed
from tests.bot.conftest import Rows
from tests.bot.phones import CODE, count
from tests.providers.telegram import (
    CANARY,
    CITIZEN,
    FLOOD,
    SECRET,
    SECRET_HEADER,
    TOKEN,
    FakeTelegram,
    Fault,
    Taken,
)

ROOT = Path(__file__).parents[2]
URDU_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
STORY = "مئے میتگ ءَ دہ روچ انت کہ آپ نیست انت"
VOICE, PHOTO = b"OggS" + b"voice" * 50, b"\xff\xd8\xff\xe0" + b"photo" * 50


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    with FakeTelegram() as fake:
        yield fake


@pytest.fixture
def settings(wired: Settings, telegram: FakeTelegram) -> Settings:
    """The first account is that of the environment."""
    more = {"telegram_token": TOKEN, "telegram_secret": SECRET, "telegram_api_url": telegram.url}
    return wired.model_copy(update=more)


@dataclass
class Chat:
    """One chat with the bot: each thing sent goes through the door, and each reply out through the real deliver."""

    http: httpx.AsyncClient
    fake: FakeTelegram
    jawab: Jawab
    id: int = CITIZEN
    path: str = "/in/telegram"
    answers: list[str] = field(default_factory=list)
    taps: int = 0

    async def send(self, update: dict[str, Any]) -> Taken:
        before = len(self.fake.ledger)
        await self.post(update)
        await drain(self.jawab, "replies")
        (taken,) = self.fake.ledger[before:]
        return taken

    async def post(self, update: dict[str, Any]) -> None:
        status, body = await self.fake.post(self.http, update, self.path)
        assert status == 200, body
        self.answers.append(body)

    async def say(self, text: str = "", **more: Any) -> Taken:
        return await self.send(self.fake.message(text, self.id, **more))

    async def tap(self, option: str) -> Taken:
        """Tap the button of this option under the last message."""
        carried = [what for what, _ in self.fake.ledger[-1].buttons if taps.read(what).option == option]
        assert carried, (option, self.fake.ledger[-1].buttons)
        return await self._press(carried[0])

    async def reach(self, question: str) -> None:
        """Tap the first button of every question until this one is open."""
        while taps.read(first := self.fake.ledger[-1].buttons[0][0]).node != question:
            await self._press(first)

    async def _press(self, carried: str) -> Taken:
        self.taps += 1
        return await self.send(self.fake.tap(carried, self.id))


@pytest.fixture
def chat(client: httpx.AsyncClient, telegram: FakeTelegram, jawab: Jawab) -> Chat:
    return Chat(client, telegram, jawab)


async def test_a_complaint_in_balochi_by_taps_with_voice_photo_and_place(
    chat: Chat, telegram: FakeTelegram, jawab: Jawab, owner: psycopg.AsyncConnection[Any]
) -> None:
    telegram.files |= {"AwV1": ("voice/1.oga", VOICE), "AgP1": ("photos/1.jpg", PHOTO)}
    first = await chat.say("/start")
    assert [text for _, text in first.buttons] == ["اردو", "پښتو", "بلوچی", "براہوئی"]
    await chat.tap("bal")
    await chat.tap("water")
    await chat.tap("service")
    await chat.reach("complaint.place")
    told = await chat.say(location={"latitude": 30.58, "longitude": 66.99})
    assert told.text.startswith(say("report.story", "bal"))
    last = await chat.say(voice={"file_id": "AwV1", "file_unique_id": "u", "duration": 3, "mime_type": "audio/ogg"})
    await chat.say(photo=[{"file_id": "AgP1", "file_unique_id": "u", "width": 90, "height": 60}])
    await chat.tap("yes")
    assert CODE.search(last.text.replace(" ", "").replace("\u2066", "").replace("\u2069", "")), last.text
    row = await (await owner.execute("SELECT category, lang, channel FROM cases")).fetchone()
    assert row == ("water", "bal", "telegram")
    taps_answered = [json.loads(body) for body in chat.answers if body]
    assert {answer["method"] for answer in taps_answered} == {"answerCallbackQuery"}
    assert len(taps_answered) == chat.taps
    assert await fetch_waiting(jawab) == 2
    kept = await (await owner.execute("SELECT state, source, content_type FROM media ORDER BY content_type")).fetchall()
    assert kept == [("kept", None, "audio/ogg"), ("kept", None, "image/jpeg")]
    states = await (await owner.execute("SELECT DISTINCT state FROM outbox")).fetchall()
    assert states == [("sent",)], "there is no receipt, and nothing waits for one"


async def test_the_same_by_words_and_digits_and_nothing_of_a_name_is_kept(
    chat: Chat, telegram: FakeTelegram, owner: psycopg.AsyncConnection[Any], jawab: Jawab
) -> None:
    rest = after("category", place="پشین", story=STORY, message="no")
    texts = [*typed("category", lang="bal"), "آپ", *(text.translate(URDU_DIGITS) for text in rest)]
    heard = "".join([(await chat.say(text)).text for text in texts])
    assert CODE.search(heard.replace(" ", "").replace("\u2066", "").replace("\u2069", "")), heard
    assert await count(owner, "cases") == 1
    bodies = await (await owner.execute("SELECT id, body FROM inbox WHERE body IS NOT NULL")).fetchall()
    said = [jawab.keys.get_json(body, f"inbox|body|{one}") for one, body in bodies]
    assert len(said) == len(texts)
    assert CANARY not in json.dumps(said, ensure_ascii=False)
    dump = await (
        await owner.execute(
            "SELECT (SELECT string_agg(o::text, '') FROM outbox o) || (SELECT string_agg(c::text, '') FROM contacts c)"
            " || (SELECT string_agg(i::text, '') FROM inbox i)"
        )
    ).fetchone()
    assert dump
    assert not any(kept in dump[0] for kept in (CANARY, str(CITIZEN), TOKEN))


async def test_an_update_twice_is_one_and_two_bots_may_count_alike(
    chat: Chat,
    telegram: FakeTelegram,
    owner: psycopg.AsyncConnection[Any],
    jawab: Jawab,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "AGAIN", 0.0)  # a name that is new is looked for at once
    update = telegram.message("سلام")
    await chat.send(update)
    await chat.post(update)
    assert (await count(owner, "inbox"), await count(owner, "outbox")) == (1, 1)
    with FakeTelegram(token="5550002:another-token", secret="another-secret") as other:
        async with jawab.db.transaction("console") as tx:
            await channels.add(
                tx,
                jawab.keys,
                kind="telegram",
                provider="telegram",
                address="second_bot",
                district_id="pishin",
                name="second",
                settings={"token": other.token, "secret": other.secret, "api_url": other.url},
            )
        second = Chat(chat.http, other, jawab, path="/in/telegram/second")
        assert (await second.send(update)).text
        assert (await count(owner, "inbox"), await count(owner, "contacts")) == (2, 2)
        status, _ = await telegram.post(chat.http, telegram.message("x"), "/in/telegram/second")
        assert status == 403, "one bot's secret does not open another's door"


@pytest.mark.parametrize("given", ["", "wrong", SECRET + "x"])
async def test_who_does_not_know_the_secret_leaves_nothing(
    chat: Chat, telegram: FakeTelegram, owner: psycopg.AsyncConnection[Any], given: str
) -> None:
    answer = await chat.http.post("/in/telegram", json=telegram.message("x"), headers={SECRET_HEADER: given})
    assert answer.status_code == 403
    assert await count(owner, "inbox") == 0


async def test_who_blocks_the_bot_has_stopped_us_and_who_writes_again_is_reached_again(
    chat: Chat, telegram: FakeTelegram, owner: psycopg.AsyncConnection[Any], jawab: Jawab, rows: Rows
) -> None:
    await chat.say("سلام")
    contact = (await rows.one("SELECT id FROM contacts"))["id"]
    blocked = telegram.member("kicked")
    for _ in range(2):  # it may come twice
        await chat.post(blocked)
    owed = await rows.owe(contact, "حال", answer=False)
    assert await drain(jawab, "replies") == {"withdrawn": 1}
    assert (await rows.see(owed))["error"] == "stopped"
    consents = "SELECT topic, granted, method FROM consents"
    assert await (await owner.execute(consents)).fetchall() == [("all", False, "provider")]
    # To be let in again is no word of theirs yet.
    await chat.post(telegram.member("member"))
    assert (await rows.one("SELECT stopped_at FROM contacts"))["stopped_at"] is not None
    assert (await chat.say("/start")).text
    assert (await rows.one("SELECT stopped_at FROM contacts"))["stopped_at"] is None
    # What was blocked before they wrote, and is told late, stops nobody.
    await chat.post({**blocked, "update_id": 1, "my_chat_member": {**blocked["my_chat_member"], "date": 1}})
    assert (await rows.one("SELECT stopped_at FROM contacts"))["stopped_at"] is None


async def test_a_block_that_nobody_told_us_of_is_met_at_the_next_message(
    chat: Chat, telegram: FakeTelegram, jawab: Jawab, rows: Rows
) -> None:
    await chat.say("سلام")
    telegram.blocked.add(CITIZEN)
    owed = await rows.owe((await rows.one("SELECT id FROM contacts"))["id"], "حال", answer=False)
    assert await drain(jawab, "replies") == {"withdrawn": 1}
    assert (await rows.see(owed))["error"] == "403 blocked by the user"
    assert (await rows.one("SELECT stopped_at FROM contacts"))["stopped_at"] is not None


async def test_a_stranger_who_blocks_the_bot_leaves_nothing(
    chat: Chat, telegram: FakeTelegram, owner: psycopg.AsyncConnection[Any]
) -> None:
    await chat.post(telegram.member("kicked"))
    assert (await count(owner, "contacts"), await count(owner, "consents")) == (0, 0)


async def test_a_flood_limit_is_obeyed_to_its_seconds(
    chat: Chat, telegram: FakeTelegram, jawab: Jawab, rows: Rows
) -> None:
    telegram.faults += [Fault(429, FLOOD.description, 600)]
    await chat.post(telegram.message("سلام"))
    assert await drain(jawab, "replies") == {"queued": 1}
    row = await rows.one("SELECT attempts, due_at - now() AS due_in FROM outbox")
    assert timedelta(seconds=590) < row["due_in"] <= timedelta(seconds=750), "an answer waits too: it was named"
    assert row["attempts"] == 0


async def test_what_is_in_doubt_goes_again_twice_and_then_a_person_is_told(
    chat: Chat, telegram: FakeTelegram, jawab: Jawab, rows: Rows
) -> None:
    """Nobody can say whether it arrived: once more is better than never, eight times is not."""
    await chat.say("سلام")
    owed = await rows.owe((await rows.one("SELECT id FROM contacts"))["id"], "حال")
    telegram.faults += [Fault(cut=True, take=True)] * 8
    for attempt in (1, 2, 3):
        assert await drain(jawab, "replies") == {"sending": 1}
        await rows.age(owed)
        assert await recover(jawab) == ({"queued": 1} if attempt < 3 else {"failed": 1})
    assert len([taken for taken in telegram.ledger if taken.text == "حال"]) == 3
    assert await rows.alarms() == ["message_failed"]


async def test_in_a_group_nothing_is_taken_or_answered(
    chat: Chat, telegram: FakeTelegram, owner: psycopg.AsyncConnection[Any]
) -> None:
    update = telegram.message(STORY)
    update["message"]["chat"] = {"id": -1001, "type": "supergroup", "title": "x"}
    await chat.post(update)
    await chat.post({"update_id": 2, "edited_message": telegram.message(STORY)["message"]})
    assert (await count(owner, "inbox"), await count(owner, "contacts")) == (0, 0)


async def test_aiogram_comes_with_the_first_message_that_is_sent_and_not_before(
    chat: Chat, telegram: FakeTelegram, jawab: Jawab, rows: Rows, keys: Any, data: Path
) -> None:
    """In a process of its own: everything is imported, a lane without a Telegram row sends, an update is read."""
    await rows.owe(await rows.contact("+923001112233"), "x")
    given = {f"JAWAB_{name.upper()}": str(value) for name, value in jawab.settings.model_dump().items() if value}
    run = subprocess.run(
        [sys.executable, "-c", _LATE, json.dumps(telegram.message("سلام"))],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(data), **given},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["sent", "aiogram:False", "read", "aiogram:False", "sent", "aiogram:True"]
    assert len(telegram.ledger) == 1


_LATE = """
import asyncio, sys
import app, worker, cli
from bot import intake, registry
from bot.channels import Posted, telegram
from bot.deliver import drain
from settings import load
from store.jawab import opened

def tell(what):
    print(what, "aiogram:" + str("aiogram" in sys.modules))

async def main():
    async with opened(load(), roles=("intake", "console"), size=2) as jawab:
        assert await drain(jawab, "replies") == {"sent": 1}
        tell("sent")
        door = registry.of(jawab).front_door("telegram")
        headers = {"x-telegram-bot-api-secret-token": jawab.settings.telegram_secret}
        heard = door.channel.read(Posted("/in/telegram", "", headers, sys.argv[1].encode()))
        assert await intake.take(jawab, heard.messages[0]) == "taken"
        tell("read")
        telegram.IMPORT_MOST = 100.0  # a machine that is tested is a busy one
        assert await drain(jawab, "replies") == {"sent": 1}
        tell("sent")
        await registry.close()

asyncio.run(main())
"""
