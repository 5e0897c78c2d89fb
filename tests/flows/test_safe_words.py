"""The word by which somebody is known who lost their number: asked with every call, of everybody in the same words."""

from __future__ import annotations

import pytest

from flows import safe_words
from flows.effects import Append, CallPerson, KeepStory, OpenCase, Seal
from flows.play import Phone
from tests.answers import answer, report
from tests.flows.citizens import BRIBE, CALL, LONG, VOICE, Phones, among, asked, only

SECRET = "گلاب"


def calling(talk: Phone, lang: str = "ur") -> Phone:
    """A call is asked for and noted; the word is asked."""
    talk.say(CALL[lang])
    talk.say(answer("who", "woman"))
    talk.say(answer("hour", "noon"))
    assert talk.session.node == "word"
    assert talk.reply
    assert [say.key for say in talk.reply.says] == ["call.noted", "call.word"]
    return talk


def filed(phone: Phones, kind: str) -> tuple[Phone, str]:
    talk = asked(phone("ur"), "done", kind=kind)
    return talk, talk.session.memory.report.code


def word_of(talk: Phone) -> str:
    return next((one.item.safe_word for one in talk.effects if isinstance(one, Append | Seal)), "")


@pytest.mark.parametrize("said", ["گلاب", "میرا لفظ گلاب ہے", "لفظ: گلاب", "جی گلاب", "«گلاب»"])
def test_a_word_in_own_words_is_the_word_alone(phone: Phones, said: str) -> None:
    talk, code = filed(phone, "service")
    calling(talk).say(said)
    assert only(talk, Append).code == code
    assert word_of(talk) == safe_words.key(SECRET)
    assert talk.reply
    assert talk.reply.says[0].key == "call.word_kept"
    assert talk.sealed, "no other copy is kept"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("gulaab", "gulab"),
        ("GULAB", "gulab"),
        ("my word is rose", "rose"),
        ("زما کلمه چینار", "چینار"),
        ("۷۸۶", "786"),
        ("786", "786"),
        ("چاند تارا", "چاند تارا"),
        ("روز 12", "روز12"),
    ],
)
def test_other_scripts_and_digits_are_a_word_too(phone: Phones, said: str, kept: str) -> None:
    talk, _ = filed(phone, "service")
    calling(talk).say(said)
    assert word_of(talk) == safe_words.key(kept)


LEFT_OUT = (
    ("1", "۱", "skip", "no", "No word", "do not want", "نہیں", "نہیں چاہیے", "رہنے دیں", "لفظ نہیں", "کوئی لفظ نہیں"),
    ("nahi", "nahi chahiye", "koi lafz nahi", "پتہ نہیں", "نه", "کلمه نه", "نه غواړم", "کلمه نه غواړم", "na"),
    ("انا", "لبز نیست", "نئے", "اخہ", "لوز اف"),
)


@pytest.mark.parametrize("said", [said for of_a_language in LEFT_OUT for said in of_a_language])
def test_it_is_left_out_in_one_key_or_word_of_every_language(phone: Phones, said: str) -> None:
    talk, _ = filed(phone, "service")
    calling(talk).say(said)
    assert talk.effects == []
    assert talk.session.flow != "call"
    assert talk.session.memory.called == ""


@pytest.mark.parametrize("said", ["7", "12", "؟", "🌹", "ہاں", "سلام", "شکریہ", "0300 1234567"])
def test_what_is_no_word_is_none(phone: Phones, said: str) -> None:
    talk, _ = filed(phone, "service")
    calling(talk).say(said)
    assert word_of(talk) == ""


@pytest.mark.parametrize("said", [LONG, BRIBE, "پانی " * 500, "a" * 2000])
@pytest.mark.parametrize("kind", ["service", "person"])
def test_words_that_tell_something_are_told_and_become_no_safe_word(phone: Phones, said: str, kind: str) -> None:
    talk, _ = filed(phone, kind)
    calling(talk).say(said)
    assert word_of(talk) == ""
    held = [item.text.strip() for item in talk.session.memory.report.held]
    kept = [one.item.text.strip() for one in talk.effects if isinstance(one, Append | Seal)]
    assert said.strip() in held + kept


def test_a_voice_note_is_no_word(phone: Phones) -> None:
    talk, _ = filed(phone, "service")
    calling(talk).say(media=VOICE)
    assert word_of(talk) == ""


def test_the_call_is_noted_before_the_word_is_asked_and_back_asks_for_no_second_one(phone: Phones) -> None:
    talk, _ = filed(phone, "service")
    calling(talk)
    assert among(talk, CallPerson).call
    talk.say("0")
    assert talk.session.flow != "call"
    assert talk.effects == []


def test_behind_the_door_the_word_is_sealed_into_its_report(phone: Phones) -> None:
    talk, code = filed(phone, "person")
    calling(talk).say(SECRET)
    effect = only(talk, Seal)
    assert (effect.code, effect.kind, effect.item.safe_word) == (code, "word", SECRET)


def test_in_the_middle_of_a_report_it_goes_with_the_report(phone: Phones) -> None:
    talk = asked(phone("ur"), "story", kind="service")
    calling(talk).say(SECRET)
    assert talk.effects == []
    report(talk, "done")
    (opened,) = [one for one in talk.done if isinstance(one, OpenCase)]
    assert SECRET in [item.safe_word for item in opened.story]


def test_a_story_that_waits_to_be_sorted_has_it_too(phone: Phones) -> None:
    talk = phone("ur")
    talk.say(LONG)
    code = among(talk, KeepStory).code
    calling(talk).say(SECRET)
    assert only(talk, Append).code == code


def test_who_told_nothing_has_it_on_the_card_of_the_call(phone: Phones) -> None:
    talk = calling(phone("ur"))
    card = among(talk, CallPerson).code
    talk.say(SECRET)
    assert only(talk, Append).code == card
    assert talk.session.memory.called == ""


def test_whoever_has_lost_the_number_hears_how_and_is_asked_for_a_call(phone: Phones) -> None:
    talk, _ = filed(phone, "service")
    talk.say("STATUS")
    talk.say(answer("status.code", "lost"))
    assert talk.reply
    assert [say.key for say in talk.reply.says] == ["person.called", "follow.lost_how", "call.who"]
    assert among(talk, CallPerson).reason == "status.lost"
