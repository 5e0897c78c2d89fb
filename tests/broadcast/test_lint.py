"""What a line of one's own may not carry out of the house."""

from __future__ import annotations

import pytest

from broadcast.lint import inspect
from locales.values import group


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("call 0300-1234567", "phone"),
        ("فون ۰۳۰۰ ۱۲۳۴۵۶۷ پر", "phone"),
        ("+92 81 9201234", "phone"),
        ("CNIC 54400-1234567-1", "cnic"),
        ("شناختی کارڈ ۵۴۴۰۰۱۲۳۴۵۶۷۱", "cnic"),
        ("write to clerk@example.org", "address"),
        ("see https://example.org/list", "address"),
        ("paid to Gul s/o Khan", "name"),
        ("حاجی کے گھر کے پاس", "name"),
        ("جناب انجینئر نے بتایا", "name"),
        ("سید محلے میں", "name"),
        ("x" * 201, "long"),
        ("the rape victim got help", "victim"),
        ("A kidnapped girl of Barshore is home", "victim"),
        ("متاثرہ لڑکی کو گھر پہنچایا گیا", "victim"),
        ("خاتون کو ہراساں کرنے والا اہلکار ہٹا دیا گیا", "victim"),
        ("khudkushi ka waqia hal hua", "victim"),
        ("د جنسي تېري پېښه", "victim"),
        ("Abdul Karim of Barshore has water again", "name"),
        ("Muhammad Ali of Killa Abdullah got his wheat", "name"),
        ("محمد اسلم کے محلے کا پمپ ٹھیک ہے", "name"),
        ("Gul Khan's well in Karezat works", "name"),
        ("نور خان کا کنواں", "name"),
    ],
)
def test_a_line_that_points_at_a_person_is_found(line: str, kind: str) -> None:
    assert kind in {finding.kind for finding in inspect(line)}


@pytest.mark.parametrize(
    "line",
    [
        "The pump in Barshore runs again since 2026-11-18.",
        "برشور کا پمپ ۱۸-۱۱-۲۰۲۶ سے پھر چل رہا ہے۔",
        "Helpline 1055 is open from 9 to 5.",
        "12 teachers, 3 schools, 1,500,000 rupees",
        "په پشین کې اوبه بیا شته.",
        "The road from Killa Abdullah to Usta Muhammad is open.",
        "Dera Murad Jamali: 3 schools open. Shaheed Sikandarabad: a new pump.",
        "قلعہ عبداللہ اور اوستہ محمد میں پانی ہے۔",
        "200 flood victims got tents.",
        "سیلاب سے متاثرہ علاقے میں 200 خیمے دیے گئے۔",
        "A flower garden for the children, and the light of hope.",
        "بچوں کی جان بچانے والی دوا پہنچ گئی",
    ],
)
def test_an_honest_line_passes(line: str) -> None:
    assert inspect(line) == []


def test_a_case_code_is_found_however_it_is_typed() -> None:
    from flows import codes

    code = codes.complete("482177309154")
    for typed in (
        code,
        group(code),
        f"نمبر {group(code).translate(str.maketrans('0123456789', '۰۱۲۳۴۵۶۷۸۹'))}",
    ):
        assert "code" in {finding.kind for finding in inspect(f"about {typed}")}


def test_the_people_of_the_house_are_known_by_name() -> None:
    assert inspect("Zarmina has repaired it", ["Zarmina"])[0].kind == "name"
    assert inspect("Zarminas has repaired it", ["Zarmina"]) == []
