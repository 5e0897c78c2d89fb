"""Behind the protected door: who gets there, what is sealed, and that nobody can tell from outside."""

from __future__ import annotations

import pytest

from flows import codes
from flows.effects import KeepStory, OpenCase, Seal
from flows.model import Details, Item, Lies, Memory, Report, Session, Stage
from flows.play import Phone
from locales.values import group
from tests.answers import answer, reach, report, typed
from tests.flows.citizens import BRIBE, CLERK, LONG, Phones, among, asked, complain, inside, kinds, only


def sealed(phone: Phone) -> list[Seal]:
    """The effects of the last turn, all of which seal something."""
    found = [effect for effect in phone.effects if isinstance(effect, Seal)]
    assert len(found) == len(phone.effects)
    return found


def test_danger_words_seal_the_first_message_and_nothing_looks_different(phone: Phones) -> None:
    talk, plain = phone(), phone()
    assert talk.say(BRIBE) == plain.say(CLERK)
    assert set(kinds(talk)) == {"Seal"}
    assert talk.sealed
    for text in typed(first=CLERK, place="pishin.pishin", message="no")[1:]:
        assert talk.say(text) == plain.say(text)
        assert not {"OpenCase", "KeepStory", "Amend", "Append"} & set(kinds(talk))
    assert "BRIBE" not in str(talk.session)


def test_danger_words_in_the_story_take_everything_along(phone: Phones) -> None:
    talk = asked(phone("ur"), "story", category="security")
    talk.say(BRIBE)
    assert talk.effects == []
    assert not talk.session.memory.report.sealed
    talk.say(answer("doubt.report", "person"))
    assert [effect.kind for effect in sealed(talk)] == ["open", "story"]
    assert sealed(talk)[0].details.category == "security"
    assert sealed(talk)[0].details.place == "pishin.pishin"
    assert talk.session.memory == Memory(Report(sealed(talk)[0].code, Stage.FILED, Lies.SEALED))
    assert talk.session.flow == "protected"


def test_danger_words_about_a_service_stay_with_it_once_that_was_said(phone: Phones) -> None:
    talk = asked(phone("ur"), "story", category="security")
    talk.say(BRIBE)
    talk.say(answer("doubt.report", "service"))
    assert only(talk, OpenCase).story == (Item(BRIBE),)


@pytest.mark.parametrize("kind", ["service", "person"])
def test_after_words_about_no_person_the_question_that_stood_open_is_asked_again(phone: Phones, kind: str) -> None:
    talk = asked(phone("ur"), "message", kind=kind)
    talk.say(BRIBE)
    talk.say(answer("doubt.report", "service"))
    assert talk.session.node == "message"
    assert talk.reply is not None
    assert [say.key for say in talk.reply.says] == ["report.message"]


def test_danger_words_nobody_answered_for_go_to_the_triage_and_into_no_queue(phone: Phones) -> None:
    talk = asked(phone("ur"), "story", category="security")
    talk.say(BRIBE)
    talk.wait()
    assert among(talk, KeepStory).story == (Item(BRIBE),)
    assert among(talk, OpenCase).story == ()


def test_what_was_answered_before_the_door_is_chosen_comes_along(phone: Phones) -> None:
    talk = asked(phone("ur"), "story", category="security")
    reach(talk, "kind", "BACK")
    talk.say(answer("kind", "person"))
    assert [effect.kind for effect in sealed(talk)] == ["open"]
    assert sealed(talk)[0].details == Details(about="person", category="security", place="pishin.pishin")
    assert talk.session.memory.report.details == Details()


def test_after_the_receipt_back_leads_to_no_question_of_what_was_sent(phone: Phones) -> None:
    for kind in ("service", "person"):
        talk = asked(phone("ur"), "message", kind=kind)
        talk.say("BACK")
        assert talk.session.node == "menu"


def test_words_that_wait_after_the_receipt_are_sealed_by_private(phone: Phones) -> None:
    talk = phone()
    complain(talk, "ur")
    talk.say(LONG)
    asked = talk.thread[-3:]
    talk.say("PRIVATE")
    assert [(e.kind, e.item) for e in sealed(talk)] == [("more", Item(LONG))]
    assert talk.thread[-3:] == asked
    talk.say(answer("complaint.more", "same"))
    assert kinds(talk) == ["Seal"]


