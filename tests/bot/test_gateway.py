"""An Android phone as the district's number: from the SIM to a code and back, on a real database, in SMSGate's words.

What every channel must do is in tests/contract; this is what only a telephone in a cupboard does. See also
test_gateway_sending.py.
"""

from __future__ import annotations

import asyncio
import re
import time
from types import SimpleNamespace

import httpx
import pytest

from bot.channels import Unreadable
from bot.channels.gateway import whole
from bot.deliver import drain
from store.jawab import Jawab
from tests.answers import typed
from tests.bot.conftest import Rows
from tests.bot.cupboard import CITIZEN, STORY, give, opened, posted
from tests.conftest import PUBLIC_URL
from tests.providers.gateway import FakeGateway

CODE = re.compile(r"\d{4} \d{4} \d{4} \d")
PASHTO_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


# ── the whole way ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_complaint_in_pashto_from_the_sim_to_a_code_and_its_receipts(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    """The network spells the sender as it likes; it is one person all the same."""
    channel = await give(jawab, handset)
    spellings = ("0300 1112233", "923001112233", CITIZEN, "03001112233")
    heard = []
    texts = [text.translate(PASHTO_DIGITS) for text in typed(lang="ps", story=STORY)]
    for turn, text in enumerate(texts):
        sender = spellings[turn % len(spellings)]
        assert await handset.tell(hooks, handset.received(sender, text)) == [200]
        assert await drain(jawab, "replies") == {"sent": 1}
        heard += await handset.work(hooks)
    assert len(heard) == len(texts), "one message per reply"
    code = CODE.search("\n".join(heard))
    assert code
    case = await rows.one(
        "SELECT lang, channel, category, district_id FROM cases WHERE code = %s", code[0].replace(" ", "")
    )
    assert case == {"lang": "ps", "channel": "gateway", "category": "water", "district_id": "pishin"}
    assert (await rows.one("SELECT count(*) FROM contacts WHERE channel_id = %s", channel))["count"] == 1
    assert await rows.states() == {"delivered": len(texts)}
    assert {message.to for message in handset.messages.values()} == {CITIZEN}
    assert (await rows.one("SELECT heard_at FROM channels WHERE id = %s", channel))["heard_at"] is not None
    assert await rows.alarms() == []


async def test_two_telephones_of_one_district_answer_with_their_own_settings(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, second: FakeGateway, demo: SimpleNamespace
) -> None:
    await give(jawab, handset)
    await give(jawab, second, "office")
    for fake, path in ((handset, "/in/gateway/cupboard"), (second, "/in/gateway/office")):
        assert {hook["url"] for hook in fake.hooks.values()} == {PUBLIC_URL + path}
        assert await fake.tell(hooks, fake.received(CITIZEN, "سلام")) == [200]
    assert await drain(jawab, "replies") == {"sent": 2}
    assert [len(fake.messages) for fake in (handset, second)] == [1, 1]
    for fake in (handset, second):
        await fake.work(hooks)
    assert await rows.states() == {"delivered": 2}
    # One telephone's key does not open the other's door, and a receipt at the wrong door moves nothing.
    assert await handset.post(hooks, handset.received(CITIZEN, "x"), path="/in/gateway/office") == 403
    (sent,) = handset.messages
    assert await second.post(hooks, second.receipt(sent, "failed", "number"), path="/in/gateway/office") == 200
    assert await rows.states() == {"delivered": 2}
    assert (await rows.one("SELECT count(*) FROM contacts WHERE invalid_at IS NOT NULL"))["count"] == 0


async def test_our_own_numbers_do_not_talk_to_each_other(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, second: FakeGateway, demo: SimpleNamespace
) -> None:
    """Each would answer that it has not understood, for ever, at the price of an SMS each."""
    await give(jawab, handset)
    await give(jawab, second, "office")
    assert await handset.tell(hooks, handset.received(second.ours, "سلام")) == [200]
    assert await handset.tell(hooks, handset.received("03000000099", "سلام")) == [200]
    assert await rows.states() == {}
    kept = await rows.one("SELECT count(*), min(error) AS error FROM inbox WHERE state = 'unrouted'")
    assert kept == {"count": 2, "error": "system_sender"}


