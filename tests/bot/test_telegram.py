"""Telegram at its stand-in: what goes out through aiogram's real client, and what comes back of files and set-up."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiogram  # noqa: F401 - here, so that no test waits for it
import pytest

from bot.channels import Outbound, Posted, SendError, Unfetched
from bot.channels.telegram import CODES, Telegram
from flows import taps
from tests.providers.telegram import (
    BLOCKED,
    BOT,
    BROKEN,
    CITIZEN,
    FAULT_OF,
    FLOOD,
    SECRET,
    SECRET_HEADER,
    TOKEN,
    USERNAME,
    FakeTelegram,
    Fault,
)

DOOR = "https://jawab.test/in/telegram"


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    with FakeTelegram(door=DOOR) as fake:
        yield fake


@pytest.fixture
async def bot(telegram: FakeTelegram) -> AsyncIterator[Telegram]:
    made = channel(telegram.url)
    yield made
    await made.close()


def channel(url: str, **more: Any) -> Telegram:
    return Telegram(**{"token": TOKEN, "secret": SECRET, "api_url": url, "door": DOOR, **more})


def outbound(text: str = "آپ", **more: Any) -> Outbound:
    return Outbound(uuid.uuid4(), "telegram", more.pop("sender", str(BOT)), str(CITIZEN), text, door=DOOR, **more)


# ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_text_goes_out_as_it_stands(telegram: FakeTelegram, bot: Telegram) -> None:
    """Neither a handler's nor a citizen's signs are markup."""
    text = "<b>1 < 2</b> *a* _b_ [x](y) & `c`\n" + "آ" * 4000
    sent = await bot.send(outbound(text))
    (taken,) = telegram.ledger
    assert (taken.chat_id, taken.text) == (CITIZEN, text)
    assert set(taken.fields) == {"chat_id", "text"}, "no parse mode, no keyboard"
    assert sent.provider_id.endswith(f":{taken.message_id}")
    assert str(CITIZEN) not in sent.provider_id, "it is kept in clear"


async def test_the_same_number_in_two_chats_is_two_messages(telegram: FakeTelegram, bot: Telegram) -> None:
    import itertools

    telegram._messages = itertools.repeat(7)  # type: ignore[assignment]  # a count that does not count
    ids = {(await bot.send(dataclasses.replace(outbound(), address=str(chat)))).provider_id for chat in (1, 2)}
    assert len(ids) == 2


async def test_each_option_is_a_button_that_carries_its_question(telegram: FakeTelegram, bot: Telegram) -> None:
    carried = taps.write("complaint.category", "0123456789abcdef", "water")
    await bot.send(outbound("1 آپ\n2 دراہی", buttons=((carried, "آپ"), (f"{carried}2", "دراہی"))))
    (taken,) = telegram.ledger
    assert taken.text == "1 آپ\n2 دراہی", "digits do it as well"
    assert taken.buttons == [(carried, "آپ"), (f"{carried}2", "دراہی")]
    assert all(len(row) == 1 for row in json.loads(taken.fields["reply_markup"])["inline_keyboard"])


async def test_what_no_button_can_carry_goes_out_without_any(telegram: FakeTelegram, bot: Telegram) -> None:
    await bot.send(outbound("1 آپ", buttons=(("x" * 65, "آپ"),)))
    assert telegram.ledger[0].buttons == []


@pytest.mark.parametrize(
    ("fault", "fate", "code"),
    [
        (BLOCKED, "opted_out", "403 blocked by the user"),
        (Fault(403, "Forbidden: user is deactivated"), "never", "403 user is deactivated"),
        (Fault(403, "Forbidden: bot can't send messages to bots"), "never", "403 can't send messages to bots"),
        (FAULT_OF["park"], "park", "403 can't initiate conversation"),
        (Fault(403, "Forbidden: something new"), "refused", "403"),
        (FAULT_OF["never"], "never", "400 chat not found"),
        (Fault(400, "Bad Request: PEER_ID_INVALID"), "never", "400 peer_id_invalid"),
        (FAULT_OF["refused"], "refused", "400"),
        (FAULT_OF["stop"], "stop", "401"),
        (Fault(404, "Not Found"), "stop", "404"),
        (Fault(413, "Request Entity Too Large"), "refused", "413"),
        (FLOOD, "later", "429"),
        (Fault(429), "later", "429"),
        (BROKEN, "unsure", "502"),
        (Fault(cut=True), "unsure", ""),
        (Fault(cut=True, take=True), "unsure", ""),
        (Fault(garbage=True), "unsure", ""),
    ],
    ids=str,
)
async def test_every_answer_has_its_fate(
    telegram: FakeTelegram, bot: Telegram, fault: Fault, fate: str, code: str
) -> None:
    await bot.send(outbound("the import is behind us"))
    telegram.faults.append(fault)
    with pytest.raises(SendError) as error:
        await bot.send(outbound())
    assert (error.value.fate, error.value.code) == (fate, code)
    assert error.value.retry_after == (fault.retry_after or None)


@pytest.mark.parametrize("fault", [Fault(hang=60.0), Fault(hang=60.0, take=True)], ids=str)
async def test_a_silent_provider_is_given_up_in_time(telegram: FakeTelegram, bot: Telegram, fault: Fault) -> None:
    await bot.send(outbound("the import is behind us"))
    hasty = channel(telegram.url, timeout=1.0)
    telegram.faults.append(fault)
    begun = time.monotonic()
    with pytest.raises(SendError) as error:
        await hasty.send(outbound())
    await hasty.close()
    assert (error.value.fate, error.value.code) == ("unsure", "")
    assert time.monotonic() - begun < 10.0, "the deadline is ours"


async def test_where_nobody_listens_nothing_can_have_been_taken(telegram: FakeTelegram, bot: Telegram) -> None:
    telegram.stop()
    with pytest.raises(SendError) as error:
        await bot.send(outbound())
    assert error.value.fate == "away"


async def test_another_bots_people_are_not_written_to(telegram: FakeTelegram, bot: Telegram) -> None:
    """To this bot each of them would be a chat that does not exist, and be marked so."""
    with pytest.raises(SendError) as error:
        await bot.send(outbound(sender="5550002"))
    assert (error.value.fate, telegram.calls) == ("stop", [])


async def test_nobody_can_be_asked_what_was_sent(bot: Telegram) -> None:
    one = outbound()
    await bot.send(one)
    assert await bot.find(one, datetime.now(UTC) - timedelta(minutes=1)) == []
    assert not bot.findable


async def test_a_file_goes_out_in_a_multipart_form(telegram: FakeTelegram, bot: Telegram) -> None:
    """No message carries one yet; the client that sends is made so that it can."""
    from aiogram.types import BufferedInputFile

    client = await bot._bot()
    made = await client.send_document(CITIZEN, BufferedInputFile(b"%PDF-1.7 poster", "poster.pdf"), caption="حال")
    (taken,) = telegram.ledger
    assert (taken.content_type, taken.text, made.message_id) == ("multipart/form-data", "حال", taken.message_id)
    assert list(taken.files.values()) == [b"%PDF-1.7 poster"]


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_file_is_fetched_by_its_id(telegram: FakeTelegram, bot: Telegram) -> None:
    telegram.files["AwACAg-voice_1"] = ("voice/file_1.oga", b"OggS" + bytes(1000))
    assert await bot.fetch("telegram:AwACAg-voice_1", 2000) == b"OggS" + bytes(1000)
    with pytest.raises(Unfetched) as error:
        await bot.fetch("telegram:AwACAg-voice_1", 1000)
    assert error.value.gone


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../x", "a?b", "", "http://x.example/y"])
async def test_a_file_is_fetched_from_the_files_own_place_only(
    telegram: FakeTelegram, bot: Telegram, path: str
) -> None:
    telegram.files["id"] = (path, b"OggS")
    with pytest.raises(Unfetched) as error:
        await bot.fetch("telegram:id", 1000)
    assert error.value.gone


async def test_a_redirect_away_from_there_is_not_followed(telegram: FakeTelegram, bot: Telegram) -> None:
    telegram.files |= {"here": ("voice/2.oga", b"OggS"), "away": ("voice/1.oga", b"")}
    for target in (f"{telegram.url}/elsewhere/voice/2.oga", f"{telegram.url}/file/bot{BOT}:x/voice/2.oga"):
        telegram.redirects["voice/1.oga"] = target
        with pytest.raises(Unfetched) as error:
            await bot.fetch("telegram:away", 1000)
        assert str(error.value) == "host not allowed"
    telegram.redirects["voice/1.oga"] = f"{telegram.url}/file/bot{TOKEN}/voice/2.oga"
    assert await bot.fetch("telegram:away", 1000) == b"OggS"


@pytest.mark.parametrize("url", ["https://api.telegram.org/file/botX/y", "telegram:", "telegram:a/b", "sample:photo"])
async def test_only_what_telegram_named_is_fetched(telegram: FakeTelegram, bot: Telegram, url: str) -> None:
    with pytest.raises(Unfetched) as error:
        await bot.fetch(url, 1000)
    assert (error.value.gone, telegram.calls) == (True, [])


async def test_a_file_that_may_come_back_is_tried_again_and_one_that_is_too_big_is_not(
    telegram: FakeTelegram, bot: Telegram
) -> None:
    telegram.files["big"] = ("video/file_2.mp4", bytes(20 * 2**20 + 1))
    gone = {}
    for name in ("big", "unavailable"):
        with pytest.raises(Unfetched) as error:
            await bot.fetch(f"telegram:{name}", 1000)
        gone[name] = error.value.gone
    assert gone == {"big": True, "unavailable": False}


async def test_the_token_is_in_no_log_and_no_error(
    telegram: FakeTelegram, bot: Telegram, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    telegram.files["id"] = ("voice/1.oga", b"OggS")
    await bot.fetch("telegram:id", 1000)
    for fault in (BROKEN, Fault(cut=True), FAULT_OF["stop"], Fault(garbage=True)):
        telegram.faults.append(fault)
        with pytest.raises(SendError) as refused:
            await bot.send(outbound())
        told.append(repr(refused.value))
    telegram.files["id"] = ("voice/gone.oga", b"")
    telegram.stop()
    with pytest.raises(Unfetched) as unfetched:
        await bot.fetch("telegram:id", 1000)
    told += [repr(unfetched.value), await bot.probe(), await bot.connect(), caplog.text, *capsys.readouterr()]
    assert TOKEN.partition(":")[2] not in "\n".join(told)
    assert SECRET not in "\n".join(told)


# ── set-up ───────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_telegram_is_told_where_our_door_is(telegram: FakeTelegram) -> None:
    telegram.hook["url"], telegram.secret = "", ""
    bot = channel(telegram.url)
    assert await bot.probe() == f"no web hook is set: it should be {DOOR}"
    assert await bot.connect() == ""
    assert await bot.probe() == ""
    await bot.close()
    assert (telegram.hook["url"], telegram.secret) == (DOOR, SECRET)
    assert set(telegram.hook["allowed_updates"]) == {"message", "callback_query", "my_chat_member"}


async def test_a_door_that_telegram_does_not_take_is_told(telegram: FakeTelegram) -> None:
    bot = channel(telegram.url, door="http://127.0.0.1:8000/in/telegram")
    assert (await bot.connect()).startswith("Telegram does not take http://127.0.0.1:8000/in/telegram")
    await bot.close()


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ({"url": "https://old.example"}, f"the web hook is set to https://old.example, and should be {DOOR}"),
        ({"allowed_updates": ["message"]}, "the web hook does not tell of callback_query, my_chat_member"),
        ({"pending_update_count": 9}, ""),
        ({"pending_update_count": 10}, "10 updates wait"),
        ({"last_error_date": 5 * 60, "last_error_message": "403"}, "0 updates wait; 5 minutes ago Telegram met: 403"),
        ({"last_error_date": 2 * 3600, "last_error_message": "Connection refused"}, ""),
    ],
)
async def test_what_is_wrong_with_a_web_hook_is_one_line(
    telegram: FakeTelegram, bot: Telegram, hook: dict[str, Any], told: str
) -> None:
    if "last_error_date" in hook:
        hook = {**hook, "last_error_date": int(time.time()) - hook["last_error_date"]}
    telegram.hook |= hook
    assert await bot.probe() == told


async def test_a_token_of_another_bot_is_told(telegram: FakeTelegram) -> None:
    for address, told in ((USERNAME, ""), (f"@{USERNAME}", ""), (str(BOT), ""), ("other_bot", "not of other_bot")):
        bot = channel(telegram.url, address=address)
        assert (await bot.probe()).endswith(told)
        assert bool(await bot.probe()) == bool(told)
        await bot.close()


@pytest.mark.parametrize("given", [{"secret": ""}, {"token": ""}, {"token": "x"}, {"secret": "a b"}])
def test_an_empty_secret_opens_nothing(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="anybody"):
        channel("http://127.0.0.1:9", **given)


def test_the_secret_of_a_web_hook_is_made_where_none_is_given() -> None:
    asks = {ask.name: ask for ask in Telegram.asks({})}
    make = asks["secret"].default
    assert make is not None
    assert make() != make()
    assert {fate for fate, _ in CODES.values()} >= {"never", "opted_out", "stop", "later", "park"}


# ── in: what the payloads cannot show ────────────────────────────────────────────────────────────────────────────────
def posted(update: dict[str, Any]) -> Posted:
    return Posted("/in/telegram", "", {SECRET_HEADER: SECRET}, json.dumps(update).encode())


def test_a_tap_is_answered_so_that_its_button_stops_waiting() -> None:
    fake, bot = FakeTelegram(), channel("http://127.0.0.1:9")
    update = fake.tap("a|b|c")
    answer = bot.read(posted(update)).answer
    assert (answer.status, answer.content_type) == (200, "application/json")
    wanted = {"method": "answerCallbackQuery", "callback_query_id": update["callback_query"]["id"]}
    assert json.loads(answer.body) == wanted
    del update["callback_query"]["data"]  # the button of a game
    heard = bot.read(posted(update))
    assert (heard.messages, json.loads(heard.answer.body)) == ((), wanted)


def test_what_cannot_be_read_is_a_message_all_the_same() -> None:
    """They sent something and are told what can be sent, instead of nothing."""
    fake, bot = FakeTelegram(), channel("http://127.0.0.1:9")
    (message,) = bot.read(posted(fake.message(poll={"id": "1", "question": "?"}))).messages
    assert (message.text, message.media, message.choice) == ("", (), "")


def test_our_own_messages_are_a_robots() -> None:
    fake, bot = FakeTelegram(), channel("http://127.0.0.1:9")
    update = fake.message("x")
    update["message"]["from"] = {"id": BOT}
    (message,) = bot.read(posted(update)).messages
    assert message.system
