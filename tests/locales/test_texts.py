"""Texts by key: fallback, typed values, whole messages, and the catalogs as they are."""

from pathlib import Path

import pytest

from locales import LANGS, UnknownText, direction, missing, own_name, render, render_options, say, strict
from locales.catalogs import read_entries
from locales.check import check, find_faults
from locales.values import choose_name, group, keep_dates_whole, write_date

CODE = {"code": "4821773091542"}


def test_a_missing_text_falls_back_to_urdu_then_to_english_and_is_counted(shelf: Path) -> None:
    assert say("yes", "brh") == "جی ہاں"
    assert say("yes", "bal") == "ہاں"
    assert say("only.english", "brh") == "Only here"
    assert missing() == {("bal", "yes"): 1, ("brh", "only.english"): 1}


def test_a_key_nobody_wrote_is_shown_to_citizens_and_raised_to_programmers(shelf: Path) -> None:
    assert say("no.such", "ps") == "no.such"
    with strict(), pytest.raises(UnknownText):
        say("no.such", "ps")
    assert say("no.such", "ps") == "no.such"


def test_a_language_not_chosen_yet_reads_urdu(shelf: Path) -> None:
    assert say("yes", "") == "ہاں"
    assert direction("") == "rtl"


def test_a_code_is_grouped_and_isolated_except_in_sms(shelf: Path) -> None:
    message = {"says": [["case.code", {"code": CODE}]]}
    assert render(message, "ur", "sms") == "4821 7730 9154 2\nیہ آپ کا نمبر ہے"
    assert render(message, "ur", "gateway") == render(message, "ur", "sms")
    assert render(message, "ur", "whatsapp") == "\u20664821 7730 9154 2\u2069\nیہ آپ کا نمبر ہے"
    assert say("case.code", "en", code=CODE) == "Your number is \u20664821 7730 9154 2\u2069. Keep it."


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("as it stands {braces}", "as it stands {braces}"),
        (7, "7"),
        ({"key": "yes"}, "ہاں"),
        ({"key": "case.code", "values": {"code": CODE}}, "4821 7730 9154 2\nیہ آپ کا نمبر ہے"),
        ({"date": "2026-11-21"}, "21-11-2026"),
        ({"names": {"en": "Pishin", "ur": "پشین"}}, "پشین"),
        ({"names": {"en": "Pishin"}}, "Pishin"),
    ],
)
def test_values_say_what_they_are(shelf: Path, value: object, shown: str) -> None:
    message = {"says": [["case.code", {"code": value}]]}
    assert render(message, "ur", "sms") == f"{shown}\nیہ آپ کا نمبر ہے"


def test_a_value_of_no_known_type_is_refused(shelf: Path) -> None:
    with pytest.raises(ValueError, match="typed value"):
        say("case.code", "ur", code={"colour": "red"})


def test_a_value_that_was_not_given_leaves_a_gap_not_an_error(shelf: Path) -> None:
    assert say("case.code", "en") == "Your number is . Keep it."


def test_a_message_is_its_texts_then_the_typed_words_then_numbered_options(shelf: Path) -> None:
    message = {
        "says": [["yes", {}], ["only.english", {}]],
        "options": [["1", "yes", {}], ["2", "only.english", {}]],
        "text": "کل {آئیں}",
    }
    assert render(message, "ur", "sms") == "ہاں\nOnly here\nکل {آئیں}\n1 ہاں\n2 Only here"
    assert render_options(message, "ur", "whatsapp") == [("1", "ہاں"), ("2", "Only here")]
    with pytest.raises(KeyError):
        render(message, "ur", "pigeon")


def test_dates_codes_and_names_have_one_shape() -> None:
    assert write_date("2026-11-21") == "21-11-2026"
    assert group("4821773091542") == "4821 7730 9154 2"
    assert choose_name({"en": "Kalat", "ur": "قلات", "bal": "کلات"}, "bal") == "کلات"
    assert choose_name({"en": "Kalat", "ur": "قلات"}, "brh") == "قلات"
    with pytest.raises(ValueError, match="not a date"):
        write_date("21-11-2026")


def test_no_line_end_cuts_a_date_on_a_page_and_a_message_keeps_ascii() -> None:
    said = {"says": [["clock.by", {"date": {"date": "2026-11-21"}}]], "options": []}
    for channel in ("sms", "whatsapp"):
        assert "21-11-2026" in render(said, "ur", channel)
    page = keep_dates_whole(say("clock.by", "ur", date={"date": "2026-11-21"}))
    assert "21\u201111\u20112026" in page
    assert keep_dates_whole('<input value="21-11-2026">') == '<input value="21-11-2026">'


def test_every_language_has_name_and_direction() -> None:
    assert {"اردو", "پښتو", "بلوچی", "براہوئی"} <= {own_name(lang) for lang in LANGS}
    assert {direction(lang) for lang in LANGS} == {"rtl"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        (" {code}", "white space at an end"),
        ("x", "lost placeholder {code}"),
        ("{code} {name}", "unknown placeholder {name}"),
        ("{code!r}", "not a plain placeholder"),
        ("{code} بِ", "vowel mark"),
        ("{code} می\u200cشود", "invisible sign"),
        ("{code} “ہاں”", "not on every phone"),
        ("{code} 👍", "picture sign"),
        ("{code} ۷۲", "digits"),
    ],
)
def test_a_faulty_text_is_named(text: str, fault: str) -> None:
    assert any(fault in found for found in find_faults(text, "Number {code}", "ur", "messages"))


def test_balochi_and_brahui_may_mark_their_hamza_and_nothing_else() -> None:
    assert find_faults("دپترءِ", "office", "bal", "messages") == []
    assert find_faults("دفتر ءِ", "office", "brh", "messages") == []
    assert find_faults("دپترِ", "office", "bal", "messages")
    assert find_faults("دپترءِ", "office", "ur", "messages")


def test_a_key_without_its_twin_is_found(shelf: Path) -> None:
    found = {(finding.lang, finding.key) for finding in check() if finding.problem == "missing"}
    assert {("ur", "only.english"), ("brh", "case.code"), ("bal", "yes"), ("ps", "yes")} <= found


def test_a_catalog_that_lost_its_plural_line_is_found(shelf: Path) -> None:
    place = shelf / "brh" / "LC_MESSAGES" / "messages.po"
    place.write_text(place.read_text("utf-8").replace('"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n', ""), "utf-8")
    assert any(finding.lang == "brh" and "header" in finding.problem for finding in check())


def test_brahui_is_read_although_babel_does_not_know_it(shelf: Path) -> None:
    assert read_entries("brh", "messages")["yes"].text == "جی ہاں"


def test_the_catalogs_are_whole() -> None:
    assert check() == []
