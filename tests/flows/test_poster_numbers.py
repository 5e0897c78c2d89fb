"""What people type from a wall: the number of a facility, and digits with words behind them."""

from __future__ import annotations

import pytest

from flows.effects import KeepStory, Seal
from tests.answers import answer
from tests.flows.citizens import Phones, among

WATER = "3-1-2 پانی نہیں آتا"


@pytest.mark.parametrize("text", ["101", "۱۰۱", "number 101"])
def test_the_number_of_a_facility_leads_a_known_phone_to_its_rating(phone: Phones, text: str) -> None:
    talk = phone("ur")
    talk.say(text)
    assert (talk.session.flow, talk.session.node) == ("rate", "score")


def test_it_does_so_from_the_menu_but_answers_no_question(phone: Phones) -> None:
    talk = phone("ur")
    talk.say("menu")
    talk.say("101")
    assert talk.session.node == "score"
    other = phone("ur")
    other.say("menu")
    other.say(answer("menu", "report"))
    other.say("101")
    assert other.session.node == "category"


def test_another_number_is_asked_about_again(phone: Phones) -> None:
    talk = phone("ur")
    talk.say("999")
    assert (talk.session.flow, talk.session.node) == ("rate", "facility")


def test_words_behind_a_posters_digits_are_the_story(phone: Phones) -> None:
    talk = phone()
    talk.say(WATER)
    assert (talk.session.lang, talk.session.node) == ("bal", "kind")
    report = talk.session.memory.report
    assert (report.details.category, report.told, report.placed) == ("water", True, True)
    assert [item.text for item in among(talk, KeepStory).story] == [WATER]
    assert talk.reply
    assert [say.key for say in talk.reply.says] == ["welcome.code", "report.keeps", "report.kind"]


def test_words_of_danger_behind_them_go_behind_the_door(phone: Phones) -> None:
    talk = phone()
    talk.say("3-1-2 لائن مین رشوت لیتا ہے")
    assert talk.session.memory.report.sealed
    assert [effect.item.text for effect in talk.effects if isinstance(effect, Seal) and effect.item.text]


@pytest.mark.parametrize("text", ["2 3 دن سے پانی نہیں", "1 bijli nahi", "3 bache bimar"])
def test_a_count_of_days_is_no_posters(phone: Phones, text: str) -> None:
    talk = phone()
    talk.say(text)
    assert talk.session.memory.report.code
    assert not talk.session.memory.report.placed
