from __future__ import annotations

from collections.abc import Callable

import pytest

import locales
from flows import answers, hearing
from flows.book import Book
from flows.categories import OFFERED
from flows.check import NUMERALS
from flows.play import Phone
from tests.answers import report


def pick(book: Book, node: str, lang: str, typed: str) -> str:
    return answers.match(book, book.nodes[node], lang, book.fold(typed))


@pytest.mark.parametrize("numerals", list(NUMERALS.values()), ids=list(NUMERALS))
@pytest.mark.parametrize("lang", locales.LANGS)
@pytest.mark.parametrize(("number", "category"), list(enumerate(OFFERED, 1)))
def test_each_of_the_ten_is_picked_by_its_number_in_every_numeral_set(
    phone: Callable[..., Phone], number: int, category: str, lang: str, numerals: str
) -> None:
    talk = phone(lang)
    report(talk, "category")
    talk.say("".join(numerals[int(digit)] for digit in str(number)))
    assert talk.session.memory.report.details.category == category


@pytest.mark.parametrize("lang", locales.LANGS)
@pytest.mark.parametrize("category", OFFERED)
def test_each_of_the_ten_is_picked_by_its_word_and_by_a_tap(
    phone: Callable[..., Phone], category: str, lang: str
) -> None:
    title = locales.say(f"category.{category}", lang)
    for said in ({"text": title}, {"text": title.upper()}, {"text": title, "choice": category}):
        talk = phone(lang)
        report(talk, "category")
        talk.say(**said)
        assert talk.session.memory.report.details.category == (category or "")


ONE = "1|1.|(1)|1 -|1)| 1 |1️⃣|01|1st|1 👍|1 جی|نمبر1|ایک|اسٹ|first|نمبر 1|نمبر ۱|1 نمبر|number 1|No. 1|شمېره ۱"


@pytest.mark.parametrize("typed", ONE.split("|"))
def test_one_is_understood_as_people_write_it(book: Book, typed: str) -> None:
    assert pick(book, "complaint.category", "en", typed) == "water"


@pytest.mark.parametrize("typed", ["11", "1 2", "1 Health", "1 or 2", "wat", "water is off", "100", "", "-", "one two"])
def test_what_only_resembles_an_answer_is_none(book: Book, typed: str) -> None:
    assert pick(book, "complaint.category", "en", typed) == ""


def test_ten_is_not_one(book: Book) -> None:
    for numerals in NUMERALS.values():
        assert pick(book, "complaint.category", "ur", numerals[1] + numerals[0]) == OFFERED[9]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("STATUS 123", "123"),
        ("status number 12 34", "1234"),
        ("صورت حال ۱۲۳", "123"),
        ("status of my road", None),
        ("STATUS", None),
        ("4821 7730 9154 0", None),
        ("hello", None),
    ],
)
def test_a_status_word_may_be_followed_by_a_code(book: Book, text: str, code: str | None) -> None:
    assert answers.status_code(book, text, book.fold(text)) == code


DANGER = "اس نے رشوت مانگی|He asked for a BRIBE!|ہراساں کیا|د ښځو پر وړاندې تاوتریخوالی|mujhe dhamki di"


@pytest.mark.parametrize("text", DANGER.split("|"))
def test_danger_words_are_seen_anywhere(book: Book, text: str) -> None:
    assert hearing.is_dangerous(book.words, book.fold(text))


@pytest.mark.parametrize("text", ["grapes", "drapery", "the road is broken", "پانی نہیں", "bribery-free"])
def test_danger_words_are_whole_words(book: Book, text: str) -> None:
    assert hearing.is_dangerous(book.words, book.fold(text)) is (text == "bribery-free")
