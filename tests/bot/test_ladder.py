"""The ladder, rung by rung: pure."""

from __future__ import annotations

from typing import Any

import pytest

from bot import ladder
from bot.ladder import DAY, Facts, Step, choose
from locales import templates as texts
from store.templates import Ready


def ready(*which: tuple[str, str]) -> dict[tuple[str, str], Ready]:
    return {(name, lang): Ready("HX" + "0" * 32, texts.digest(name, lang)) for name, lang in which}


ALL = ready(*((name, lang) for name in texts.TEMPLATES for lang in texts.CODES))
NEWS = ready(("news", "ps"), ("news", "ur"))

# what is known beside purpose "answer" and language "ps" -> the way, the template, what is noted
LADDER: list[tuple[dict[str, Any], tuple[str, str, str]]] = [
    ({"ready": ALL}, ("template", "answer:ps", "")),
    ({"ready": ready(("answer", "ur"), ("news", "ps"))}, ("template", "answer:ur", "")),
    ({"ready": NEWS}, ("template", "news:ps", "")),
    ({"ready": ready(("news", "ur"))}, ("template", "news:ur", "")),
    ({"ready": ready(("news", "en"))}, ("park", "", ladder.NO_TEMPLATE)),  # what only staff read is nobody's Urdu
    # not approved: by SMS, where they gave the number for it and allow messages about the case
    ({"sms": True}, ("sms", "", ladder.BY_SMS)),
    ({"sms": True, "may": False}, ("park", "", ladder.NO_TEMPLATE)),
    ({"sms": True, "notice": "sent"}, ("park", "", ladder.BY_SMS)),
    ({"sms": True, "notice": "failed"}, ("park", "", ladder.NO_TEMPLATE)),
    ({"sms": True, "notice": "undelivered", "call": True}, ("call", "", ladder.CALL)),
    ({"call": True}, ("call", "", ladder.CALL)),
    ({}, ("park", "", ladder.NO_TEMPLATE)),
    # what was tried is not tried again
    ({"ready": ALL, "tried": "answer"}, ("template", "news:ps", "")),
    ({"ready": ALL, "tried": "news"}, ("park", "", ladder.NO_TEMPLATE)),
    ({"ready": ALL, "tried": "news", "sms": True}, ("sms", "", ladder.BY_SMS)),
    ({"ready": ALL, "tried": "answer", "followed": True}, ("park", "", ladder.TOLD)),
    ({"ready": ALL, "followed": True}, ("template", "answer:ps", "")),  # it was only parked before
    # one knock a day
    ({"ready": ALL, "knocked": DAY - 60}, ("park", "", ladder.ONE_A_DAY)),
    ({"ready": ALL, "knocked": DAY}, ("template", "answer:ps", "")),
    ({"sms": True, "knocked": 60.0}, ("park", "", ladder.ONE_A_DAY)),
    # the weekly one has its own text, or none
    ({"ready": ALL, "purpose": "weekly", "case": False}, ("template", "weekly:ps", "")),
    ({"ready": NEWS, "purpose": "weekly", "case": False, "sms": True, "call": True}, ("park", "", ladder.NO_TEMPLATE)),
    ({"ready": ALL, "purpose": "weekly", "case": False, "tried": "weekly"}, ("park", "", ladder.NO_TEMPLATE)),
]


@pytest.mark.parametrize(("known", "expected"), LADDER)
def test_each_row_takes_the_first_way_that_holds(known: dict[str, Any], expected: tuple[str, str, str]) -> None:
    step = choose(Facts(**{"purpose": "answer", "lang": "ps", "ready": {}, **known}))
    assert (step.way, f"{step.name}:{step.lang}" if step.name else "", step.why) == expected


def test_who_was_told_a_moment_ago_is_told_of_the_next_when_the_day_is_over() -> None:
    assert choose(Facts("answer", "ps", ALL, knocked=DAY - 60)).wait == 60


def test_a_text_that_was_changed_since_its_approval_is_not_sent() -> None:
    older = {key: Ready(one.content, "of-before") for key, one in ALL.items()}
    assert choose(Facts("answer", "ps", older)) == Step("park", why=ladder.NO_TEMPLATE)


@pytest.mark.parametrize("lang", texts.BORROWED)
def test_a_language_without_a_code_of_its_own_has_its_own_text(lang: str) -> None:
    step = choose(Facts("answer", lang, ALL))
    assert (step.lang, texts.CODES[lang]) == (lang, "ur")
