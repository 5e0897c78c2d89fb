"""The protected door while nobody could open what is taken in: each way to it says so, and nothing said is lost."""

from __future__ import annotations

import pytest

from flows.effects import Lock, Seal
from flows.model import Details, Item, Memory
from flows.play import Phone
from locales import LANGS, say
from tests.answers import answer
from tests.flows.citizens import BRIBE, LONG, PHOTO, Phones, among, asked, inside, kinds, only

CLOSED, KEPT, ASK = "cannot be told here now", "kept, locked", "Demo helpline"


@pytest.fixture
def shut(phone: Phones) -> Phones:
    """Phones of a house whose door is closed."""

    def make(lang: str = "en") -> Phone:
        talk = phone(lang)
        talk.world.closed = True
        return talk

    return make


def is_over(talk: Phone) -> bool:
    """Nothing of it is in hand any more, and nothing is asked."""
    return talk.session.memory == Memory() and talk.session.node == "menu" and not (talk.reply and talk.reply.options)


@pytest.mark.parametrize(("question", "text"), [("category", "PRIVATE"), ("kind", answer("kind", "person"))])
def test_whoever_chose_it_and_told_nothing_hears_that_it_is_closed_and_nothing_is_kept(
    shut: Phones, question: str, text: str
) -> None:
    talk = asked(shut(), question, category="security")
    said = talk.say(text)
    assert CLOSED in said
    assert ASK in said
    assert KEPT not in said, "there is nothing to keep"
    assert talk.effects == []
    assert is_over(talk)


def test_words_of_danger_are_kept_locked_under_a_number_and_nothing_more_is_asked(shut: Phones) -> None:
    talk = shut()
    said = talk.say(BRIBE)
    lock = only(talk, Lock)
    assert lock.story == (Item(BRIBE),)
    assert KEPT in said
    assert lock.code[:4] in said
    assert talk.sealed, "nor does the inbox keep these words"
    assert is_over(talk)
    assert BRIBE not in str(talk.session)


def test_a_story_that_was_kept_waits_locked_with_what_was_answered_since(shut: Phones) -> None:
    talk = shut()
    talk.say(LONG)
    code = next(iter(talk.world.kept))
    said = inside(talk).thread[-3:]
    lock = only(talk, Lock)
    assert (lock.code, lock.kept, lock.story) == (code, True, ())
    assert lock.details == Details(about="person", category="water")
    assert any(KEPT in line for line in said)


def test_words_in_the_story_that_are_about_a_person_are_locked_with_all_that_was_told(shut: Phones) -> None:
    talk = asked(shut(), "story", category="security")
    talk.say(BRIBE)
    said = talk.say(answer("doubt.report", "person"))
    lock = only(talk, Lock)
    assert lock.story == (Item(BRIBE),)
    assert lock.details == Details(about="person", category="security", place="pishin.pishin")
    assert KEPT in said


def test_private_in_the_middle_of_a_report_locks_what_was_told_under_the_number_that_was_given(shut: Phones) -> None:
    talk = asked(shut(), "story", category="education")
    (code,) = talk.world.reserved
    talk.say("PRIVATE")
    assert only(talk, Lock).code == code
    assert is_over(talk)


def test_words_for_a_case_that_are_about_a_person_are_locked_and_the_case_stays(shut: Phones) -> None:
    talk = asked(shut(), "done")
    (case,) = talk.world.cases
    talk.say(case)
    talk.say(BRIBE)
    talk.say(answer("doubt.thread", "person"))
    lock = only(talk, Lock)
    assert lock.story == (Item(BRIBE),)
    assert lock.code != case
    talk.say(case)
    assert talk.world.cases == {case: "received"}


def test_words_after_an_ordinary_receipt_are_locked_under_a_number_of_their_own(shut: Phones) -> None:
    talk = asked(shut(), "done")
    talk.say(BRIBE)
    lock = among(talk, Lock)
    assert lock.story == (Item(BRIBE),)
    assert lock.code not in talk.world.cases


# ── it closes behind somebody ────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("question", ["place", "story"])
def test_what_is_said_when_the_door_has_closed_is_sealed_and_it_is_said_where_it_is(
    phone: Phones, question: str
) -> None:
    talk = asked(phone("en"), question, kind="person")
    (code,) = talk.world.sealed
    talk.world.closed = True
    said = talk.say("In the office beside the school")
    assert {type(effect) for effect in talk.effects} == {Seal}
    assert CLOSED in said
    assert KEPT in said
    assert code[:4] in said
    assert is_over(talk)


@pytest.mark.parametrize("text", ["?", "HELP", "LANGUAGE", "0"])
def test_no_question_is_asked_behind_a_door_that_has_closed(phone: Phones, text: str) -> None:
    talk = asked(phone("en"), "place", kind="person")
    talk.world.closed = True
    assert CLOSED in talk.say(text)
    assert is_over(talk)


def test_a_photo_for_a_door_that_has_closed_is_sealed(phone: Phones) -> None:
    talk = asked(phone("en"), "story", kind="person")
    talk.world.closed = True
    assert KEPT in talk.say(media=PHOTO)
    assert only(talk, Seal).item == Item(media=PHOTO)


def test_whoever_has_their_receipt_answers_the_last_question_as_ever(phone: Phones) -> None:
    talk = asked(phone("en"), "message", kind="person")
    before = asked(phone("en"), "message", kind="person")
    talk.world.closed = True
    assert talk.say(answer("message", "no")) == before.say(answer("message", "no"))
    assert kinds(talk) == ["Seal"]


def test_stop_is_obeyed_and_said_to_be(phone: Phones) -> None:
    talk = asked(phone("en"), "place", kind="person")
    talk.world.closed = True
    said = talk.say("STOP")
    assert say("stop.done", "en") in said
    assert CLOSED in said
    assert "Consent" in kinds(talk)


# ── others to ask ────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("lang", LANGS)
def test_with_no_address_it_says_so_and_what_a_person_can_still_do(shut: Phones, lang: str) -> None:
    talk = shut(lang)
    talk.world.outside = ()
    said = talk.say("PRIVATE")
    assert said == f"{say('door.closed', lang)}\n{say('door.alone', lang)}"


def test_help_names_the_same_others_to_everybody_and_nobody_where_there_is_none(phone: Phones) -> None:
    talk = phone("en")
    assert ASK in talk.say("HELP")
    talk.world.outside = ()
    assert "You can ask" not in talk.say("HELP")


def test_a_trial_line_keeps_nothing_and_says_so_with_no_address_too(phone: Phones) -> None:
    talk = phone("en", trial=True)
    talk.world.outside = ()
    said = talk.say(BRIBE)
    assert talk.effects == []
    assert "kept nothing" in said
    assert say("door.alone", "en") in said
