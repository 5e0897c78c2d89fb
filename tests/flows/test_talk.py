"""Small talk and wishes: what is answered, and that nothing of it becomes a case."""

from __future__ import annotations

import pytest

from flows.effects import SetLanguage
from flows.play import Phone
from tests.flows.citizens import Phones, asked, only


def says(talk: Phone) -> list[str]:
    assert talk.reply
    assert talk.replies == 1
    return [say.key for say in talk.reply.says]


@pytest.mark.parametrize(
    ("text", "lang"),
    [("پشتو میں بات کریں", "ps"), ("balochi", "bal"), ("براہوئی", "brh"), ("urdu please", "ur"), ("پښتو", "ps")],
)
def test_a_stranger_who_names_a_language_is_answered_in_it(phone: Phones, text: str, lang: str) -> None:
    talk = phone()
    talk.say(text)
    assert only(talk, SetLanguage).lang == lang
    assert talk.session.lang == lang
    assert says(talk) == ["welcome.who", "welcome.hello", "report.category"]


@pytest.mark.parametrize("text", ["english", "زبان بدلنی ہے", "فارسی"])
def test_a_stranger_who_names_none_of_ours_reads_the_list(phone: Phones, text: str) -> None:
    talk = phone()
    talk.say(text)
    assert talk.session.node in {"language", "first"}
    assert not talk.session.lang


@pytest.mark.parametrize("behind", [False, True])
def test_where_nothing_is_asked_a_language_and_a_greeting_are_answered_and_no_more(phone: Phones, behind: bool) -> None:
    talk = asked(phone("ur"), "done", kind="person" if behind else "service")
    assert talk.session.flow == ("protected" if behind else "complaint")
    for text in ("پشتو میں بات کریں", "سلام", "السلام علیکم"):
        was = talk.session.node
        talk.say(text)
        assert says(talk) == ["welcome.hello"]
        assert talk.session.node == was
        assert talk.session.lang == "ps"


def test_in_the_middle_the_question_comes_in_the_other_language(phone: Phones) -> None:
    talk = asked(phone("ur"), "kind")
    talk.say("balochi me bat karen")
    assert (talk.session.lang, says(talk)) == ("bal", ["report.keeps", "report.kind"])
