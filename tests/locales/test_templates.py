"""The texts for approval: what a provider would not take, and what would tell a lock screen too much."""

from __future__ import annotations

import pytest

from flows import taps
from flows.categories import CATEGORIES
from flows.load import load_book
from locales import ALL_LANGS, say
from locales import templates as texts
from locales.channels import sms_parts

EVERY = [(name, lang) for name in texts.TEMPLATES for lang in texts.CODES]


@pytest.mark.parametrize(("name", "lang"), EVERY)
def test_a_provider_would_take_it(name: str, lang: str) -> None:
    assert texts.find_faults(name, lang) == []
    numbered = texts.number(name, lang, texts.SAMPLES)
    body = texts.write_body(name, lang)
    assert all(f"{{{{{place}}}}}" in body for place in numbered)
    assert all(value.strip() and "\n" not in value for value in numbered.values())
    for place, value in numbered.items():
        body = body.replace(f"{{{{{place}}}}}", value)
    assert body == texts.render(name, lang, texts.SAMPLES)  # what is sent is what was approved, and what is asked after


@pytest.mark.parametrize("lang", ALL_LANGS)
def test_no_text_names_a_subject(lang: str) -> None:
    for name in texts.TEMPLATES:
        body = (
            texts.write_body(name, lang).replace(say("case.confirm_ask", lang), "").lower()
        )  # "work" is a subject too
        assert not [one for one in CATEGORIES if say(f"category.{one}", lang).lower() in body]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("{district} has news", "begins with a value"),
        ("News from {district}.", "ends with a value"),
        ("News {district}, {date} and more", "two values side by side"),
        ("n" * 1025, "longer than 1024"),
    ],
)
def test_a_fault_is_named(body: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "find", lambda key, _: body if key == "template.weekly" else "x")
    assert texts.find_faults("weekly", "en") == [fault]


def test_its_buttons_say_what_the_flows_understand() -> None:
    nodes = load_book().nodes
    for template in texts.TEMPLATES.values():
        for node, option, key in template.buttons:
            tap = taps.read(taps.write(node, "", option))
            assert (tap.node, tap.option) == (node, option)
            if node != taps.WAITING:
                assert (option, key) in {(one.id, one.text) for one in nodes[node].options}
    assert texts.READ == taps.WAITING not in nodes


@pytest.mark.parametrize("lang", ALL_LANGS)
def test_the_line_by_sms_is_one_part(lang: str) -> None:
    assert len(sms_parts(say("template.sms", lang))) == 1


@pytest.mark.parametrize(
    ("message", "purpose", "expected"),
    [
        ({"says": [["case.acknowledged", {"date": {"date": "2026-12-01"}}]]}, "case", "acknowledged"),
        ({"says": [["case.answered", {}]], "text": "…"}, "case", "answer"),
        (
            {"says": [["case.resolved", {}], ["case.confirm_ask", {}]], "options": [["1", "case.confirm_yes", {}]]},
            "case",
            "done",
        ),
        ({"says": [["case.closed", {}]]}, "case", "news"),
        ({"says": [["edition.title", {"date": {"date": "2026-12-01"}}]]}, "edition", "weekly"),
        ({"says": []}, "reply", "news"),
    ],
)
def test_a_message_goes_out_as_what_says_the_same_fact(message: dict, purpose: str, expected: str) -> None:  # type: ignore[type-arg]  # as it is stored
    assert texts.choose(message, purpose) == expected
    assert texts.find_values(expected, message, {"en": "Pishin"}) is not None


def test_what_lacks_a_value_has_none() -> None:
    assert texts.find_values("acknowledged", {"says": [["case.acknowledged", {}]]}, {"en": "Pishin"}) is None


def test_another_text_is_another_template(monkeypatch: pytest.MonkeyPatch) -> None:
    before = texts.digest("news", "ur")
    monkeypatch.setattr(texts, "find", lambda key, lang: f"{key} {lang} changed {{district}} here")
    assert texts.digest("news", "ur") != before
