"""Long messages through the real door: read whole, kept whole up to a measure, and told where they were not."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest

from bot import bodies
from bot.channels import Inbound
from flows.engine import step
from flows.load import load_book
from flows.model import Event, Known, Session
from store import inbox
from store.jawab import Jawab
from tests.answers import STORY
from tests.bot.conftest import OURS, Rows
from tests.bot.phones import Owner, Phone
from tests.conftest import PUBLIC_URL
from tests.providers.twilio import FakeTwilio

MOST = 512 * 1024
PERSON, US = "whatsapp:+923001112233", f"whatsapp:{OURS}"
SENTENCE = f"{STORY}۔ بجلی بھی نہیں، سڑک بھی ٹوٹی ہوئی ہے۔ "


@pytest.fixture
async def writer(jawab: Jawab, owner: Owner, rows: Rows, demo: SimpleNamespace) -> Phone:
    """A phone that writes on WhatsApp, to the number of the rows."""
    await rows.channel("whatsapp", "pishin")
    return Phone(jawab, owner, "+923001112233", "whatsapp", OURS)


def long(letters: int) -> str:
    return (SENTENCE * (letters // len(SENTENCE) + 1))[:letters].strip().ljust(letters, "ا")


async def kept(rows: Rows) -> str:
    """The words of the newest message, as they lie in the inbox."""
    row = await rows.one("SELECT id, body FROM inbox ORDER BY received_at DESC LIMIT 1")
    return str(rows.jawab.keys.get_json(row["body"], inbox.bound_to(row["id"]))["text"])


def keys(owed: dict[str, Any]) -> list[str]:
    return [key for key, _ in owed["says"]]


@pytest.mark.parametrize("text", [long(65_536), "پ" * 65_536], ids=["sentences", "letters"])
async def test_65_536_urdu_letters_are_taken_whole(
    hooks: httpx.AsyncClient, twilio: FakeTwilio, rows: Rows, writer: Phone, text: str
) -> None:
    assert 300_000 < len(quote_plus(text)) < MOST  # on the wire
    assert (await twilio.webhook(hooks, PERSON, US, text))[0] == 200
    assert await kept(rows) == text
    assert (await rows.one("SELECT count(*) FROM sorting"))["count"] == 1
    (owed,) = await writer.owed()
    assert "welcome.code" in keys(owed)
    assert "intake.cut" not in keys(owed)
    assert await rows.alarms() == []


async def test_more_than_512_kb_is_kept_in_part_answered_and_alarmed(
    hooks: httpx.AsyncClient, twilio: FakeTwilio, rows: Rows, writer: Phone
) -> None:
    text = long(150_000)
    assert (await twilio.webhook(hooks, PERSON, US, text))[0] == 200
    first = await kept(rows)
    assert text.startswith(first)
    assert 65_536 <= len(first) < 150_000
    assert len(quote_plus(first)) <= MOST
    (owed,) = await writer.owed()
    assert keys(owed)[0] == "intake.cut"
    assert "welcome.code" in keys(owed)
    assert await rows.alarms() == ["hook_too_large"]


async def test_what_has_no_right_signature_is_refused_however_long(
    hooks: httpx.AsyncClient, twilio: FakeTwilio, rows: Rows, writer: Phone
) -> None:
    """The end of a long body is signed like its beginning."""
    for changed in ("x", "پ"):
        form = twilio.message(PERSON, US, long(150_000))
        _, headers = twilio.signed(f"{PUBLIC_URL}/in/twilio", form)
        form["Body"] += changed
        assert (await hooks.post("/in/twilio", data=form, headers=headers)).status_code == 403
    assert (await rows.one("SELECT count(*) FROM inbox"))["count"] == 0


async def test_beyond_4_mb_nothing_is_read_and_somebody_hears_once(
    hooks: httpx.AsyncClient, twilio: FakeTwilio, rows: Rows, writer: Phone
) -> None:
    for _ in range(2):
        assert (await twilio.webhook(hooks, PERSON, US, "x" * (4 * 1024 * 1024)))[0] == 413
    assert await rows.alarms() == ["hook_too_large"]
    assert (await rows.one("SELECT count(*) FROM inbox"))["count"] == 0


@pytest.mark.parametrize("letter", ["x", "پ", "😀", "%", "ا ", "\u200c"])
def test_a_cut_is_a_beginning_fits_and_is_never_less_than_whatsapp_sends(letter: str) -> None:
    said = Inbound("twilio", "SM1", "whatsapp", OURS, "+923001112233", letter * 700_000)
    cut = bodies.cut(said, MOST)
    assert cut.cut
    assert said.text.startswith(cut.text)
    assert len(cut.text) >= bodies.LETTERS
    assert len(cut.text) == bodies.LETTERS or MOST - 40 < len(quote_plus(cut.text)) <= MOST
    short = replace(said, text=letter * 10)
    assert bodies.cut(short, MOST) is short


@pytest.mark.parametrize("text", [long(65_536), "پانی سڑک بجلی " * 4681, "1 " * 32_768, "پ" * 65_536])
def test_a_long_text_is_read_in_well_below_a_second(text: str) -> None:
    book, known = load_book(), Known(at=1.0, code="9000000000007")
    step(book, Session(), Event("message", known, text="سلام"))
    began = time.process_time()
    step(book, Session(lang="ur"), Event("message", known, text=text))
    assert time.process_time() - began < 1.0


def test_twice_the_letters_take_twice_the_time() -> None:
    """It was four times: what a text names was compared with all that it names."""
    book, known = load_book(), Known(at=1.0, code="9000000000007")

    def seconds(letters: int) -> float:
        began = time.process_time()
        step(book, Session(lang="ur"), Event("message", known, text="پانی سڑک بجلی " * (letters // 14)))
        return time.process_time() - began

    def least(letters: int) -> float:
        return min(seconds(letters) for _ in range(3))  # whatever else the machine does only adds to it

    seconds(1000)
    assert least(160_000) < 8 * max(least(40_000), 0.05)


async def test_a_cut_message_that_waited_is_still_said_to_be_cut(rows: Rows) -> None:
    said = Inbound("twilio", f"SM{uuid.uuid4().hex}", "whatsapp", OURS, "+923001112233", "x", cut=True)
    assert Inbound.from_dict(said.as_dict()).cut
