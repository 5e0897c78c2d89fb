"""What leads towards protection, and what of every day only looks like it. The rates are in tests/people."""

from __future__ import annotations

import pytest

from flows import hearing
from flows.book import Book


def is_dangerous(book: Book, text: str) -> bool:
    return hearing.is_dangerous(book.words, book.fold(text))


@pytest.mark.parametrize("thing", ["ration", "card", "paisa", "domicile", "doctor", "wazifa", "number"])
@pytest.mark.parametrize("whose", ["mera", "bhai ka", "bete ka", "sir mera"])
def test_what_was_not_received_is_nobody_missing(book: Book, whose: str, thing: str) -> None:
    assert not is_dangerous(book, f"{whose} {thing} nahi mila")


@pytest.mark.parametrize(
    "text", ["mera beta nahi mila", "بھائی ابھی تک نہیں ملا", "bhai gum hai", "bachi wapas nahi ai", "زما زوی ورک دی"]
)
def test_somebody_who_is_not_found_is(book: Book, text: str) -> None:
    assert is_dangerous(book, text)


@pytest.mark.parametrize("who", ["ٹینکر والا", "ٹینکر والے", "دکاندار", "رکشے والا"])
def test_a_seller_names_a_price(book: Book, who: str) -> None:
    assert not is_dangerous(book, f"{who} بہت پیسے مانگتا ہے")
    assert is_dangerous(book, f"{who} سے پٹواری پیسے مانگتا ہے"), "an official beside"
    assert is_dangerous(book, f"سرکاری {who} پیسے مانگتا ہے"), "what should be free"
    assert is_dangerous(book, f"{who} نے میری بیٹی کو مارا"), "it is only the money that is a price"


@pytest.mark.parametrize("who", ["پٹواری", "ڈاکٹر", "پولیس", "کلرک", "لائن مین", "استاد", ""])
def test_an_official_who_asks_money_is_heard_and_so_is_nobody_in_particular(book: Book, who: str) -> None:
    assert is_dangerous(book, f"{who} پیسے مانگتا ہے")


@pytest.mark.parametrize(
    ("harmless", "danger"),
    [
        ("گھر میں پانی گھس گیا", "پولیس گھر میں گھس گئی"),
        ("بچوں کا سکول بند کر دیا ہے", "بچوں کو کمرے میں بند کر دیا ہے"),
        ("ہم بجلی سے تنگ آ گئے ہیں", "استاد بچیوں کو تنگ کرتا ہے"),
        ("ماں کو ہسپتال لے جانے کے لیے گاڑی نہیں", "بھائی کو لے گئے"),
        ("سکول کے پیچھے نالہ ہے پانی آتا ہے", "لڑکا میرے پیچھے آتا ہے"),
        ("ہمارے سکول میں 300 بچے ہیں ایک استاد ہے", "استاد 300 لیتا ہے"),
        ("بچے کو کرنٹ مارا", "بچے کو مارا"),
        ("bache bukhar se mar rahe hain", "bachon ko dande se mar rahe hain"),
        ("dant ka doctor nahi", "doctor sab ko dante hai"),
        ("5 sal se wada kia hua hai", "5 sal ki bachi ki shadi"),
        ("خلک اوبه نه لري ماشومان ناروغه دي", "ښوونکی ماشومان وهي"),
        ("کنا کارڈ گم ارے", "کنا ایلم گم ارے"),
        ("We live in Pishin and there is no water", "I do not want to live"),
    ],
)
def test_the_same_word_beside_another_thing(book: Book, harmless: str, danger: str) -> None:
    assert not is_dangerous(book, harmless)
    assert is_dangerous(book, danger)


def test_what_is_harmless_takes_nothing_away_from_what_is_said_outright(book: Book) -> None:
    assert is_dangerous(book, "پانی گھر میں گھس گیا اور لائن مین رشوت لیتا ہے")
    assert is_dangerous(book, "mera card nahi mila clerk paise mangta hai")
