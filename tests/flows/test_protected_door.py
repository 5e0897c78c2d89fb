"""Behind the protected door: who gets there, what is sealed, and that nobody can tell from outside."""

from __future__ import annotations

import pytest
from citizens import BRIBE, LONG, Phones, complain, kinds, to_node

from flows import codes
from flows.model import Session
from locales.values import group


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


@pytest.mark.parametrize("typed", [("PRIVATE",), (BRIBE,), ("1", "6", "2"), ("1", "6", "1", "4", BRIBE)])
def test_a_trial_line_takes_nothing_protected_and_names_others(phone: Phones, typed: tuple[str, ...]) -> None:
    talk = to_node(phone("ur", trial=True), *typed[:-1])
    said = talk.say(typed[-1])
    assert "0000" in said
    assert talk.effects == []
    assert talk.sealed, "nor does the inbox keep these words"
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
