"""A score may be said in words where a score is asked; a complaint there is no score, and is kept."""

from __future__ import annotations

import pytest

from flows import answers
from flows.book import Book
from flows.effects import KeepStory, Seal
from flows.play import Phone
from tests.answers import answer
from tests.flows.citizens import BRIBE, Phones, among

SCORES = {
    "5": [
        "bohat acha",
        "bht achi",
        "بہت اچھا ہے",
        "زبردست",
        "ډېر ښه",
        "باز شر",
        "بھاز جوان",
        "very good",
        "excellent sir",
    ],
    "4": ["acha hai", "اچھا", "ښه دی", "شر اِنت", "juan e", "good"],
    "3": ["theek thaak", "ٹھیک ہے", "گزارہ ہے", "درمیانہ", "normal", "ok", "so so", "not bad"],
    "2": ["bura", "خراب ہے", "acha nahi hai", "ښه نه دی", "جوان اف", "poor"],
    "1": ["bohat bura", "bohat kharab", "بہت برا", "بیکار", "ډېر خراب", "باز ہراب", "بھاز خراب", "very bad", "worst"],
}


@pytest.mark.parametrize(("score", "text"), [(score, text) for score, said in SCORES.items() for text in said])
def test_a_score_in_words(book: Book, score: str, text: str) -> None:
    assert answers.match(book, book.nodes["rate.score"], "ur", book.fold(text)) == score


@pytest.mark.parametrize(
    "text", ["ڈاکٹر نہیں آتا", "دوائی بہت خراب ہے ایکسپائر تھی", "acha doctor nahi hai", "نہیں", "جی"]
)
def test_what_is_no_score(book: Book, text: str) -> None:
    assert answers.match(book, book.nodes["rate.score"], "ur", book.fold(text)) == ""


@pytest.fixture
def rating(phone: Phones) -> Phone:
    talk = phone("ur")
    for typed in ("menu", answer("menu", "rate"), "101"):
        talk.say(typed)
    assert (talk.session.flow, talk.session.node) == ("rate", "score")
    return talk


def test_words_go_on_as_digits_do(rating: Phone) -> None:
    rating.say("bohat acha")
    assert rating.session.memory.rating
    assert [*rating.session.memory.rating.scores.values()] == [5]


def test_a_complaint_is_kept_and_that_is_said(rating: Phone) -> None:
    rating.say("ڈاکٹر نہیں آتا")
    assert [item.text for item in among(rating, KeepStory).story] == ["ڈاکٹر نہیں آتا"]
    assert rating.reply
    assert rating.reply.says[0].key == "welcome.code"


def test_a_complaint_of_danger_goes_behind_the_door(rating: Phone) -> None:
    rating.say(BRIBE)
    assert any(isinstance(effect, Seal) and effect.item.text == BRIBE for effect in rating.effects)
