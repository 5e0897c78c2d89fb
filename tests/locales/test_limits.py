"""SMS parts against published examples, and against a second reckoning by UTF-16 bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales.channels import CHANNELS, GSM_BASIC, GSM_EXTENSION, is_gsm, sms_parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("ب" * 70, 1),
        ("ب" * 71, 2),
        ("ب" * 134, 2),
        ("ب" * 135, 3),
        ("ب" * 201, 3),
        ("ب" * 202, 4),
        # Twilio's own example: "152 GSM-7 characters and a single unicode character will be split into 3 messages".
        ("a" * 152 + "ب", 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 152, 2),  # 76 in a part of 153: the last septet stays empty
        ("€" * 153, 3),
        ("a" * 152 + "€" + "a" * 7, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),  # 33 in a part of 67: the last unit stays empty
        ("😀" * 67, 3),  # 134 units, but no pair is cut
        ("é" * 160, 1),
        ("ç" * 71, 2),  # only the capital is in GSM-7
        ("`" * 71, 2),
    ],
)
def test_parts_are_counted_as_networks_count_them(text: str, parts: int) -> None:
    assert len(sms_parts(text)) == parts


def test_the_gsm_alphabet_has_its_published_size() -> None:
    assert len(GSM_BASIC) == 127  # 128 places, one of them the escape
    assert len(GSM_EXTENSION) == 10
    assert not GSM_BASIC & GSM_EXTENSION


@given(st.text(alphabet=st.sampled_from("aب€😀^é \n1"), max_size=500))
def test_parts_joined_are_the_text_and_none_is_too_long(text: str) -> None:
    parts = sms_parts(text)
    assert "".join(parts) == text
    units = [
        len(part) + sum(part.count(char) for char in GSM_EXTENSION) if is_gsm(text) else utf16_units(part)
        for part in parts
    ]
    one, many = (160, 153) if is_gsm(text) else (70, 67)
    assert max(units) <= (one if len(parts) == 1 else many)
    assert len(parts) == 1 or min(units) > 0


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


def test_every_kind_of_channel_has_its_limits() -> None:
    assert set(CHANNELS) == {"sms", "whatsapp", "telegram", "gateway", "try"}
    assert (CHANNELS["whatsapp"].list_rows, CHANNELS["whatsapp"].row_units, CHANNELS["whatsapp"].buttons) == (10, 24, 3)
    assert CHANNELS["whatsapp"].window_hours == 24
    assert not CHANNELS["sms"].isolates
    assert not CHANNELS["gateway"].isolates
