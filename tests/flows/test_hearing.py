"""What hearing promises to those who ask it, beyond the rates of tests/people."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, cast

import pytest

from flows import answers, hearing, meanings
from flows.book import Book
from flows.engine import step
from flows.entries import read_entries
from flows.load import FOLDER
from flows.meanings import Meaning
from flows.model import Event, Session
from flows.play import World
from tests.people.phrases import phrases

PROGRESS = {Meaning.YES, Meaning.NO, Meaning.DONE, Meaning.NOT_DONE, Meaning.HALF, Meaning.DONT_KNOW}
ASKED = {Meaning.YES, Meaning.NO, Meaning.GREETING, Meaning.THANKS, Meaning.CALL}


def hear(book: Book, text: str, *among: Meaning) -> Meaning | None:
    return hearing.hear(book.words, book.fold(text), set(among) or set(Meaning))


@pytest.mark.parametrize(
    "typed",
    [
        "جی",
        "جی ہاں۔",
        "g",
        "g han",
        "haan ji",
        "hn",
        "ha",
        "Yes.",
        "yes please",
        "جی بالکل",
        "ٹھیک",
        "ok ji",
        "هاں",
        "ھاں",
        "ہاں جی",
        "👍",
        "👍🏽",
        "ہئو",
        "هو جي",
    ],
)
def test_yes_is_heard_as_people_write_it(book: Book, typed: str) -> None:
    assert hear(book, typed, *ASKED) is Meaning.YES


@pytest.mark.parametrize(
    "typed",
    ["نہیں", "nahi ji", "nhi", "نه", "بالکل نہیں", "👎", "no thanks", "dont message", "don't message", "mat bhejo"],
)
def test_no_is_heard_as_people_write_it(book: Book, typed: str) -> None:
    assert hear(book, typed, *ASKED) is Meaning.NO


@pytest.mark.parametrize(
    "typed", ["دو", "do", "no water", "ہاں پانی نہیں ہے", "han wohi school jo road ke sath hai", ""]
)
def test_what_only_begins_like_an_answer_is_none(book: Book, typed: str) -> None:
    assert hear(book, typed, Meaning.YES, Meaning.NO) is None


@pytest.mark.parametrize(
    "typed", ["کریں", "کرو", "کر دیں", "کیجیے", "karen", "kar do", "ہوں", "وکړئ", "بکن", "kabo", "بتائیں", "پلیز کریں"]
)
def test_the_tail_of_a_long_message_is_no_consent(book: Book, typed: str) -> None:
    assert hear(book, typed, *ASKED) is not Meaning.YES


@pytest.mark.parametrize("word", ["نہیں", "مگر", "ابھی", "آدھا", "خراب", "جھوٹ", "گندا", "nahi", "lekin", "kab"])
@pytest.mark.parametrize("done", ["ہو گیا", "پانی آ گیا", "kaam ho gaya"])
def test_one_word_of_doubt_is_enough_against_done(book: Book, done: str, word: str) -> None:
    assert hear(book, done, *PROGRESS) is Meaning.DONE
    said = {hear(book, f"{done} {word}", *PROGRESS), hear(book, f"{word} {done}", *PROGRESS)}
    # "now" says when; alone of these it is no doubt.
    assert word == "ابھی" or said.isdisjoint({Meaning.DONE, Meaning.YES})


@pytest.mark.parametrize("typed", ["کچھ کام ہو گیا", "kuch kaam ho gaya", "وہی مسئلہ ہو گیا"])
def test_words_that_are_nothing_alone_may_be_doubt_together(book: Book, typed: str) -> None:
    assert hear(book, typed, *PROGRESS) not in {Meaning.DONE, Meaning.YES}


@pytest.mark.parametrize("typed", ["ٹھیک ہے", "اچھا", "ok", "ښه"])
def test_that_it_was_read_is_no_answer_to_whether_it_is_done(book: Book, typed: str) -> None:
    assert hear(book, typed, *PROGRESS) is None
    assert hear(book, typed, Meaning.YES, Meaning.NO) is Meaning.YES
    assert hear(book, typed, *PROGRESS, Meaning.THANKS) is Meaning.THANKS


def test_a_greeting_before_a_story_is_the_story(book: Book) -> None:
    assert hear(book, "السلام علیکم جناب عالی 🙏") is Meaning.THANKS
    assert hear(book, "السلام علیکم جناب عالی", Meaning.GREETING) is Meaning.GREETING
    assert hear(book, "السلام علیکم جناب پانی نہیں ہے") is not Meaning.GREETING
    assert hear(book, "سلام پانی", Meaning.GREETING, Meaning.THANKS) is None


@pytest.mark.parametrize(
    "text", ["Liked “آپ کا نمبر”", "Liked “9821 7730 9154 0”", "Emphasized “السلام علیکم”", "😂", "❤️", "😮😮"]
)
def test_what_a_telephone_writes_by_itself_is_a_reaction(book: Book, text: str) -> None:
    assert hear(book, text, Meaning.REACTION) is Meaning.REACTION


@pytest.mark.parametrize("text", ["Questioned by police all night", "loved one died in hospital", "liked"])
def test_a_story_that_begins_like_a_reaction_is_none(book: Book, text: str) -> None:
    assert hear(book, text, Meaning.REACTION) is None


def test_a_word_that_stops_news_does_not_stop_a_complaint(book: Book) -> None:
    assert hear(book, "بند کرو یہ میسج", Meaning.STOP) is Meaning.STOP
    assert hear(book, "سڑک تین دن سے بند ہے", Meaning.STOP) is None
    assert {"بند", "band"} <= book.words.local_stops
    assert book.words.local_stops.isdisjoint({"stop", "unsubscribe"})
    assert {book.words.universal[word] for word in book.words.local_stops} == {"stop"}


def test_who_asks_not_to_be_called_is_not_called(book: Book) -> None:
    assert hear(book, "مجھے فون نہ کریں", Meaning.CALL) is None
    assert hear(book, "فون نہ کریں", Meaning.CALL) is None
    assert hear(book, "رات کو فون نہ کرنا صبح کرنا", Meaning.CALL) is Meaning.CALL
    assert hear(book, "کیسکو والے فون نہیں اٹھاتے", Meaning.CALL) is None


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("پشتو میں بات کریں", "ps"),
        ("balochi me", "bal"),
        ("براہوئی ٹی پا", "brh"),
        ("اردو", "ur"),
        ("مجھے اردو نہیں آتی", ""),
        ("مجھے اردو نہیں آتی پشتو میں لکھیں", "ps"),
        ("پشتو یا بلوچی", ""),
        ("english please", ""),
        ("زبان بدلنی ہے", ""),
    ],
)
def test_a_language_is_found_where_one_of_ours_is_wished(book: Book, text: str, lang: str) -> None:
    assert hearing.find_language(book.words, book.fold(text)) == lang


def test_a_lesson_in_a_language_is_no_wish_for_it(book: Book) -> None:
    assert hear(book, "اردو کا استاد نہیں آتا", Meaning.LANGUAGE) is None


@pytest.mark.parametrize(
    ("text", "most", "number"),
    [
        ("01", 10, 1),
        ("نمبر1", 10, 1),
        ("1 جی", 10, 1),
        ("1 👍", 10, 1),
        ("#3", 10, 3),
        ("5/5", 5, 5),
        ("4/5", 5, 4),
        ("★★★", 5, 3),
        ("⭐⭐⭐⭐", 5, 4),
        ("★★★★★★", 5, None),
        ("code 101", 9999, 101),
        ("کوڈ ۱۰۱", 9999, 101),
        ("101 کلینک", 9999, 101),
        ("101 کلینک", 10, None),
        ("no 1", 10, 1),
        ("no number 9", 10, 9),
        ("2nd", 10, 2),
        ("پنځه", 10, 5),
        ("نہ", 10, None),
        ("no", 10, None),
        ("10", 9, None),
        ("11", 10, None),
        ("0", 10, None),
        ("1 2", 10, None),
        ("one two", 10, None),
        ("2 days", 10, None),
        ("تین دن سے", 10, None),
        ("9" * 39, 10, None),
        ("", 10, None),
    ],
)
def test_a_number_is_found_where_nothing_else_is_said(book: Book, text: str, most: int, number: int | None) -> None:
    assert hearing.find_number(book.words, book.fold(text), most) == number


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("پانی نہیں آ رہا", "water"),
        ("آپ نیست", "water"),
        ("آپ کا شکریہ", ""),
        ("دیر اف", "water"),
        ("استاد دیر سے آتا ہے", "education"),
        ("سٹریٹ لائٹ نہیں", "infrastructure"),
        ("سکول میں پانی نہیں", ""),
        ("bijlee nahi hai", "energy"),
        ("کوئی نہیں سنتا", ""),
    ],
)
def test_an_issue_is_found_where_one_is_named(book: Book, text: str, category: str) -> None:
    assert hearing.find_category(book.words, book.fold(text)) == category


def test_danger_needs_more_than_a_word_of_every_day(book: Book) -> None:
    for text in ("پانی مار رہا ہے دیوار کو", "سیلاب نے سڑک کو مارا ہے", "کرنٹ مارتا ہے نلکا", "بل کے پیسے زیادہ ہیں"):
        assert not hearing.is_dangerous(book.words, book.fold(text))
    for text in ("میرا شوہر مجھے مارتا ہے", "پٹواری نے پانچ ہزار لیے", "ustad jeenakai tangawi", "زما ورور يې وړی دی"):
        assert hearing.is_dangerous(book.words, book.fold(text))


@pytest.mark.parametrize(
    ("node", "text", "option"),
    [
        ("complaint.message", "میسج کر دیں", "yes"),
        ("complaint.message", "ضرور کریں", "yes"),
        ("complaint.message", "بھیج دیں", "yes"),
        ("complaint.message", "msg kar den", "yes"),
        ("complaint.message", "جی کر دیں", "yes"),
        ("complaint.message", "فون گھر والوں کا ہے میسج نہ کریں", "no"),
        ("complaint.more", "isi bare main", "same"),
        ("complaint.more", "جی اسی کا", "same"),
        ("complaint.more", "usi ka", "same"),
        ("complaint.more", "ہمیشی ءِ", "same"),
        ("complaint.more", "د همدې په اړه", "same"),
        ("complaint.more", "ہندا نا", "same"),
        ("complaint.more", "same one", "same"),
        ("complaint.more", "وہی بات ہے", "same"),
        ("protected.more", "naya masla", "new"),
        ("protected.more", "نئی بات ہے", "new"),
        ("protected.more", "نوې خبره ده", "new"),
        ("protected.more", "نوکیں ہبر", "new"),
        ("protected.more", "پوسکنو ہیت", "new"),
        ("protected.more", "it is a new matter", "new"),
        ("thread.added", "نئی بات ہے", "new"),
        ("complaint.more", "نئی سڑک ٹوٹ گئی", ""),
        ("complaint.more", "جی", ""),
        ("thread.added", "وہی حال ہے پانی کا", ""),
        ("verify.ask", "پانی آ گیا", "yes"),
        ("verify.ask", "ابھی تک نہیں ہوا", "no"),
        ("verify.ask", "آدھا ہوا ہے", "half"),
        ("verify.ask", "پتا نہیں", "unknown"),
        ("complaint.kind", "ایک بندے کی شکایت ہے", "person"),
        ("complaint.kind", "کسی بندے کی بات نہیں ہے", "service"),
        ("welcome.menu", "مجھے شکایت کرنی ہے", "report"),
        ("welcome.menu", "میری شکایت کا کیا ہوا", "status"),
        ("welcome.language", "پشتو میں بات کریں", "ps"),
        ("welcome.language", "bravi", "brh"),
        ("complaint.category", "پانی کا", "water"),
        ("complaint.category", "پانی کا مسئلہ ہے تین دن سے", ""),
        ("complaint.category", "تین", "health"),
    ],
)
def test_an_option_is_picked_by_what_people_say_for_it(book: Book, node: str, text: str, option: str) -> None:
    assert answers.match(book, book.nodes[node], "ur", book.fold(text)) == option


def test_a_bare_digit_is_not_searched_for_words(book: Book) -> None:
    deaf = replace(book, words=replace(book.words, heard=cast("Any", None)))
    assert answers.match(deaf, book.nodes["complaint.category"], "ur", "1") == "water"
    with pytest.raises(AttributeError):
        answers.match(deaf, book.nodes["complaint.category"], "ur", "water pipe")


def test_ten_thousand_letters_cost_little(book: Book) -> None:
    text = book.fold("میرا شوہر مجھے مارتا ہے پانی نہیں آ رہا " * 250)[:10_000]
    started = time.process_time()
    assert hearing.is_dangerous(book.words, text)
    assert hear(book, text) is None
    # A fifth of it where nothing else runs; what must never come is the square of the length.
    assert time.process_time() - started < 0.25


def test_nothing_means_anything_without_the_words_that_are_looked_for_first(book: Book) -> None:
    said = [phrase.text for phrase in phrases()]
    words = [entry.words.replace("*", "").replace("+", " ") for entry in read_entries(FOLDER / "heard")]
    for folded in map(book.fold, [*said, *words, "👍", "5"]):
        heard = book.words.heard.read(folded)
        means = {meaning for meaning, holds in meanings.MEANS.items() if holds(heard)}
        assert means <= {meaning for meaning, hints in meanings.HINTS.items() if heard.has(*hints)}, folded


def test_what_was_read_last_is_read_once_and_let_go_of_after_the_step(book: Book) -> None:
    lexicon = book.words.heard
    first = lexicon.read("پانی نہین")
    assert lexicon.read("پانی نہین") is first
    assert lexicon.read("بجلی نہین") is not first
    step(book, Session(lang="ur"), Event("message", World().known(), "پانی نہیں آ رہا"))
    assert lexicon.last == []
