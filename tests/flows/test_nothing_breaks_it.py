"""No sequence of inputs breaks a conversation or leaves it without a reply, and nobody can tell the two doors apart."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import locales
from flows import codes, hearing
from flows.echoes import SILENT_FROM
from flows.effects import Amend, Append, KeepStory, OpenCase, Seal
from flows.engine import step
from flows.meanings import Meaning
from flows.model import Event, Found, FoundCase, FoundFacility, Item, Lies, Memory, Report, Session, Stage
from flows.play import FACILITY_CODE, Phone, World
from locales import ALL_LANGS
from locales.catalogs import texts
from tests.answers import BOOK, report
from tests.flows.citizens import PHOTO, VOICE

DIGITS = st.sampled_from([str(number) for number in range(12)] + ["۱", "٢", "３", FACILITY_CODE])
WORDS = st.sampled_from(sorted(BOOK.words.universal))
NEUTRAL = st.sampled_from(
    ["the pump is broken since Monday", "دس دن سے پانی نہیں آ رہا ہے", "?", "Pishin", "ok", "salam"]
)
DANGER = st.sampled_from(["he wants a bribe", "رشوت"])
NASTY = ["\x00", "\ud800\udc00\ud83d", "😀" * 40, "a" * 10_000, "\u202e", "{code}", "%s", " ", "\n\n", "۰" * 50, "1️⃣"]
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(NASTY),
    st.text(st.characters(codec=None, categories=["Cs", "Cc", "Co", "Lo", "Nd"]), max_size=20),
)
CODE = codes.complete("923412341234")
CODES = st.sampled_from([CODE, f"STATUS {CODE}", "9234 1234 1234 5", "12345-1234567-1"])
TEXTS = st.one_of(DIGITS, WORDS, NEUTRAL, DANGER, HOSTILE, CODES)


class Conversation(RuleBasedStateMachine):
    """One phone, anything typed in any order, silences, taps on old buttons, flows that change underneath."""

    @initialize(
        lang=st.sampled_from(["", *locales.LANGS]),
        trial=st.booleans(),
        closed=st.booleans(),
        round_open=st.booleans(),
    )
    def begin(self, lang: str, trial: bool, closed: bool, round_open: bool) -> None:
        world = World(trial=trial, closed=closed)
        if not round_open:
            world.round = None
        self.phone = Phone(BOOK, world, Session(lang=lang))
        self.told: list[str] = []

    def answered(self, text: str = "") -> None:
        """One reply, or none to what is a mere sign, or comes for the third time."""
        folded, echo = BOOK.fold(text), self.phone.session.echo
        sign = bool(folded) and hearing.hear(BOOK.words, folded, {Meaning.REACTION}) is not None
        again = echo is not None and echo.times >= SILENT_FROM and any(map(str.isalpha, text))
        assert self.phone.replies == 1 or ((sign or again) and not self.phone.replies)

    @rule(text=TEXTS)
    def type_something(self, text: str) -> None:
        self.phone.say(text)
        self.answered(text)

    @rule(texts=st.lists(TEXTS, min_size=2, max_size=5))
    def type_in_bubbles(self, texts: list[str]) -> None:
        for text in texts:
            self.phone.world.at += 1
            self.phone.add(text)
            self.answered(text)

    @rule(text=st.one_of(DIGITS, NEUTRAL, DANGER), asks=st.booleans())
    def quote_a_message_of_ours(self, text: str, asks: bool) -> None:
        if self.phone.world.cases:
            self.phone.say(text, quoted=min(self.phone.world.cases), quotes_asks="confirm" if asks else None)
            self.answered(text)

    @rule()
    def is_asked_by_us(self) -> None:
        if self.phone.world.cases:
            code = min(self.phone.world.cases)
            self.phone.world.cases[code] = "resolved"
            self.phone.world.ask("confirm", code)

    @rule()
    def is_answered(self) -> None:
        if self.phone.world.cases:
            self.phone.world.ask("answer", min(self.phone.world.cases))

    @rule(digits=st.lists(DIGITS, min_size=1, max_size=6))
    def answer_on(self, digits: list[str]) -> None:
        for digit in digits:
            self.phone.say(digit)
            self.answered()

    @rule(choice=st.sampled_from(["service", "person", "yes", "no", "half", "water", "menu", "pishin.pishin", "x"]))
    def tap_any_button(self, choice: str) -> None:
        self.phone.say(choice, choice=choice)
        self.answered()

    @rule(media=st.sampled_from([PHOTO, VOICE]), text=st.one_of(st.just(""), NEUTRAL))
    def send_media(self, media: Any, text: str) -> None:
        self.phone.say(text, media=media)
        self.answered()

    @rule()
    def send_a_location(self) -> None:
        self.phone.say(location=(30.6, 66.9))
        self.answered()

    @rule()
    def stay_silent(self) -> None:
        sealed = self.phone.session.memory.report.sealed
        said = self.phone.wait()
        assert self.phone.replies <= 1
        assert not (sealed and (said or self.phone.effects))

    @rule()
    def flows_change(self) -> None:
        session = self.phone.session
        self.phone.session = replace(session, node=session.node and "gone", flows="before")

    @invariant()
    def nothing_told_stays_in_a_sealed_session(self) -> None:
        memory = self.phone.session.memory if hasattr(self, "phone") else Memory()
        if memory.report.sealed:
            report = memory.report
            behind = Report(report.code, report.stage, Lies.SEALED, report.told)
            behind = replace(behind, heard=report.heard)  # until it was said back: a language may come first
            assert memory == Memory(
                behind,
                look=memory.look,
                left=memory.left,
                opening=memory.opening,
                thread=memory.thread,
                call=memory.call,
            )

    @rule()
    def the_door_opens_or_closes(self) -> None:
        self.phone.world.closed = not self.phone.world.closed

    @invariant()
    def a_trial_line_has_sealed_nothing(self) -> None:
        if hasattr(self, "phone") and self.phone.world.trial:
            assert not self.phone.world.sealed
            assert not self.phone.session.memory.report.sealed


Conversation.TestCase.settings = settings(
    max_examples=120, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_no_sequence_of_inputs_breaks_a_conversation = Conversation.TestCase


# What both sides of the door may do. Not STATUS without a code nor silence: they differ on purpose, and say so.
ALIKE = st.one_of(
    DIGITS.filter(lambda digit: digit not in {"2", "٢"}),
    st.just("2"),
    NEUTRAL,
    DANGER,
    st.sampled_from(["help", "private", "menu", "language", "0", "stop", "start", "STATUS 12", "photo", "place"]),
)


def send(phone: Phone, text: str) -> str:
    if text == "photo":
        said = phone.say(media=PHOTO)
    elif text == "place":
        said = phone.say(location=(30.6, 66.9))
    else:
        said = phone.say(text)
    return re.sub(r"\d{4} \d{4} \d{4} \d", "CODE", said)


@settings(max_examples=300, deadline=None)
@example(
    lang="ur", first="menu", typed=["2", "the pump is broken since Monday", "2", "2", "101", "?", "the pump is broken"]
)
@given(
    lang=st.sampled_from(locales.LANGS),
    first=st.sampled_from(["menu", "the pump is broken since Monday"]),
    typed=st.lists(ALIKE, max_size=25),
)
def test_both_sides_of_the_door_answer_alike_whatever_is_typed(lang: str, first: str, typed: list[str]) -> None:
    ordinary, protected = (Phone(BOOK, World(), Session(lang=lang)) for _ in range(2))
    for phone, kind in ((ordinary, "service"), (protected, "person")):
        phone.say(first)
        report(phone, past="kind", category="energy", kind=kind)
    assert protected.session.memory.report.sealed
    for text in typed:
        if protected.session.flow not in {"protected", "complaint", "help"} or (
            ordinary.session.node in {"category", "kind"} and not protected.session.memory.report.sealed
        ):
            break  # the report is over; what is begun next is another one
        assert send(ordinary, text) == send(protected, text)


BUBBLES = st.lists(
    st.sampled_from(["دس دن سے", "بہت تکلیف ہے", "نہیں", "ہاں", "کلی کربلا", "broken", "1", "2", "۳", "photo", "!"]),
    min_size=2,
    max_size=6,
    unique=True,
)


@settings(max_examples=300, deadline=None)
@given(
    lang=st.sampled_from(["", *locales.LANGS]),
    given_before=st.booleans(),
    question=st.sampled_from(["", "category", "kind", "place", "story", "message", "answer", "confirm"]),
    kind=st.sampled_from(["service", "person"]),
    said=BUBBLES,
)
def test_bubbles_lose_no_word_and_make_one_number(
    lang: str, given_before: bool, question: str, kind: str, said: list[str]
) -> None:
    phone = _asked(lang, question, kind, given_before=given_before)
    before, kept = set(_numbers(phone)), list[str]()
    last: float | None = None
    reports = 1
    for text in ["تین مہینے سے یہی حال ہے", *said]:
        was_over = phone.session.memory.report.stage is Stage.DONE
        phone.world.at += 0.4
        phone.add(**({"media": PHOTO} if text == "photo" else {"text": text}))
        assert phone.replies == 1
        # Whoever has told all, and is at the menu again, may choose to report something else: another number.
        reports += was_over and phone.session.node == "menu"
        kept += _kept(phone)
        last = phone.reply.wait if phone.reply else None
    words = [text for text in said if any(map(str.isalpha, text)) and text not in {"photo", "ہاں", "نہیں"}]
    assert set(words) <= {*kept, *_in_hand(phone)}
    assert len(set(_numbers(phone)) - before) <= reports
    assert last is not None


def _asked(lang: str, question: str, kind: str, *, given_before: bool) -> Phone:
    phone = Phone(BOOK, World(given=given_before), Session(lang=lang))
    if question in {"answer", "confirm"}:
        report(phone, lang=lang or "ur", kind=kind)
        phone.wait()
        phone.wait()
        if code := next(iter(phone.world.cases), None):
            phone.world.cases[code] = "resolved" if question == "confirm" else "acknowledged"
            phone.world.ask(question, code)  # type: ignore[arg-type]  # one of Question
    elif question:
        report(phone, question, lang=lang or "ur", kind=kind)
    return phone


def _numbers(phone: Phone) -> list[str]:
    return [*phone.world.cases, *phone.world.kept, *phone.world.sealed]


def _kept(phone: Phone) -> list[str]:
    """The words of the last turn that went into the world."""
    items: list[Item] = []
    places: list[str] = []
    for effect in phone.effects:
        match effect:
            case KeepStory() | OpenCase():
                items += effect.story
            case Append() | Seal():
                items.append(effect.item)
        if isinstance(effect, OpenCase | Seal | Amend):
            places.append(effect.details.place_text)
    return [*(item.text for item in items), *places]


def _in_hand(phone: Phone) -> list[str]:
    """The words that wait in the conversation."""
    report, thread = phone.session.memory.report, phone.session.memory.thread
    items = (*report.story, *report.held, *(thread.held if thread else ()))
    return [*(item.text for item in items), report.details.place_text]


@pytest.mark.parametrize("lang", ALL_LANGS)
def test_whatever_a_flow_says_is_written(lang: str) -> None:
    written = {**texts("en"), **texts("ur"), **texts(lang)}
    assert all(key in written for node in BOOK.nodes.values() for key in node.says)


ODD = st.sampled_from(["", "case", "facility", "received", "x", "2026-12-05"])
FOUND = st.one_of(
    st.none(),
    st.builds(FoundCase, ODD, ODD, ODD, ODD, st.booleans()),
    st.builds(FoundFacility, ODD, st.dictionaries(st.sampled_from(["en", "ur"]), ODD)),
)


@given(FOUND)
def test_whatever_a_look_up_finds_is_answered(found: Found | None) -> None:
    world = World()
    for node in ("code", "claim"):
        session = Session("status", node, "ur", Memory(look=codes.complete("1" * 12)), flows=BOOK.fingerprint)
        assert step(BOOK, session, Event("found", world.known(), found=found)).reply
    session = Session("rate", "facility", "ur", flows=BOOK.fingerprint)
    assert step(BOOK, session, Event("found", world.known(), found=found)).reply
