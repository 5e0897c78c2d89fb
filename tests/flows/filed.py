"""Who has told something before, and was asked about it since."""

from __future__ import annotations

from flows.play import Phone
from tests.flows.citizens import Phones, complain

PLACE = "کلی کربلا، مسجد کے سامنے"


def filed(phones: Phones, lang: str = "ur", kind: str = "service") -> tuple[Phone, str]:
    """A phone that has told something, on another day."""
    talk = phones()
    complain(talk, lang, kind)
    code = next(iter(talk.world.cases or talk.world.sealed))
    talk.wait()
    talk.wait()
    assert not talk.session.node
    return talk, code


def asked(phones: Phones, question: str = "answer", lang: str = "ur") -> tuple[Phone, str]:
    talk, code = filed(phones, lang)
    if question == "confirm":
        talk.world.cases[code] = "resolved"
    talk.world.ask(question, code)  # type: ignore[arg-type]  # one of Question
    return talk, code
