"""One edition in its forms: what stands in every one of them, and what room is left for the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import locales
from broadcast import edition, renderings
from broadcast.edition import Item
from locales.channels import CHANNELS
from tests.broadcast.a_busy_week import BUSY, HEADING

BUSY_ITEMS = edition.build(BUSY).items
DONE, CONFIRMED, ASKED, REFUSED, LATE = 27, 14, 25, 6, 3
LANGS = pytest.mark.parametrize("lang", locales.ALL_LANGS)
MORE = ("edition.more", "edition.more_lines")
VALUES = {"done": DONE, "confirmed": CONFIRMED, "asked": ASKED}


def say(key: str, lang: str, channel: str, **values: Any) -> str:
    return locales.render({"says": [[key, values]]}, lang, channel)


def chat_of(items: list[Item], lang: str, channel: str = "whatsapp") -> str:
    return locales.render(renderings.compose(items, HEADING, lang, channel), lang, channel)


def fixed_lines(items: list[Item], lang: str, channel: str) -> list[str]:
    return [say(item["key"], lang, channel, **item["values"]) for item in items if edition.is_fixed(item)]


def test_the_busy_week_is_busy() -> None:
    lines = [item["key"] for item in BUSY_ITEMS]
    assert sum(key in {"edition.did.line", "edition.did.count"} for key in lines) >= 18
    assert [key for key in lines if key.startswith("edition.next.late")] == [edition.LATE] * 3 + [
        "edition.next.late_few"
    ]
    assert edition.DROPPED in lines
    assert "edition.next.line_many" in lines


@LANGS
@pytest.mark.parametrize("channel", ["whatsapp", "telegram", "try"])
def test_a_busy_week_in_chat_keeps_its_truth_whole(lang: str, channel: str) -> None:
    text = chat_of(BUSY_ITEMS, lang, channel)
    assert say("edition.did.truth", lang, channel, **VALUES) in text
    fixed = fixed_lines(BUSY_ITEMS, lang, channel)
    assert len(fixed) == 7
    assert [line for line in fixed if line not in text] == []
    told = [item for item in BUSY_ITEMS if say(item["key"], lang, channel, **item["values"]) in text]
    more = sum(item not in told for item in BUSY_ITEMS)
    assert more > 13
    assert say("edition.more", lang, channel, n=more, link=HEADING.link) in text
    assert len(text.encode("utf-16-le")) // 2 <= CHANNELS[channel].body


@LANGS
@pytest.mark.parametrize("channel", ["sms", "gateway"])
def test_a_busy_week_by_sms_keeps_its_truth_within_three_parts(lang: str, channel: str) -> None:
    message = renderings.compose(BUSY_ITEMS, HEADING, lang, channel)
    text = locales.render(message, lang, channel)
    assert renderings.parts(message, lang, channel) <= renderings.MOST_PARTS
    assert say("edition.short.truth", lang, channel, **VALUES) in text
    assert say("edition.short.cannot", lang, channel, count=REFUSED) in text
    over = {"key": "edition.over", "values": {"n": LATE}}  # a fourth one is late in a subject that is told together
    assert say("edition.short.late_count", lang, channel, promises=over) in text
    (gone,) = (item["values"] for item in BUSY_ITEMS if item["key"] == edition.DROPPED)
    named = say("edition.short.dropped", lang, channel, **gone)
    assert say("edition.short.dropped_count", lang, channel, promises=1) in text or named in text
    assert say("edition.footer", lang, channel) in text
    more = [say(key, lang, channel, n=n, link=HEADING.link) for key in MORE for n in range(14, 40)]
    assert sum(line in text.split("\n") for line in more) == 1


@LANGS
def test_an_sms_has_the_pages_address_where_there_is_room(lang: str) -> None:
    items = edition.build(replace(BUSY, deeds=BUSY.deeds[:24], commitments=())).items
    text = locales.render(renderings.compose(items, HEADING, lang, "sms"), lang, "sms")
    assert HEADING.link in text
    assert say("edition.short.truth", lang, "sms", **VALUES) in text


@LANGS
def test_a_busy_week_on_the_web_is_told_whole_and_its_truth_first(lang: str) -> None:
    web = dict(renderings.sections(BUSY_ITEMS, lang))
    assert sum(map(len, web.values())) == len(BUSY_ITEMS)
    assert web["did"][0][0] == locales.say("edition.did.truth", lang, **VALUES)
    lines = [line for lines in web.values() for line, _ in lines]
    assert [line for line in fixed_lines(BUSY_ITEMS, lang, "whatsapp") if line not in lines] == []


@LANGS
def test_a_hundred_late_promises_are_told_by_their_number_where_their_lines_find_no_room(lang: str) -> None:
    late = tuple(
        replace(BUSY.commitments[0], id=f"z{n}", place={"en": f"Place {n}", "ur": f"جگہ {n}"}) for n in range(100)
    )
    items = edition.build(replace(BUSY, commitments=late)).items
    text = chat_of(items, lang)
    assert say("edition.short.late_count", lang, "whatsapp", promises=100) in text
    assert say("edition.did.truth", lang, "whatsapp", **VALUES) in text
    assert say("edition.did.cannot", lang, "whatsapp", count=REFUSED) in text
    assert len(text.encode("utf-16-le")) // 2 <= 1600
    sms = locales.render(renderings.compose(items, HEADING, lang, "sms"), lang, "sms")
    assert say("edition.short.late_count", lang, "sms", promises=100) in sms


@LANGS
def test_without_a_public_address_the_rest_is_counted_and_no_address_is_made_up(lang: str) -> None:
    heading = renderings.Heading(HEADING.district, HEADING.day)
    chat = locales.render(renderings.compose(BUSY_ITEMS, heading, lang, "whatsapp"), lang, "whatsapp")
    assert "http" not in chat
    assert any(say("edition.more_lines", lang, "whatsapp", n=n) in chat for n in range(14, 40))


@LANGS
@pytest.mark.parametrize(("done", "asked"), [((), ()), (BUSY.done, BUSY.asked[:4])], ids=["nothing", "few asked"])
def test_a_quiet_week_says_that_it_was_few(lang: str, done: tuple[str, ...], asked: tuple[str, ...]) -> None:
    quiet = replace(BUSY, done=done, asked=asked, confirmed=(), deeds=(), commitments=())
    shown = renderings.preview(edition.build(quiet).items, HEADING, lang)
    value: Any = len(done) or edition.FEW
    assert locales.say("edition.did.truth_small", lang, done=value) in shown.chat
    assert say("edition.short.truth_small", lang, "sms", done=value) in shown.sms


def test_one_late_promise_is_named_by_sms_where_there_is_room() -> None:
    items = edition.build(replace(BUSY, deeds=(), said={}, commitments=BUSY.commitments[:1])).items
    heading = renderings.Heading(HEADING.district, HEADING.day)
    text = locales.render(renderings.compose(items, heading, "en", "sms"), "en", "sms")
    assert "Late: Water, cleanliness, repair" in text


def test_an_edition_of_before_the_truth_had_a_line_still_says_its_two_numbers() -> None:
    item = {"section": "did", "key": "edition.did.total", "values": {"done": 27, "confirmed": 14}, "cases": ["c"]}
    for lang in locales.ALL_LANGS:
        shown = renderings.preview([item], HEADING, lang)
        assert say("edition.short.did", lang, "sms", done=27, confirmed=14) in shown.sms
        assert say("edition.did.total", lang, "whatsapp", done=27, confirmed=14) in shown.chat


def test_a_line_of_ones_own_is_read_in_its_own_language_only() -> None:
    item = {
        "section": "did",
        "key": "edition.did.line",
        "values": {"category": {"key": "category.water"}, "outcome": {"key": "outcome.repaired.short"}},
        "cases": ["c"],
        "line": "نوی پمپ",
        "line_lang": "ps",
    }
    for lang in locales.ALL_LANGS:
        assert ("نوی پمپ" in chat_of([item], lang)) == (lang == "ps")
        assert ("نوی پمپ" in str(renderings.sections([item], lang))) == (lang == "ps")


def test_a_very_long_edition_still_fits_every_channel() -> None:
    names = {"ur": "ایک بہت ہی لمبا نام جو کبھی ختم نہیں ہوتا اور ہر سطر کو بھر دیتا ہے"}
    values = {
        "category": {"key": "category.water"},
        "outcome": {"key": "promise.repaired"},
        "place": {"names": names},
        "office": {"names": names},
        "date": {"date": "2026-11-25"},
    }
    items = [
        {"section": section, "key": key, "values": values, "cases": ["c"]}
        for section, key in (("did", "edition.did.line"), ("next", "edition.next.line"), ("next", "edition.next.late"))
        for _ in range(20)
    ]
    for one in renderings.previews(items, renderings.Heading(names, "2026-11-15")):
        assert one.sms_parts <= renderings.MOST_PARTS
        assert len(one.chat) <= 1600
