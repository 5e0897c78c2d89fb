"""The number of a telephone alone is no answer and no digit: somebody wants to be called on it, so it is kept."""

from __future__ import annotations

import pytest

from flows.effects import Amend, Append, OpenCase, Seal
from flows.play import Phone
from tests.flows.citizens import Phones, asked

NUMBERS = ["0333 1234567", "+92 333 1234567", "۰۳۳۳۱۲۳۴۵۶۷"]


def kept(talk: Phone) -> list[str]:
    memory = talk.session.memory
    items = [*memory.report.story, *memory.report.held]
    for effect in talk.effects:
        if isinstance(effect, OpenCase):
            items += effect.story
        elif isinstance(effect, Append | Seal):
            items.append(effect.item)
    return [item.text for item in items]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("kind", ["service", "person"])
@pytest.mark.parametrize("question", ["place", "message", "done"])
def test_it_is_kept_wherever_it_comes(phone: Phones, question: str, kind: str, number: str) -> None:
    talk = asked(phone("ur"), question, kind=kind)
    was = talk.session.node
    talk.say(number)
    assert number in kept(talk)
    assert not any(isinstance(effect, Amend) for effect in talk.effects)
    assert talk.session.node == ("more" if question == "done" else was), "its question still stands"
