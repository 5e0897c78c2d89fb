"""What the engine promises, one sentence a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from citizens import LANGS, PHOTO, STORY, VOICE, complain

from flows import codes
from flows.book import Book
from flows.engine import step
from flows.model import Event, Known, Session
from flows.play import Phone
from locales.channels import sms_parts
from locales.values import group

Phones = Callable[..., Phone]
LONG = "The pump has been broken for ten days"
BRIBE = "The clerk wants a bribe"


def kinds(phone: Phone) -> list[str]:
    return [effect.kind for effect in phone.effects]


def to_node(phone: Phone, *typed: str) -> Phone:
    for text in ("menu", *typed):
        phone.say(text)
    return phone


# ── story first ──


def test_one_text_is_enough(phone: Phones) -> None:
    talk = phone()
    said = talk.say(STORY["bal"])
    (kept,) = talk.effects
    assert kept.kind == "keep_story"
    assert kept.data["story"] == [{"text": STORY["bal"]}]
    assert said.startswith(group(kept.data["code"]))
    assert "براہوئی" in said
    assert len(sms_parts(said)) == 1
    assert talk.wait() == ""
    assert talk.effects == []


@pytest.mark.parametrize("media", [PHOTO, VOICE])
def test_a_photo_or_a_voice_note_can_be_the_story(phone: Phones, media: tuple[object, ...]) -> None:
    talk = phone()
    talk.say(media=media)
    assert kinds(talk) == ["keep_story"]


def test_a_kept_story_becomes_the_case_of_the_same_code(phone: Phones) -> None:
    talk = phone()
    talk.say(LONG)
    code = talk.effects[0].data["code"]
    talk.say("1")
    talk.say("1")
    assert kinds(talk) == ["amend"]
    talk.say("1")
    (opened,) = talk.effects
    assert (opened.kind, opened.data["code"], opened.data["kept"]) == ("open_case", code, True)
    talk.say("4")
    assert talk.effects[0].data == {"code": code, "place": "demo-pishin"}
    assert group(code) in talk.say("1")
    assert talk.session.node == "done"


def test_a_kept_story_about_a_person_goes_behind_the_door_with_its_category(phone: Phones) -> None:
    talk = phone("ur")
    talk.say(LONG)
    code = talk.effects[0].data["code"]
    talk.say("10")
    talk.say("2")
    assert [(e.kind, e.data) for e in talk.effects] == [
        ("seal_story", {"code": code, "about": "person", "category": "other"})
    ]
    assert talk.sealed
    talk.say("somewhere")
    assert kinds(talk) == ["seal"]


def test_words_at_a_menu_are_kept_and_not_called_a_wrong_answer(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1")
    talk.say(LONG)
    assert kinds(talk) == ["keep_story"]
    assert talk.session.node == "category"
    talk.say("1")
    talk.say("1")
    assert kinds(talk) == ["open_case"]


def test_a_long_message_in_the_main_menu_is_a_story_too(phone: Phones) -> None:
    talk = to_node(phone("ps"))
    said = talk.say(LONG)
    assert kinds(talk) == ["keep_story"]
    assert group(talk.effects[0].data["code"]) in said
    assert talk.session.node == "category"


# ── danger words and the protected door ──


def test_danger_words_seal_the_first_message_and_nothing_looks_different(phone: Phones) -> None:
    talk, plain = phone(), phone()
    assert talk.say(BRIBE) == plain.say(LONG)
    assert kinds(talk) == ["seal"]
    assert talk.sealed
    for typed in ("1", "1", "1", "4", "2"):
        assert talk.say(typed) == plain.say(typed)
        assert not {"open_case", "keep_story", "amend", "append"} & set(kinds(talk))
    assert "BRIBE" not in str(talk.session)


def test_danger_words_in_the_story_take_everything_along(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "6", "1", "4")
    talk.say(BRIBE)
    assert [effect.data["kind"] for effect in talk.effects] == ["open", "story"]
    assert talk.effects[0].data["category"] == "police"
    assert talk.effects[0].data["place"] == "demo-pishin"
    assert set(talk.session.answers) == {"code", "sealed", "routed"}
    assert talk.session.flow == "protected"


def test_a_story_told_before_the_door_is_chosen_comes_along(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "6", "1", "4", LONG, "0", "0", "0")
    assert talk.session.node == "kind"
    talk.say("2")
    assert [effect.data["kind"] for effect in talk.effects] == ["open", "story"]
    assert talk.effects[1].data["text"] == LONG
    assert LONG not in str(talk.session)


def test_words_that_wait_after_the_receipt_are_sealed_by_private(phone: Phones) -> None:
    talk = phone()
    complain(talk, "ur")
    talk.say(LONG)
    asked = talk.thread[-4:]
    talk.say("PRIVATE")
    assert [(e.kind, e.data["kind"], e.data["text"]) for e in talk.effects] == [("seal", "more", LONG)]
    assert talk.thread[-4:] == asked
    talk.say("1")
    assert kinds(talk) == ["seal"]


def test_danger_words_after_an_ordinary_receipt_do_not_join_the_ordinary_case(phone: Phones) -> None:
    talk = phone()
    complain(talk, "ur")
    talk.say(BRIBE)
    assert kinds(talk) == ["seal"]
    talk.say("1")
    assert "append" not in kinds(talk)


def test_whoever_is_inside_stays_inside(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "2", "2")
    code = talk.effects[0].data["code"]
    talk.say("0")
    assert talk.session.node == "kind"
    talk.say("1")
    assert [(e.kind, e.data["kind"], e.data["code"]) for e in talk.effects] == [("seal", "kind", code)]
    assert talk.session.flow == "protected"


@pytest.mark.parametrize("word", ["PRIVATE", "رازداری", "خفیہ", "پټتیا"])
def test_private_leads_to_the_protected_door_from_anywhere(phone: Phones, word: str) -> None:
    talk = to_node(phone("ur"), "1", "3", "1", "4")
    said = talk.thread[-1]
    talk.say(word)
    assert talk.thread[-1] == said
    assert kinds(talk) == ["seal"]
    assert talk.session.flow == "protected"
    stranger = phone()
    stranger.say(word)
    stranger.say("1")
    assert stranger.session.answers == {"sealed": True}
    stranger.say("1")
    assert kinds(stranger) == ["seal"]


def test_every_answer_behind_the_door_is_sealed_and_the_session_keeps_only_its_place(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "8", "2")
    for typed in ("Some street", "He did this and that to me", "1", "1"):
        talk.say(typed)
        assert kinds(talk) == ["seal"]
        assert talk.sealed
        assert set(talk.session.answers) <= {"code", "sealed", "routed", "done"}


def test_behind_the_door_a_silence_says_nothing(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "8", "2")
    assert talk.wait() == ""
    assert talk.effects == []
    assert talk.session == Session(lang="ur", flows=talk.book.fingerprint)


def test_who_is_called_from_behind_the_door_is_called_there(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "8", "2", "4", "HELP")
    talk.say("1")
    assert [(e.kind, e.data["kind"]) for e in talk.effects] == [("seal", "call")]


# ── a trial line ──


@pytest.mark.parametrize("typed", [("PRIVATE",), (BRIBE,), ("1", "6", "2"), ("1", "6", "1", "4", BRIBE)])
def test_a_trial_line_takes_nothing_protected_and_names_others(phone: Phones, typed: tuple[str, ...]) -> None:
    talk = to_node(phone("ur", trial=True), *typed[:-1])
    said = talk.say(typed[-1])
    assert "0000" in said
    assert talk.effects == []
    assert talk.session.node == "menu"


def test_a_story_kept_by_a_trial_line_is_forgotten_when_it_is_about_a_person(phone: Phones) -> None:
    talk = phone("ur", trial=True)
    talk.say(LONG)
    talk.say("6")
    talk.say("2")
    assert kinds(talk) == ["forget"]


def test_a_trial_line_says_so_at_the_start_of_every_conversation(phone: Phones) -> None:
    talk = phone(trial=True)
    assert talk.say("hi").startswith("TRIAL")
    notice = talk.say("1").split("\n")[0]
    talk.wait()
    assert talk.say("hello").startswith(notice)
    talk.wait()
    first = f"STATUS {group(codes.complete('1' * 12))}"
    assert talk.say(first).startswith(notice)
    assert talk.replies == 1


# ── silence ──


def test_an_unfinished_report_is_kept_as_a_draft_and_said_so(phone: Phones) -> None:
    talk = to_node(phone("brh"), "1", "5", "1", "4")
    said = talk.wait()
    (draft,) = talk.effects
    assert draft.kind == "open_case"
    assert draft.data["draft"] is True
    assert draft.data["place"] == "demo-pishin"
    assert group(draft.data["code"]) in said
    talk.say(LONG)
    assert [(e.kind, e.data["code"]) for e in talk.effects] == [("append", draft.data["code"])]
    talk.say("2")
    assert talk.effects[0].data == {"code": draft.data["code"], "may_message": False}
    assert group(draft.data["code"]) in talk.say("1")
    assert talk.effects[0].data == {"code": draft.data["code"], "finish": True}


def test_the_second_silence_ends_the_conversation(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "5", "1")
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
    assert kinds(talk) == ["keep_story"]


# ── words that are understood everywhere ──


def test_going_elsewhere_keeps_what_was_said(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "5", "1", "4")
    said = talk.say("MENU")
    assert talk.effects[0].kind == "open_case"
    assert talk.effects[0].data["draft"] is True
    assert group(talk.effects[0].data["code"]) in said


def test_stop_counts_only_as_the_whole_message_and_moves_nothing(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "5", "1", "4")
    before = talk.session
    talk.say("stop")
    assert [(e.kind, e.data) for e in talk.effects] == [
        ("consent", {"topic": "weekly", "granted": False, "method": "word"})
    ]
    assert talk.session == before
    talk.say("please stop the water from flowing")
    assert talk.effects == []
    assert talk.session.node == "message"


def test_start_lifts_a_stop_and_subscribes_to_nothing(phone: Phones) -> None:
    talk = phone("ur")
    talk.say("/start")
    assert [(e.data["topic"], e.data["granted"]) for e in talk.effects] == [("all", True)]
    assert not talk.world.weekly


@pytest.mark.parametrize("lang", LANGS)
def test_language_can_be_changed_in_the_middle_and_the_question_comes_again(phone: Phones, lang: str) -> None:
    talk = to_node(phone("ur"), "1", "5")
    talk.say("زبان")
    talk.say(str(LANGS.index(lang) + 1))
    assert talk.session.lang == lang
    assert talk.session.node == "kind"


SIDEWAYS = {
    "menu": ("MENU", "menu", "فہرست"),
    "category": ("0", "۰", "واپس", "back"),
    "show": ("help", "مدد", "مرسته"),
}


@pytest.mark.parametrize(("word", "node"), [(word, node) for node, words in SIDEWAYS.items() for word in words])
def test_universal_words_work_in_the_middle_of_a_question(phone: Phones, word: str, node: str) -> None:
    talk = to_node(phone("ur"), "1", "5")
    talk.say(word)
    assert talk.session.node == node


def test_help_goes_back_to_the_question_it_left(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "5", "1")
    asked = talk.thread[-6:]
    talk.say("HELP")
    talk.say("2")
    assert talk.thread[-6:] == asked


def test_the_second_answer_not_understood_offers_a_person(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1")
    talk.say("qqq")
    assert talk.session.node == "category"
    talk.say("zzz")
    assert talk.session.node == "offer"
    talk.say("1")
    (called,) = talk.effects
    assert called.kind == "call_person"
    assert called.data["reason"] == "complaint.category"
    assert called.data["words"] == ["qqq", "zzz"]
    assert talk.session.node == "category"


# ── status, weekly, rating ──


def test_wrong_unknown_and_somebody_elses_code_read_the_same(phone: Phones) -> None:
    code = codes.complete("1" * 12)
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert phone("ur").say(f"STATUS {code}") == phone("ur").say(f"STATUS {wrong}")


def test_a_protected_code_tells_a_coarse_state_in_the_same_words(phone: Phones) -> None:
    talk = phone()
    complain(talk, "ur", kind=2)
    code = talk.session.answers["code"]
    other = phone()
    complain(other, "ur")
    assert talk.say(f"STATUS {code}") == other.say(f"STATUS {next(iter(other.world.cases))}").replace(
        group(next(iter(other.world.cases))), group(code)
    )


def test_the_protected_rooms_own_state_is_said_as_an_ordinary_one(book: Book) -> None:
    session = Session("status", "code", "en", {"look": codes.complete("1" * 12)}, flows=book.fingerprint)
    found = {"what": "case", "state": "seen", "due": "2026-12-05"}
    made = step(book, session, Event("found", Known(0, codes.complete("2" * 12)), found=found))
    assert made.reply is not None
    assert made.reply.says[0].values["status"] == {"key": "status.acknowledged"}


def test_the_phone_alone_lists_no_protected_case(phone: Phones) -> None:
    talk = phone()
    complain(talk, "ur", kind=2)
    talk.say("STATUS")
    assert talk.session.node == "code"


def test_weekly_is_turned_on_and_off_by_menu(phone: Phones) -> None:
    talk = to_node(phone("ps"), "4", "1")
    assert talk.world.weekly
    to_node(talk, "4", "2")
    assert not talk.world.weekly


def test_a_rating_carries_every_indicator(phone: Phones) -> None:
    talk = to_node(phone("ur"), "3", "101", "5", "1", "3")
    (rated,) = talk.effects
    assert rated.data["facility"] == "demo-clinic"
    assert list(rated.data["scores"].values()) == [5, 1, 3]


def test_without_an_open_round_the_citizen_is_told(phone: Phones) -> None:
    talk = to_node(phone("ur", round=None), "3")
    assert talk.session.node == "menu"
    assert len(talk.thread[-1:]) == 1


# ── flows that changed under a session ──


def test_a_question_that_still_exists_goes_on(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1", "5")
    talk.session = replace(talk.session, flows="another")
    talk.say("1")
    assert talk.session.node == "place"


def test_a_question_that_is_gone_restarts_politely_and_keeps_what_was_said(phone: Phones, book: Book) -> None:
    talk = to_node(phone("ur"), "1", "5", "1", "4")
    talk.say(LONG)
    talk.session = replace(talk.session, node="gone", flows="another")
    said = talk.say("1")
    (draft,) = talk.effects
    assert draft.kind == "open_case"
    assert draft.data["story"] == [{"text": LONG}]
    assert group(draft.data["code"]) in said
    assert talk.session.node == "menu"


def test_a_story_written_to_a_question_that_is_gone_is_kept_as_well(phone: Phones) -> None:
    talk = to_node(phone("ur"), "1")
    talk.session = replace(talk.session, node="gone", flows="another")
    talk.say(LONG)
    assert kinds(talk) == ["keep_story"]
