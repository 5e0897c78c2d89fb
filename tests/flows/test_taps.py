"""A tap answers the question that its button belongs to, however late it comes."""

from __future__ import annotations

import pytest

from flows import taps
from flows.book import Book
from flows.effects import Amend, Verify
from flows.model import Details, Place, Reply
from flows.play import Phone
from tests.answers import answer, report
from tests.flows.citizens import LONG, Phones, among, asked, only


@pytest.mark.parametrize("carried", ["complaint.kind|abcdef01|service", "x|y|", "|", "||a|b"])
def test_what_a_button_carries_is_read_again(carried: str) -> None:
    tap = taps.read(carried)
    assert carried.startswith(taps.write(tap.node, tap.version, tap.option)[: len(carried)])


def test_a_bare_option_is_a_tap_on_the_open_question() -> None:
    assert taps.read("service") == taps.Tap("service")


def carried(phone: Phone) -> dict[str, str]:
    """What the buttons of the last reply carry, by option."""
    assert phone.reply is not None
    return {taps.read(row[3]).option: row[3] for row in phone.reply.as_message()["options"]}


def tap(phone: Phone, what: str) -> str:
    read = taps.read(what)
    return phone.say("", choice=read.option, tapped=read.node)


def test_a_whole_report_can_be_tapped(phone: Phones) -> None:
    talk = phone("ur")
    for question, option in (("category", "water"), ("kind", "service"), ("place", "pishin.pishin")):
        report(talk, question)
        tap(talk, carried(talk)[option])
        assert talk.session.node != question
    details = talk.session.memory.report.details
    assert (details.category, details.place) == ("water", "pishin.pishin")
    report(talk, "message")
    tap(talk, carried(talk)["no"])
    assert only(talk, Amend).details == Details(may_message=False)


def test_an_old_button_asks_the_open_question_again_and_answers_nothing(phone: Phones) -> None:
    talk = asked(phone("ur"), "category")
    old = carried(talk)["water"]
    question = talk.say(answer("category", "health"))
    assert tap(talk, old) == question
    assert talk.effects == []
    assert (talk.session.node, talk.session.misses) == ("kind", 0)


def test_a_button_of_the_flows_before_still_answers_its_question(phone: Phones) -> None:
    talk = asked(phone("ur"), "category")
    tap(talk, "complaint.category|an-older|water")
    assert talk.session.node == "kind"


def test_behind_the_door_buttons_carry_what_they_carry_before_it(phone: Phones) -> None:
    ordinary, protected = asked(phone("ur"), "place"), asked(phone("ur"), "place", kind="person")
    assert protected.session.flow == "protected"
    assert carried(ordinary) == carried(protected)
    tap(protected, carried(ordinary)["pishin.pishin"])
    report(protected, "story")
    assert protected.session.flow == "protected"
    assert LONG not in protected.say(LONG)


def test_every_button_fits_into_64_bytes(book: Book) -> None:
    places = Place("x" * 24, {})
    for node in book.nodes.values():
        face = book.faces.get(node.name, node.name)
        ids = [option.id for option in node.options] or [places.id, "9" * 13]
        assert all(len(taps.write(face, book.fingerprint, one).encode()) <= 64 for one in ids)


def test_a_reply_without_options_carries_nothing() -> None:
    assert Reply(()).as_message()["options"] == []


# ── buttons that say no node: ours of before, and a template's, which carries its own title where none was set ──
TITLE = "مسئلہ بتائیں"  # of "report", in the menu


def bare(phone: Phone, carried: str, title: str) -> str:
    return phone.say(title, choice=carried)


@pytest.mark.parametrize("question", ["category", "kind", "place", "story"])
def test_an_option_of_no_open_question_asks_again_and_its_title_is_nobodys_words(phone: Phones, question: str) -> None:
    talk = asked(phone("ur"), question)
    was, shown = talk.session.memory.report, carried(talk)
    bare(talk, "report", TITLE)
    assert (talk.session.node, talk.session.misses, talk.session.memory.report) == (question, 0, was)
    assert carried(talk) == shown
    assert talk.effects == []


@pytest.mark.parametrize("question", ["category", "kind", "place", "story"])
def test_the_title_that_a_template_carries_is_no_story_and_no_place(phone: Phones, question: str) -> None:
    talk = asked(phone("ur"), question)
    was = talk.session.memory.report
    bare(talk, "مزید پڑھیں", "مزید پڑھیں")
    assert (talk.session.node, talk.session.memory.report) == (question, was)
    assert talk.effects == []


def test_the_title_that_a_template_carries_picks_the_option(phone: Phones) -> None:
    talk = asked(phone("ur"), "message")
    bare(talk, "جی ہاں", "جی ہاں")
    assert only(talk, Amend).details == Details(may_message=True)


def test_a_bare_option_of_the_open_question_is_taken(phone: Phones) -> None:
    talk = asked(phone("ur"), "place")
    bare(talk, "pishin.pishin", "پشین")
    assert talk.session.memory.report.details.place == "pishin.pishin"


def test_a_bare_option_answers_what_an_act_asked_meanwhile(phone: Phones) -> None:
    talk = phone("ur")
    talk.world.cases["9821773000014"] = "resolved"
    asked(talk, "place")
    talk.world.ask("confirm", "9821773000014")
    bare(talk, "yes", "جی ہاں، ہو گیا")
    assert among(talk, Verify).verdict == "yes"


def test_a_command_on_a_button_is_obeyed(phone: Phones) -> None:
    talk = asked(phone("ur"), "place")
    bare(talk, "to_the_menu", "MENU")
    assert talk.session.node == "menu"
