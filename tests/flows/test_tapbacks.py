"""What a telephone writes by itself is nobody's words: no answer, kept nowhere, and no code in it is looked up."""

from __future__ import annotations

import pytest

from flows.play import Phone
from flows.tapbacks import is_tapback
from locales.values import group
from tests.flows.citizens import LONG, Phones, asked, complain

OURS = "آپ کی بات لکھ لی گئی ہے، اسے سنبھال کر رکھیں۔ " * 4
TAPBACKS = [
    "👍 to “receipt”",
    "❤️ to “receipt…”",
    "Liked an image",
    "Loved an attachment",
    "Emphasized a movie",
    "Laughed at a video",
    'Reacted 👍 to "Thank you"',
    "Removed a heart from “Thank you”",
    "Removed an exclamation mark from an image",
    f"Liked “{OURS}”",
    f"Disliked “{OURS}…”",
    "Questioned “Is it done?”",
]


@pytest.mark.parametrize("text", TAPBACKS)
def test_a_tapback_is_told_from_words(text: str) -> None:
    assert is_tapback(text)


@pytest.mark.parametrize(
    "text",
    [
        "Liked",
        "Questioned by police all night",
        "loved one died in hospital",
        "Loved an officer who beats me",
        "Liked “your answer” but there is still no water",
        "to “receipt”",
        "👍",
        "👍 to all of you",
        LONG,
        "",
    ],
)
def test_words_are_no_tapback(text: str) -> None:
    assert not is_tapback(text)


def quiet(phone: Phone, text: str) -> None:
    was = phone.session
    phone.add(text)
    assert phone.replies == 0
    assert phone.effects == []
    assert (phone.session.node, phone.session.memory) == (was.node, was.memory)


@pytest.mark.parametrize("text", TAPBACKS)
def test_it_moves_nothing_wherever_it_comes(phone: Phones, text: str) -> None:
    quiet(phone(), text)
    quiet(phone("ur"), text)
    for question in ("kind", "place", "story", "message", "done"):
        quiet(asked(phone("ur"), question), text)


def test_a_code_that_it_quotes_is_not_looked_up_and_the_third_is_no_robot(phone: Phones) -> None:
    talk = phone()
    complain(talk, "ur")
    code = group(next(iter(talk.world.cases)))
    for _ in range(4):
        quiet(talk, f"Liked “شکریہ۔ آپ کا نمبر {code}”")
