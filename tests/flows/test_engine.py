"""What the engine promises, one sentence a test."""

from __future__ import annotations

from dataclasses import replace

import pytest

import locales
from flows import codes
from flows.book import Book
from flows.effects import Amend, Append, CallPerson, Consent, KeepStory, OpenCase, Rate, SealStory
from flows.engine import step
from flows.model import Call, Details, Event, FoundCase, Item, Known, Memory, Session
from locales import LANGS
from locales.channels import sms_parts
from locales.values import group
from tests.answers import answer, report
from tests.flows.citizens import (
    AGAIN,
    LONG,
    PHOTO,
    STORY,
    VOICE,
    Phones,
    among,
    asked,
    complain,
    inside,
    kinds,
    only,
    to_node,
)

# ── story first ──


def test_one_text_is_enough(phone: Phones) -> None:
    talk = phone()
    said = talk.say(STORY["bal"])
    kept = among(talk, KeepStory)
    assert kept.story == (Item(STORY["bal"]),)
    assert said.startswith(group(kept.code))
    assert "براہوئی" in said
    assert len(sms_parts(said)) == 1
    assert talk.wait() == ""
    assert talk.effects == []


@pytest.mark.parametrize("media", [PHOTO, VOICE])
def test_a_photo_or_a_voice_note_can_be_the_story(phone: Phones, media: tuple[object, ...]) -> None:
    talk = phone()
    talk.say(media=media)
    assert kinds(talk) == ["KeepStory"]


def test_a_kept_story_becomes_the_case_of_the_same_code(phone: Phones) -> None:
    talk = phone()
    talk.say(LONG)
    code = among(talk, KeepStory).code
    assert among(talk, Amend) == Amend(code, Details(category="water"))
    report(talk, past="kind")
    opened = only(talk, OpenCase)
    assert (opened.code, opened.kept) == (code, True)
    report(talk, past="place", place="pishin.pishin")
    assert only(talk, Amend) == Amend(code, Details(place="pishin.pishin"))
    assert group(code) in talk.thread[-6]
    talk.say(answer("message", "yes"))
    assert talk.session.node == "done"


def test_a_kept_story_about_a_person_goes_behind_the_door_with_its_category(phone: Phones) -> None:
    talk = phone("ur")
    talk.say(LONG)
    code = among(talk, KeepStory).code
    inside(talk)
    assert only(talk, SealStory) == SealStory(code, Details(about="person", category="water"))
    assert talk.sealed
    report(talk, "place")
    talk.say("somewhere")
    assert kinds(talk) == ["Seal"]


def test_words_at_a_menu_are_kept_and_not_called_a_wrong_answer(phone: Phones) -> None:
    talk = asked(phone("ur"), "category")
    talk.say(AGAIN)
    assert kinds(talk) == ["KeepStory"]
    assert talk.session.node == "category"
    report(talk, past="kind")
    assert kinds(talk) == ["OpenCase"]


def test_words_at_the_category_that_name_one_answer_it(phone: Phones) -> None:
    talk = asked(phone("ur"), "category")
    said = talk.say(LONG)
    assert kinds(talk) == ["KeepStory", "Amend"]
    assert group(among(talk, KeepStory).code) in said
    assert talk.session.node == "kind"


def test_what_was_heard_in_a_story_is_said_back_and_corrected_by_one_digit(phone: Phones) -> None:
    talk = phone("ur")
    assert locales.say("category.water", "ur") in talk.say(LONG)
    talk.say("0")
    assert talk.session.node == "category"
    talk.say(answer("category", "education"))
    assert among(talk, Amend).details == Details(category="education")


def test_a_long_message_in_the_main_menu_is_a_story_too(phone: Phones) -> None:
    talk = to_node(phone("ps"))
    said = talk.say(AGAIN)
    assert kinds(talk) == ["KeepStory"]
    assert group(only(talk, KeepStory).code) in said
    assert talk.session.node == "which"


# ── a poster's digits ──


@pytest.mark.parametrize("typed", ["3 1 6", "3,1,6", "3*1*6", "3-1-6", "۳ ۱ ۶"])
def test_a_posters_digits_skip_what_they_answer(phone: Phones, typed: str) -> None:
    talk = phone()
    talk.say(typed)
    assert (talk.session.lang, talk.session.node) == ("bal", "kind")
    talk.say(answer("kind", "service"))
    assert talk.session.node == "story"
    talk.say(answer("story", "nothing"))
    assert only(talk, OpenCase).details == Details(category="water", place="pishin.pishin")


def test_a_posters_digits_are_taken_at_the_first_question_too_and_behind_the_door(phone: Phones) -> None:
    talk = phone()
    talk.say("hello")
    talk.say("1 9 2")
    talk.say(answer("kind", "person"))
    assert talk.session.node == "story"
    assert talk.session.memory.report.sealed