# ── what comes in ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_forged_a_giant_and_a_malformed_request_leave_nothing_behind(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    await give(jawab, handset)
    said = handset.received(CITIZEN, "سلام")
    body, headers = handset.signed(said)
    path = "/in/gateway/cupboard"
    forged: list[tuple[bytes, dict[str, str]]] = [
        (body, {}),
        (body.replace("سلام".encode(), b"STOP"), headers),
        (body, {**headers, "X-Timestamp": str(int(headers["X-Timestamp"]) + 1)}),
        (body[:-1], {**headers, "X-Timestamp": "}" + headers["X-Timestamp"]}),  # the same bytes, cut elsewhere
        (body, {**headers, "X-Signature": headers["X-Signature"][:-1]}),
        (body, {**headers, "X-Signature": "é" * 64}),
    ]
    for content, given in forged:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
        status = (await hooks.post(path, content=content, headers=raw)).status_code
        assert status == 403
    assert await handset.post(hooks, handset.received(CITIZEN, "x" * 4_200_000)) == 413
    for nonsense in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"id": 1, "event": "sms:received"}',
    ):
        assert await handset.post(hooks, nonsense) == 400
    for name in ("/in/gateway/nobody", "/in/gateway"):
        assert await handset.post(hooks, said, path=name) == 404
    assert (await rows.one("SELECT count(*) FROM inbox"))["count"] == 0
    assert set(await rows.alarms()) == {"hook_unreadable", "hook_too_large"}


async def test_a_replayed_request_is_one_message_and_an_old_one_is_refused(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    await give(jawab, handset)
    said = handset.received(CITIZEN, "سلام")
    body, headers = handset.signed(said)
    answers = await asyncio.gather(
        *[hooks.post("/in/gateway/cupboard", content=body, headers=headers) for _ in range(4)]
    )
    assert {answer.status_code for answer in answers} == {200}
    assert (await rows.one("SELECT count(*) FROM inbox"))["count"] == 1
    assert await rows.states() == {"queued": 1}
    for seconds in (-301, 302, -86_400):
        assert await handset.post(hooks, handset.received(CITIZEN, "x"), at=time.time() + seconds) == 400
    for seconds in (-290, 290):
        assert await handset.post(hooks, handset.ping(), at=time.time() + seconds) == 200
    assert (await rows.one("SELECT count(*) FROM inbox"))["count"] == 1


async def test_a_telephone_whose_clock_is_wrong_is_told_of_once_and_loses_nothing(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    """It signs each try with the time of that try: once somebody has set the clock the same event comes through."""
    await give(jawab, handset)
    said = handset.received(CITIZEN, "سلام")
    handset.clock = -3600
    for _ in range(3):
        assert await handset.post(hooks, said) == 400
    assert await rows.alarms() == ["hook_unreadable"]
    alarm = await rows.one("SELECT kind, data FROM alarms")
    assert alarm["data"]["door"] == "/in/gateway/cupboard"
    assert "clock" in alarm["data"]["why"]
    handset.clock = 0
    assert await handset.post(hooks, said) == 200
    assert await rows.states() == {"queued": 1}


async def test_the_same_words_twice_are_two_messages(
    jawab: Jawab, rows: Rows, hooks: httpx.AsyncClient, handset: FakeGateway, demo: SimpleNamespace
) -> None:
    """The telephone's id of a message is made from its content; the event's own is what a repeat is known by."""
    await give(jawab, handset)
    first, again = handset.received(CITIZEN, "سلام"), handset.received(CITIZEN, "سلام")
    assert first["payload"]["messageId"] == again["payload"]["messageId"]
    for said in (first, again, first):
        assert await handset.post(hooks, said) == 200
    assert (await rows.one("SELECT count(*) FROM inbox"))["count"] == 2


def test_what_comes_to_the_other_sim_is_private() -> None:
    fake = FakeGateway()
    channel = opened(fake, sim="2")
    for number, messages in ((1, 0), (2, 1), (None, 1)):
        assert len(channel.read(posted(fake, fake.received(CITIZEN, "x", simNumber=number))).messages) == messages


def test_another_telephone_of_the_account_is_not_this_row() -> None:
    fake = FakeGateway()
    channel = opened(fake, device="another-device")
    with pytest.raises(Unreadable):
        channel.read(posted(fake, fake.received(CITIZEN, "x")))


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("03001234567", "+923001234567"),
        ("923001234567", "+923001234567"),
        ("+923001234567", "+923001234567"),
        ("00923001234567", "+923001234567"),
        ("3001234567", "+923001234567"),
        ("(0300) 123-45.67", "+923001234567"),
        ("+92 0300 1234567", "+923001234567"),
        ("۰۳۰۰۱۲۳۴۵۶۷", "+923001234567"),
        ("٠٣٠٠١٢٣٤٥٦٧", "+923001234567"),
        ("+93701234567", "+93701234567"),
        ("+14155550100", "+14155550100"),
        # None of these is a telephone that can be answered.
        ("8300", ""),
        ("15", ""),
        ("0812829281", ""),
        ("+92812829281", ""),
        ("080012345", ""),
        ("111222333", ""),
        ("92300123456", ""),
        ("JazzCash", ""),
        ("", ""),
        ("+", ""),
        ("+92", ""),
        ("3" * 41, ""),
        ("0300123456²", ""),
    ],
)
def test_spellings_of_a_number(given: str, number: str) -> None:
    assert whole(given) == number