def test_danger_words_after_an_ordinary_receipt_do_not_join_the_ordinary_case(phone: Phones) -> None:
    talk = phone()
    complain(talk, "ur")
    talk.say(BRIBE)
    assert kinds(talk) == ["Seal"]
    talk.say("1")
    assert "Append" not in kinds(talk)


def test_whoever_is_inside_stays_inside(phone: Phones) -> None:
    talk = inside(phone("ur"))
    code = only(talk, Seal).code
    talk.say("0")
    assert talk.session.node == "kind"
    talk.say(answer("kind", "service"))
    assert [(e.kind, e.code) for e in sealed(talk)] == [("kind", code)]
    assert talk.session.flow == "protected"


@pytest.mark.parametrize("word", ["PRIVATE", "رازداری", "خفیہ", "پټتیا"])
def test_private_leads_to_the_protected_door_from_anywhere(phone: Phones, word: str) -> None:
    talk = asked(phone("ur"), "story", category="education")
    said = talk.thread[-1]
    talk.say(word)
    assert talk.thread[-1] == said
    assert kinds(talk) == ["Seal"]
    assert talk.session.flow == "protected"
    stranger = phone()
    stranger.say(word)
    stranger.say("1")
    assert stranger.session.memory == Memory(Report(lies=Lies.SEALED))
    stranger.say("1")
    assert kinds(stranger) == ["Seal"]


def test_every_answer_behind_the_door_is_sealed_and_the_session_keeps_only_its_place(phone: Phones) -> None:
    talk = inside(phone("ur"))
    while talk.session.node != "done":
        report(talk, past=talk.session.node, place="Some street", story="He did this and that to me")
        assert kinds(talk) == ["Seal"]
        assert talk.sealed
        kept = talk.session.memory.report
        assert talk.session.memory == Memory(Report(kept.code, kept.stage, Lies.SEALED))


def test_behind_the_door_a_silence_says_nothing(phone: Phones) -> None:
    talk = inside(phone("ur"))
    assert talk.wait() == ""
    assert talk.effects == []
    assert talk.session == Session(lang="ur", flows=talk.book.fingerprint)


def test_who_is_called_from_behind_the_door_is_called_there(phone: Phones) -> None:
    talk = inside(phone("ur"))
    talk.say("HELP")
    talk.say(answer("show", "person"))
    assert [e.kind for e in sealed(talk)] == ["call"]


@pytest.mark.parametrize(
    ("question", "text"),
    [("category", "PRIVATE"), ("category", BRIBE), ("kind", answer("kind", "person")), ("story", BRIBE)],
)
def test_a_trial_line_takes_nothing_protected_and_names_others(phone: Phones, question: str, text: str) -> None:
    talk = asked(phone("ur", trial=True), question, category="security")
    said = talk.say(text)
    if question == "story":
        said = talk.say(answer("doubt.report", "person"))
    assert "0000" in said
    assert talk.effects == []
    assert talk.sealed, "nor does the inbox keep these words"
    assert talk.session.node == "menu"


def test_a_story_kept_by_a_trial_line_is_forgotten_when_it_is_about_a_person(phone: Phones) -> None:
    talk = phone("ur", trial=True)
    talk.say(LONG)
    inside(talk, category="security")
    assert kinds(talk) == ["Forget"]


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


@pytest.mark.parametrize("kind", ["service", "person"])
def test_a_number_in_hand_is_let_go_of_as_soon_on_both_sides_of_the_door(phone: Phones, kind: str) -> None:
    """Half an hour later nobody can tell by writing on which side a report, or a number that was typed, lies."""
    talk = asked(phone("ur"), "done", kind=kind)
    code = talk.session.memory.report.code
    for text in ("", code):
        if text:
            talk.say(text)
        assert talk.session.quiet_after == 20 * 60
        talk.wait()
        assert not talk.session.node
        assert not talk.session.memory.report.code
        assert talk.session.memory.thread is None