@pytest.mark.parametrize("typed", ["316", "9 1 1", "1 11 1", "1 1 77", "0300 1234567", "3 1 6 2"])
def test_other_digits_are_no_posters(phone: Phones, typed: str) -> None:
    talk = phone()
    talk.say(typed)
    assert talk.session.node in {"first", "code"}
    assert not talk.session.memory.report.details.category


# ── silence ──


def test_an_unfinished_report_is_kept_as_a_draft_and_said_so(phone: Phones) -> None:
    talk = asked(phone("brh"), "story")
    said = talk.wait()
    draft = only(talk, OpenCase)
    assert draft.draft
    assert draft.details.place == "pishin.pishin"
    assert group(draft.code) in said
    talk.say("1")
    assert talk.reply
    assert [say.key for say in talk.reply.says] == ["again.ask"], "no digit answers what was asked hours ago"
    talk.say(answer("again.ask", "on"))
    assert talk.session.node == "story"
    talk.say(LONG)
    assert among(talk, Append).code == draft.code
    assert among(talk, Amend) == Amend(draft.code, finish=True)
    report(talk, past="message", message="no")
    assert only(talk, Amend) == Amend(draft.code, Details(may_message=False))


def test_the_second_silence_ends_the_conversation(phone: Phones) -> None:
    talk = asked(phone("ur"), "place")
    assert talk.wait()
    assert talk.wait() == ""
    assert talk.effects == []
    assert talk.session.node == ""
    assert talk.wait() == ""


def test_words_waiting_for_more_or_new_are_kept_in_silence(phone: Phones) -> None:
    talk = phone()
    complain(talk, "ur")
    talk.say(LONG)
    assert talk.effects == []
    assert talk.wait() == ""
    assert kinds(talk) == ["KeepStory"]


# ── words that are understood everywhere ──


def test_going_elsewhere_keeps_what_was_said(phone: Phones) -> None:
    talk = asked(phone("ur"), "story")
    said = talk.say("MENU")
    draft = only(talk, OpenCase)
    assert draft.draft
    assert group(draft.code) in said


def test_stop_counts_only_as_the_whole_message_and_moves_nothing(phone: Phones) -> None:
    talk = asked(phone("ur"), "story")
    before = talk.session
    talk.say("stop")
    assert only(talk, Consent) == Consent("weekly", granted=False, method="word")
    assert talk.session == before
    talk.say("please stop the water from flowing")
    assert only(talk, OpenCase).story == (Item("please stop the water from flowing"),)


def test_start_lifts_a_stop_and_subscribes_to_nothing(phone: Phones) -> None:
    talk = phone("ur")
    talk.say("/start")
    assert only(talk, Consent) == Consent("all", granted=True, method="word")
    assert not talk.world.weekly


@pytest.mark.parametrize("lang", LANGS)
def test_language_can_be_changed_in_the_middle_and_the_question_comes_again(phone: Phones, lang: str) -> None:
    talk = asked(phone("ur"), "kind")
    talk.say("زبان")
    talk.say(answer("language", lang))
    assert talk.session.lang == lang
    assert talk.session.node == "kind"


SIDEWAYS = {
    "menu": ("MENU", "menu", "فہرست"),
    "category": ("0", "۰", "واپس", "back"),
    "show": ("help", "مدد", "مرسته"),
}


@pytest.mark.parametrize(("word", "node"), [(word, node) for node, words in SIDEWAYS.items() for word in words])
def test_universal_words_work_in_the_middle_of_a_question(phone: Phones, word: str, node: str) -> None:
    talk = asked(phone("ur"), "kind")
    talk.say(word)
    assert talk.session.node == node


def test_help_goes_back_to_the_question_it_left(phone: Phones) -> None:
    talk = asked(phone("ur"), "place")
    question = talk.thread[-6:]
    talk.say("HELP")
    talk.say(answer("show", "on"))
    assert talk.thread[-6:] == question


def test_the_second_answer_not_understood_offers_a_person(phone: Phones) -> None:
    talk = asked(phone("ur"), "category")
    talk.say("77")
    assert talk.session.node == "category"
    talk.say("?")
    assert talk.session.node == "offer"
    talk.say(answer("offer", "person"))
    called = only(talk, CallPerson)
    assert called.reason == "complaint.category"
    assert called.words == ("77", "?")
    assert talk.session.node == "category"


