"""Whichever was asked last is answered, and what waits meanwhile is never let go of."""

from __future__ import annotations

import pytest

from flows.effects import Append, CallPerson, KeepStory, OpenCase, Seal, Verify
from flows.model import Item
from locales.values import group
from tests.answers import answer
from tests.flows.citizens import BRIBE, Phones, among, only
from tests.flows.filed import PLACE, asked, filed

THREAT = "نہیں ہوا، لائن مین پیسے مانگتا ہے"


@pytest.mark.parametrize("text", [THREAT, "کام نہیں ہوا، لائن مین نے پیسے مانگے"])
def test_an_accusation_beside_the_verdict_is_asked_about_and_not_lost(phone: Phones, text: str) -> None:
    talk, code = asked(phone, "confirm")
    talk.say(text)
    assert among(talk, Verify).verdict == "no"
    assert talk.reply
    assert [say.key for say in talk.reply.says] == ["verify.disputed", "report.doubt"]
    before = talk.session
    talk.say(answer("doubt.thread", "service"))
    assert among(talk, Append) == Append(code, Item(text))
    talk.session = before
    talk.say(answer("doubt.thread", "person"))
    assert [effect.item.text for effect in talk.effects if isinstance(effect, Seal)] == [text]


@pytest.mark.parametrize("next_said", ["MENU", "گلی نمبر 5 میں", "0", "STATUS"])
def test_words_that_wait_to_be_asked_about_are_never_let_go_of(phone: Phones, next_said: str) -> None:
    talk, _ = asked(phone)
    talk.say(BRIBE)
    talk.say(next_said)
    talk.say("1")
    talk.wait()
    talk.wait()
    kept = [item.text for effect in talk.done if isinstance(effect, KeepStory) for item in effect.story]
    kept += [effect.item.text for effect in talk.done if isinstance(effect, Append | Seal)]
    assert BRIBE in kept


def test_what_waited_and_what_was_begun_have_two_numbers(phone: Phones) -> None:
    talk = phone("ur")
    for said in ("سلام", "1", "1", "1"):
        talk.say(said)
    talk.say("ٹھیکیدار نے مجھے مارنے کی دھمکی دی اور نلکا بند")
    talk.say("MENU")
    numbers = [effect.code for effect in talk.done if isinstance(effect, KeepStory | OpenCase)]
    assert len(numbers) == len(set(numbers)) == 2


ELSEWHERE = ("مجھے فون کریں", "HELP", "LANGUAGE", "MENU")


@pytest.mark.parametrize("question", ["answer", "confirm"])
@pytest.mark.parametrize("said", ELSEWHERE)
def test_a_digit_of_another_list_is_no_verdict(phone: Phones, said: str, question: str) -> None:
    talk, _ = asked(phone, question)
    talk.say(said)
    talk.say("1")
    assert not [effect for effect in talk.effects if isinstance(effect, Verify | Append)]


@pytest.mark.parametrize("said", ["7", "؟", "50%"])
def test_what_is_no_verdict_is_asked_again(phone: Phones, said: str) -> None:
    talk, _ = asked(phone, "confirm")
    talk.say(said)
    assert talk.session.node == "ask"
    talk.say("2")
    assert among(talk, Verify).verdict == "no"


def test_a_call_is_asked_for_to_its_end_and_the_question_still_stands(phone: Phones) -> None:
    talk, code = asked(phone, "confirm")
    for said in ("مجھے فون کریں", "عورت", "شام"):
        talk.say(said)
    call = among(talk, CallPerson).call
    assert call
    assert (call.by, call.hour) == ("woman", "evening")
    talk.say("ابھی تک نہیں ہوا")
    assert among(talk, Verify) == Verify(code, "no")


@pytest.mark.parametrize(("text", "verdict"), [("ہاں ہو گیا", "yes"), ("نہیں ہوا", "no"), ("kaam nahi hua", "no")])
@pytest.mark.parametrize("by", ["quote", "code"])
def test_a_verdict_beside_a_quote_or_a_code_counts(phone: Phones, text: str, verdict: str, by: str) -> None:
    talk, code = filed(phone)
    talk.world.cases[code] = "resolved"
    if by == "quote":
        talk.say(text, quoted=code)
    else:
        talk.say(f"{group(code)} {text}")
    assert among(talk, Verify) == Verify(code, verdict)  # type: ignore[arg-type]  # one of Verdict


@pytest.mark.parametrize(("asks", "counts"), [(True, True), (False, False)])
def test_a_digit_beside_a_quote_counts_where_that_message_asks(phone: Phones, asks: bool, counts: bool) -> None:
    talk, code = filed(phone)
    talk.world.cases[code] = "resolved"
    talk.say("2", quoted=code, quotes_asks="confirm" if asks else None)
    assert any(isinstance(effect, Verify) for effect in talk.effects) == counts


@pytest.mark.parametrize("text", ["👎", "جی", "نہیں", "جی ہاں"])
def test_a_yes_or_no_to_a_handler_is_kept(phone: Phones, text: str) -> None:
    talk, code = asked(phone)
    talk.say(text)
    assert among(talk, Append) == Append(code, Item(text))


def test_a_verdict_counts_after_other_words_too(phone: Phones) -> None:
    talk, code = asked(phone, "confirm")
    talk.say("نلکا")
    talk.say("کل آئے تھے")
    talk.say("ابھی تک نہیں ہوا")
    assert among(talk, Verify) == Verify(code, "no")


def test_whoever_thinks_again_is_still_in_that_case(phone: Phones) -> None:
    talk, code = asked(phone, "confirm")
    talk.say("1")
    talk.say("ابھی تک نہیں ہوا")
    assert among(talk, Verify) == Verify(code, "no")
    talk.say("غلطی سے لکھا")
    assert only(talk, Append).code == code


def test_an_answer_in_the_middle_of_a_report_leaves_it_where_it_stood(phone: Phones) -> None:
    talk, code = filed(phone)
    talk.say("MENU")
    for said in (answer("menu", "report"), "1", "1"):
        talk.say(said)
    assert talk.session.node == "place"
    talk.world.ask("answer", code)
    talk.say(PLACE)
    assert among(talk, Append).code == code
    assert talk.session.node == "place"
    talk.say("1")
    assert talk.session.node == "story"
