"""A place is known however it is written, and never taken for another."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import locales
from flows import places
from flows.book import Book
from flows.effects import Seal
from flows.model import Place
from flows.places import places_of
from flows.play import Phone
from flows.turn import PLACES, numbered_places
from locales.places import districts, tehsils
from tests.answers import answer
from tests.flows.citizens import PHOTO, Phones, asked, only

PHRASES = Path(__file__).with_name(
    "places.tsv"
)  # what people write where they are asked, and the place of that district it means
KHUZDAR = places_of("khuzdar")  # the one district with more places than fit


def find(book: Book, said: str, among: Sequence[Place]) -> list[str]:
    numbered = numbered_places(tuple(among))
    return [place.id for place in places.find(numbered, book.fold(said), book.words.beside_places).places]


def numbers(shown: str) -> list[str]:
    """The numbers of the rows of a reply."""
    return [line.split()[0] for line in shown.splitlines() if line[0].isdigit()]


def row(shown: str, name: str) -> str:
    return next(line.split()[0] for line in shown.splitlines() if name in line)


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("district", districts())
def test_every_spelling_of_every_place_finds_it_and_it_alone(book: Book, district: str) -> None:
    among = places_of(district)
    for place in among:
        for spelling in (*place.names.values(), *place.aliases):
            assert find(book, spelling, among) == [place.id], spelling


def test_places_are_understood_as_people_write_them(book: Book, capsys: pytest.CaptureFixture[str]) -> None:
    with PHRASES.open(encoding="utf-8", newline="") as file:
        said = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    wrong = [row for row in said if find(book, row["text"], places_of(row["district"])) != row["means"].split()]
    rate = 1 - len(wrong) / len(said)
    with capsys.disabled():
        sys.stdout.write(f"\nplaces: {rate:.1%} of {len(said)} right; not: {[row['text'] for row in wrong]}\n")
    assert rate >= 0.98


def test_a_dash_a_capital_or_another_vowel_finds_every_place_of_its_district(book: Book) -> None:
    missed = [
        written
        for district in districts()
        for place in places_of(district)
        for written in (place.names["en"].upper(), place.names["en"].replace(" ", "-"), f"Tehsil {place.names['en']}")
        if place.id not in find(book, written, places_of(district))
    ]
    assert missed == []


@pytest.mark.parametrize(
    "said", ["", "تحصیل", "5", "the pump is broken", "ہمارے گاؤں میں پانی نہیں", "quetta", "x", "نہیں"]
)
def test_what_names_no_place_of_the_district_finds_none(book: Book, said: str) -> None:
    assert find(book, said, places_of("pishin")) == []


@pytest.mark.parametrize("said", ["nali", "نالی", "نالہ", "haan ji", "kal", "جی ہاں"])
def test_a_word_of_every_day_is_no_short_name(book: Book, said: str) -> None:
    assert [one for district in districts() for one in find(book, said, places_of(district))] == []


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("bolan", "bolam", True),
        ("bolan", "bola", True),
        ("bolan", "xbolan", True),
        ("bolan", "bolan", True),
        ("bolan", "balam", False),
        ("nal", "kal", False),
        ("bolan", "bolanxx", False),
    ],
)
def test_one_letter_apart(one: str, other: str, apart: bool) -> None:
    assert places.one_apart(one, other) is apart
    assert places.one_apart(other, one) is apart


def test_every_tehsil_has_an_urdu_name_and_says_how_sure_it_is() -> None:
    assert len(tehsils()) == 156
    assert all(row.names.get("ur") for row in tehsils())
    assert {row.confidence for row in tehsils()} == {"attested-2", "attested-1", "derived"}


# ── at the question ──────────────────────────────────────────────────────────────────────────────────────────────────


def answered(phone: Phone) -> tuple[str, str]:
    """The place that was understood, and the words that are kept beside it."""
    details = phone.session.memory.report.details
    return details.place, details.place_text


@pytest.mark.parametrize(
    ("said", "place", "kept"),
    [
        ("پشین", "pishin.pishin", False),
        ("6 pishin", "pishin.pishin", False),
        ("6 نمبر", "pishin.pishin", False),
        ("تحصیل پشین", "pishin.pishin", True),
        ("huremzaii", "pishin.huramzai", True),
        ("killi batezai, barshore", "pishin.barshore", True),
        ("Barshore, Pishin", "pishin.barshore", True),
        ("کلی کربلا", "", True),
        ("barshore or saranan", "", True),
        ("pishin 40", "pishin.pishin", True),
    ],
)
def test_words_beside_the_name_of_a_place_are_kept_with_it(phone: Phones, said: str, place: str, kept: bool) -> None:
    talk = asked(phone("ur"), "place")
    talk.say(said)
    assert talk.session.node == "story"
    assert answered(talk) == (place, said if kept else "")


def test_a_photo_that_is_named_as_a_place_is_kept_and_the_place_asked_again(phone: Phones) -> None:
    talk = asked(phone("ur"), "place")
    talk.say("پشین", media=PHOTO)
    assert talk.session.node == "place"
    assert talk.session.memory.report.story[0].media == PHOTO


def test_a_number_beside_the_name_of_another_place_is_asked_back(phone: Phones) -> None:
    talk = asked(phone("ur"), "place")
    assert numbers(talk.say("6 barshore")) == ["1", "6"]
    talk.say("1")
    assert answered(talk) == ("pishin.barshore", "")


NORTH = (Place("north", {"en": "Dera North"}), Place("mand", {"en": "Mand"}), Place("too", {"en": "Dera  North"}))


def test_two_places_that_fit_alike_are_asked_back_by_their_numbers_and_only_once(phone: Phones) -> None:
    talk = asked(phone("en", places=NORTH), "place")
    assert numbers(talk.say("dera north")) == ["1", "3"]
    again = replace(talk.session)
    talk.say("3")
    assert answered(talk) == ("too", "")
    talk.session = again
    talk.say("Dera north")
    assert talk.session.node == "story"
    assert answered(talk) == ("", "Dera north")


def test_words_of_danger_are_asked_about_even_beside_a_name(phone: Phones) -> None:
    talk = asked(phone("ur"), "place")
    talk.say("رشوت مانگی، برشور")
    assert talk.effects == []
    talk.say(answer("report", "person"))
    assert talk.session.flow == "protected"
    assert [effect.item.text for effect in talk.effects if isinstance(effect, Seal)][-1] == "رشوت مانگی، برشور"
    assert talk.session.node == "place"


# ── more than nine ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("turning", ["9", "۹", "More places", "اور جگہیں", "tap"])
def test_more_than_nine_places_come_in_pages_and_a_number_is_the_same_on_each(phone: Phones, turning: str) -> None:
    assert len(KHUZDAR) > PLACES
    said = {"text": "", "choice": "more"} if turning == "tap" else {"text": turning}
    talk = asked(phone("ur", places=KHUZDAR), "place")
    first = talk.say("?")
    assert numbers(first)[-9:] == [str(number) for number in range(1, 10)]
    second = talk.say(**said)
    assert numbers(second) == ["10", "11", "9"]
    assert locales.say("place.first", "ur") in second
    assert numbers(talk.say("9")) == numbers(first)[-9:]
    talk.say(row(second, KHUZDAR[-1].names["ur"]))
    assert answered(talk) == (KHUZDAR[-1].id, "")
    assert talk.session.memory.page == 0


def test_back_from_a_page_leads_to_the_question_before(phone: Phones) -> None:
    talk = asked(phone("ur", places=KHUZDAR), "place")
    talk.say("9")
    talk.say("0")
    assert talk.session.node == "kind"
    assert "9 " + locales.say("place.more", "ur") in talk.say("1")


def test_behind_the_door_pages_are_turned_alike(phone: Phones) -> None:
    ordinary = asked(phone("ur", places=KHUZDAR), "place")
    sealed = asked(phone("ur", places=KHUZDAR), "place", kind="person")
    for said in ("9", "9", "11"):
        assert ordinary.say(said) == sealed.say(said)
    assert only(sealed, Seal).details.place == KHUZDAR[-1].id


@pytest.mark.parametrize("said", [KHUZDAR[-1].names["en"], "11"])
def test_a_place_of_another_page_is_known_too(phone: Phones, said: str) -> None:
    talk = asked(phone("ur", places=KHUZDAR), "place")
    talk.say(said)
    assert answered(talk) == (KHUZDAR[-1].id, "")


def test_where_nine_fit_nothing_is_turned(phone: Phones) -> None:
    for said in ("9", "12", "12 نمبر"):
        talk = asked(phone("ur"), "place")
        talk.say(said)
        assert talk.session.node == "place"
        assert talk.session.misses == 1


# ── on the map ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("point", "place"),
    [
        ((30.58, 66.99), "pishin.pishin"),
        ((31.02, 67.40), "pishin.barshore"),
        ((24.86, 67.0), ""),  # Karachi
        ((29.73, 68.25), ""),  # Sibi
    ],
)
def test_a_pin_is_the_nearest_place_and_keeps_its_label(phone: Phones, point: tuple[float, float], place: str) -> None:
    talk = asked(phone("ur"), "place")
    talk.say("BHU Karbala", location=point)
    assert answered(talk) == (place, "BHU Karbala")
    assert talk.session.memory.report.details.location == point


@pytest.mark.parametrize("district", districts())
def test_the_middle_of_every_place_is_that_place(district: str) -> None:
    among = places_of(district)
    for place in among:
        if place.point:
            assert places.nearest(among, place.point) == place


def test_a_district_whose_middles_nobody_knows_has_no_nearest() -> None:
    assert places.nearest(NORTH, (30.0, 67.0)) is None