@pytest.mark.parametrize(("typed", "node"), [("پانی", "kind"), ("9", "kind"), (LONG, "kind"), ("0", "category")])
def test_at_the_offer_of_a_person_the_earlier_question_can_still_be_answered(
    phone: Phones, typed: str, node: str
) -> None:
    talk = asked(phone("ur"), "category")
    talk.say("77")
    talk.say("77")
    talk.say(typed)
    assert talk.session.node == node


def test_the_third_miss_puts_the_words_before_a_person_and_offers_a_call(phone: Phones) -> None:
    talk = asked(phone("ur"), "kind")
    for text in ("77", "78", "79"):
        talk.say(text)
    assert only(talk, CallPerson).words == ("77", "78", "79")
    talk.say(answer("who", "woman"))
    talk.say(answer("hour", "evening"))
    called = only(talk, CallPerson)
    assert called.call == Call("woman", "evening")
    talk.say(answer("word", "none"))
    assert talk.session.node == "kind"


# ── status, weekly, rating ──


def test_wrong_unknown_and_somebody_elses_code_read_the_same(phone: Phones) -> None:
    code = codes.complete("9" + "1" * 11)
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert phone("ur").say(f"STATUS {code}") == phone("ur").say(f"STATUS {wrong}")


def test_a_protected_code_tells_a_coarse_state_in_the_same_words(phone: Phones) -> None:
    talk = phone()
    complain(talk, "ur", kind="person")
    code = talk.session.memory.report.code
    other = phone()
    complain(other, "ur")
    assert talk.say(f"STATUS {code}") == other.say(f"STATUS {next(iter(other.world.cases))}").replace(
        group(next(iter(other.world.cases))), group(code)
    )


def test_the_protected_rooms_own_state_is_said_as_an_ordinary_one(book: Book) -> None:
    session = Session("status", "code", "en", Memory(look=codes.complete("1" * 12)), flows=book.fingerprint)
    found = FoundCase("seen", "2026-12-05")
    made = step(book, session, Event("found", Known(0, codes.complete("2" * 12)), found=found))
    assert made.reply is not None
    assert made.reply.says[0].values["status"] == {"key": "status.acknowledged"}


def test_the_phone_alone_lists_no_protected_case(phone: Phones) -> None:
    talk = phone()
    complain(talk, "ur", kind="person")
    talk.say("STATUS")
    assert talk.session.node == "code"


def test_weekly_is_turned_on_and_off_by_menu(phone: Phones) -> None:
    talk = to_node(phone("ps"), answer("menu", "weekly"), answer("offered", "yes"))
    assert talk.world.weekly
    to_node(talk, answer("menu", "weekly"), answer("subscribed", "end"))
    assert not talk.world.weekly


@pytest.mark.parametrize("typed", ["101", "۱۰۱", "code 101", "کوڈ ۱۰۱", "101 کلینک", "#101"])
def test_a_facilitys_code_is_known_with_the_words_of_its_poster(phone: Phones, typed: str) -> None:
    talk = to_node(phone("ur"), answer("menu", "rate"), typed)
    assert talk.session.node == "score"


def test_a_rating_carries_every_indicator(phone: Phones) -> None:
    talk = to_node(phone("ur"), answer("menu", "rate"), "101", "5", "1", "3")
    rating = only(talk, Rate).rating
    assert rating.facility == "demo-clinic"
    assert list(rating.scores.values()) == [5, 1, 3]


def test_without_an_open_round_the_citizen_is_told(phone: Phones) -> None:
    talk = to_node(phone("ur", round=None), answer("menu", "rate"))
    assert talk.session.node == ""
    assert locales.say("rate.closed", "ur") in talk.thread[-1]


# ── flows that changed under a session ──


def test_a_question_that_still_exists_goes_on(phone: Phones) -> None:
    talk = asked(phone("ur"), "kind")
    talk.session = replace(talk.session, flows="another")
    talk.say(answer("kind", "service"))
    assert talk.session.trail[-1:] == ("complaint.kind",)


def test_a_question_that_is_gone_is_followed_politely_by_the_next(phone: Phones) -> None:
    talk = asked(phone("ur"), "story")
    code = talk.session.memory.report.code
    talk.session = replace(talk.session, node="gone", flows="another")
    talk.say("1")
    assert talk.effects == []
    assert talk.reply
    assert [say.key for say in talk.reply.says] == ["restart.sorry", "report.story"]
    talk.say(LONG)
    assert among(talk, OpenCase).code == code
    assert among(talk, OpenCase).details.place == "pishin.pishin"


def test_a_story_written_to_a_question_that_is_gone_is_kept_as_well(phone: Phones) -> None:
    talk = asked(phone("ur"), "category")
    talk.session = replace(talk.session, node="gone", flows="another")
    talk.say(LONG)
    assert kinds(talk) == ["KeepStory", "Amend"]
