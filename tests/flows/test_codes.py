from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import codes
from flows.check import NUMERALS
from locales.values import group

TWELVE = st.text("0123456789", min_size=12, max_size=12)


@given(TWELVE)
def test_a_completed_code_is_valid_and_found_in_a_sentence(twelve: str) -> None:
    code = codes.complete(twelve)
    assert codes.valid(code)
    assert codes.find(f"my number is {group(code)}, what now?") == code


@given(TWELVE, st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(twelve: str, place: int, off: int) -> None:
    code = codes.complete(twelve)
    wrong = str((int(code[place]) + off) % 10)
    assert not codes.valid(code[:place] + wrong + code[place + 1 :])


@given(TWELVE, st.integers(0, 11))
def test_two_neighbours_swapped_are_always_noticed(twelve: str, place: int) -> None:
    code = codes.complete(twelve)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert swapped == code or not codes.valid(swapped)


@given(TWELVE, st.sampled_from(sorted(NUMERALS)), st.sampled_from(["", " ", "-", " - ", "\u00a0"]))
def test_a_code_is_read_in_every_numeral_set(twelve: str, name: str, gap: str) -> None:
    code = codes.complete(twelve)
    typed = group(code).replace(" ", gap if gap != " - " else "-")
    typed = "".join(NUMERALS[name][int(sign)] if sign.isdecimal() else sign for sign in typed)
    assert codes.find(typed) == code
    assert codes.typed(typed) == code


@given(st.text())
def test_no_text_breaks_the_search(text: str) -> None:
    found = codes.find(text)
    assert found is None or codes.valid(found)


def test_isolating_marks_around_a_copied_code_do_not_matter() -> None:
    code = codes.complete("482177309154")
    assert codes.typed(f"\u2066{group(code)}\u2069") == code


def test_a_phone_number_and_a_longer_number_are_no_codes() -> None:
    assert codes.find("+923001234567") is None
    assert codes.find(codes.complete("482177309154") + "7") is None


@pytest.mark.parametrize("bad", ["", "12345678901", "1234567890123", "12345678901a", "۱۲۳۴۵۶۷۸۹۰۱۲"])
def test_only_twelve_ascii_digits_make_a_code(bad: str) -> None:
    with pytest.raises(ValueError, match="twelve digits"):
        codes.complete(bad)


@pytest.mark.parametrize(
    "text",
    ["0333 1234567", "03331234567", "+92 333 1234567", "0333-1234567", "۰۳۳۳ ۱۲۳۴۵۶۷", "(081) 2345678", "3331234567"],
)
def test_the_number_of_a_telephone_is_known(text: str) -> None:
    assert codes.is_phone(text)


@pytest.mark.parametrize(
    "text", ["3 1 6", "316", "12", "9821 7730 9154 0", "982177309154", "42101-1234567-1", "", "0333"]
)
def test_what_is_no_telephones(text: str) -> None:
    assert not codes.is_phone(text)
