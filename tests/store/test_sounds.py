"""A voice note says how long it is."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.sounds import seconds

KINDS = ("audio/ogg", "audio/amr", "audio/mpeg", "audio/mp4", "video/3gpp")


def page(position: int, body: bytes) -> bytes:
    return b"OggS\0\0" + struct.pack("<q", position) + bytes(12) + b"\1" + bytes([len(body)]) + body


OPUS = page(0, b"OpusHead\1\1" + struct.pack("<HI", 312, 16_000) + bytes(3)) + page(48_312 * 1, b"sound")


def test_each_kind_says_its_length() -> None:
    assert seconds(OPUS, "audio/ogg") == pytest.approx(1.0)
    vorbis = page(0, b"\x01vorbis" + bytes(4) + b"\1" + struct.pack("<I", 22_050)) + page(44_100, b"sound")
    assert seconds(vorbis, "audio/ogg") == pytest.approx(2.0)
    assert seconds(b"#!AMR\n" + (b"\x3c" + bytes(31)) * 150, "audio/amr") == pytest.approx(3.0)
    frame = b"\xff\xfb\x90\xc4" + bytes(413)  # 128 kbit/s, 44.1 kHz
    assert seconds(frame * 76, "audio/mpeg") == pytest.approx(76 * 1152 / 44_100)
    assert seconds(b"ID3\4\0\0\0\0\0\5" + bytes(5) + frame * 76, "audio/mpeg") == pytest.approx(1.985, abs=0.01)
    short = b"....mvhd\0\0\0\0" + bytes(8) + struct.pack(">II", 1000, 4500)
    assert seconds(short, "audio/mp4") == pytest.approx(4.5)
    long = b"....mvhd\1\0\0\0" + bytes(16) + struct.pack(">IQ", 1000, 5500)
    assert seconds(long, "video/mp4") == pytest.approx(5.5)


@pytest.mark.parametrize("kind", KINDS)
@given(content=st.binary(max_size=200))
def test_what_is_broken_says_nothing_and_breaks_nothing(kind: str, content: bytes) -> None:
    found = seconds(content, kind)
    assert found is None or 0 < found < 86_400


def test_a_kind_that_does_not_say_is_not_guessed() -> None:
    assert seconds(b"ID3", "audio/mpeg") is None
    assert seconds(b"%PDF", "application/pdf") is None
    assert seconds(OPUS[:20], "audio/ogg") is None
    assert seconds(OPUS.replace(struct.pack("<q", 48_312), struct.pack("<q", -1)), "audio/ogg") is None
