"""Small talk and wishes: what is answered, and that nothing of it becomes a case."""

from __future__ import annotations

import pytest

from flows.effects import Append, OpenCase, SetLanguage
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


@pytest.mark.parametrize(
    "text",
    [
        "Assalam o alaikum sir umeed hai ap khairiat se honge",
        "خیریت سے ہوں گے",
        "kya hal hai",
        "how are you sir",
        "سلام امید ہے آپ خیریت سے ہوں گے",
        "hello sir hope you are fine",
        "هیله ده چې جوړ یاست",
        "سلام واجہ وش ئے",
        "salam ilum juan us",
    ],
)
def test_a_long_greeting_is_a_greeting(phone: Phones, text: str) -> None:
    talk = phone("ur")
    talk.say(text)
    assert says(talk) == ["welcome.hello", "report.category"]
    assert talk.effects == []


@pytest.mark.parametrize(
    "text",
    ["kya hal hai sarak ka", "سلام امید ہے آپ سڑک بنائیں گے", "salam sir bijli nahi", "how are you going to fix it"],
)
def test_a_greeting_that_goes_on_is_the_story(phone: Phones, text: str) -> None:
    talk = phone("ur")
    talk.say(text)
    assert talk.session.memory.report.code


@pytest.mark.parametrize("text", ["جی", "ہاں جی", "ok", "هو", "haw", "👍"])
@pytest.mark.parametrize("kind", ["service", "person"])
def test_a_bare_yes_to_what_happened_is_no_story(phone: Phones, text: str, kind: str) -> None:
    talk = asked(phone("ur"), "story", kind=kind)
    was = talk.session.node
    talk.say(text)
    assert (talk.effects, talk.session.node, says(talk)[-1]) == ([], was, "report.story")


@pytest.mark.parametrize("text", ["بند", "پانی", "بند ہے", "بھیج دیں ٹینکر", "خراب"])
def test_every_other_word_is(phone: Phones, text: str) -> None:
    talk = asked(phone("ur"), "story")
    talk.say(text)
    (opened,) = [effect for effect in talk.effects if isinstance(effect, OpenCase)]
    assert [item.text for item in opened.story] == [text]


@pytest.mark.parametrize("sign", ["😀", "❤️", "😮😮"])
def test_a_strangers_sign_is_greeted_and_a_known_phones_needs_nothing(phone: Phones, sign: str) -> None:
    stranger, known = phone(), phone("ur")
    stranger.say(sign)
    assert says(stranger) == ["welcome.who"]
    known.say(sign)
    assert (known.replies, known.effects) == (0, [])


@pytest.mark.parametrize("lang", ["", "ur"])
@pytest.mark.parametrize("text", ["جی", "ہاں", "yes", "هو"])
def test_a_yes_to_nothing_is_no_story(phone: Phones, text: str, lang: str) -> None:
    talk = phone(lang)
    talk.say(text)
    assert talk.effects == []
    assert talk.replies == 1


@pytest.mark.parametrize("text", ["کریں", "کر دیں", "karen"])
def test_the_tail_of_a_long_message_is_kept_and_consents_to_nothing(phone: Phones, text: str) -> None:
    talk = asked(phone("ur"), "message")
    talk.say(text)
    assert only(talk, Append).item.text == text
    assert says(talk) == ["report.message"]
