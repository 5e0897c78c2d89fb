"""Whole conversations as golden files. Rewrite with REWRITE_TRANSCRIPTS=1 and read the diff."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.play import Phone, write_transcript
from locales import LANGS
from tests.flows.citizens import CALL, SCRIPTS, STORY, WORD, choose, complain, greet, protect, tell, tell_first

FOLDER = Path(__file__).parents[1] / "transcripts"
CASES = [(lang, flow) for lang in LANGS for flow in SCRIPTS]


@pytest.mark.parametrize(("lang", "flow"), CASES)
def test_a_conversation_is_word_for_word_what_its_transcript_says(
    phone: Callable[..., Phone], lang: str, flow: str
) -> None:
    talk = phone()
    SCRIPTS[flow](talk, lang)
    path = FOLDER / f"{lang}-{flow}.txt"
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        path.write_text(write_transcript(talk.thread), "utf-8")
    assert path.read_text("utf-8") == write_transcript(talk.thread)


def test_no_transcript_is_left_from_a_flow_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {f"{lang}-{flow}" for lang, flow in CASES}


def bot_side(talk: Phone) -> str:
    """What the phone shows of us, with the code replaced."""
    theirs = "\n".join(line for line in talk.thread if line.startswith("<"))
    return re.sub(r"\d{4} \d{4} \d{4} \d", "CODE", theirs)


def wander(talk: Phone, lang: str, kind: str) -> None:
    """Every turn somebody may take in the middle of a report."""
    greet(talk, lang)
    tell(talk, lang, past="kind", category="infrastructure", kind=kind)
    talk.say("HELP")
    choose(talk, lang, "show", "on")
    talk.say("0")
    choose(talk, lang, "kind", "service")
    talk.say("LANGUAGE")
    choose(talk, lang, "language", lang)
    talk.say("77")
    talk.say("پشین")
    talk.say("?")
    talk.say("?")
    choose(talk, lang, "offer", "call")
    choose(talk, lang, "who", "woman")
    choose(talk, lang, "hour", "noon")
    talk.say(WORD[lang])
    tell(talk, lang, past="story")
    talk.say("STOP")
    talk.say("STATUS 1")
    talk.say(location=(30.6, 66.9))
    talk.say(STORY[lang])
    tell(talk, lang, message="no")
    talk.say("شکریہ")
    talk.say("MENU")
    choose(talk, lang, "menu", "report")
    talk.say("2")
    talk.say("START")
    talk.say("0")
    talk.say("0")


def call_back(talk: Phone, lang: str, kind: str) -> None:
    """A call is asked for after the receipt, with what may be said to the question for a word."""
    complain(talk, lang, kind)
    for said in ("7", "?", CALL[lang], STORY[lang], WORD[lang]):
        talk.say(CALL[lang])
        choose(talk, lang, "who", "woman")
        choose(talk, lang, "hour", "noon")
        talk.say(said)
        talk.say("0")


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    "walk",
    [complain, wander, tell_first, call_back],
    ids=["straight on", "with detours", "story first", "a call and a word"],
)
def test_the_protected_thread_reads_like_any_other(
    phone: Callable[..., Phone], walk: Callable[[Phone, str, str], None], lang: str, channel: str
) -> None:
    ordinary, protected = phone(channel=channel), phone(channel=channel)
    walk(ordinary, lang, "service")
    walk(protected, lang, "person")
    assert ordinary.world.cases
    assert protected.world.sealed
    assert bot_side(ordinary) == bot_side(protected)


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_that_was_told_is_said_back(phone: Callable[..., Phone], lang: str) -> None:
    talk = phone()
    protect(talk, lang)
    theirs = bot_side(talk)
    assert STORY[lang] not in theirs
    assert theirs.count("CODE") == 2  # when it is given, and the receipt
