"""A photo is shown without what it says of its maker, and with every pixel it had."""

from __future__ import annotations

import struct
import zlib

import pytest

from store import pictures
from store.pictures import Broken

SECRET = b"30.5815N 66.9949E"  # what a telephone writes beside the pixels


def segment(mark: int, body: bytes) -> bytes:
    return b"\xff" + bytes([mark]) + struct.pack(">H", len(body) + 2) + body


def exif(turn: int, order: str = ">") -> bytes:
    head = struct.pack(f"{order}2sHIH", b"MM" if order == ">" else b"II", 42, 8, 2)
    entries = struct.pack(f"{order}HHI4s", 0x010F, 2, 4, b"Cam\0") + struct.pack(f"{order}HHIHH", 0x0112, 3, 1, turn, 0)
    return segment(0xE1, b"Exif\0\0" + head + entries + struct.pack(f"{order}I", 0) + SECRET)


JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
TABLES = segment(0xDB, bytes(65)) + segment(0xC0, bytes(15)) + segment(0xC4, bytes(20))
SCAN = segment(0xDA, bytes(10)) + b"\x12\xff\x00\x34\xff\xd0\x56"


def jpeg(*before: bytes, after: bytes = b"") -> bytes:
    return b"\xff\xd8" + JFIF + b"".join(before) + TABLES + SCAN + b"\xff\xd9" + after


def test_a_jpeg_keeps_its_picture_and_nothing_else() -> None:
    told = jpeg(
        exif(1),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET),
        segment(0xED, b"Photoshop 3.0\0" + SECRET),
        segment(0xFE, SECRET),
        after=jpeg(exif(1)),  # a second picture behind the first, as some telephones write
    )
    assert pictures.strip(told, "image/jpeg") == jpeg()


def test_a_comment_between_two_scans_goes_too() -> None:
    told = b"\xff\xd8" + TABLES + SCAN + segment(0xFE, SECRET) + SCAN + b"\xff\xd9"
    assert pictures.strip(told, "image/jpeg") == b"\xff\xd8" + TABLES + SCAN + SCAN + b"\xff\xd9"


@pytest.mark.parametrize("order", [">", "<"])
def test_a_picture_that_was_taken_sideways_stays_upright(order: str) -> None:
    shown = pictures.strip(jpeg(exif(6, order)), "image/jpeg")
    assert SECRET not in shown
    assert b"Cam" not in shown
    assert pictures._turn(shown[shown.index(b"Exif\0\0") + 6 :]) == 6
    assert pictures.strip(shown, "image/jpeg") == shown, "twice is once"


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_a_png_keeps_its_picture_and_nothing_else() -> None:
    head, pixels, end = chunk(b"IHDR", bytes(13)), chunk(b"IDAT", b"pixels"), chunk(b"IEND", b"")
    told = [chunk(name, SECRET) for name in (b"tEXt", b"eXIf", b"iTXt", b"zTXt", b"tIME", b"prVt")]
    mark = b"\x89PNG\r\n\x1a\n"
    assert (
        pictures.strip(mark + head + b"".join(told) + pixels + end + SECRET, "image/png") == mark + head + pixels + end
    )


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_a_webp_keeps_its_picture_and_says_so() -> None:
    told = riff((b"VP8X", b"\x2e" + bytes(9)), (b"VP8 ", b"pixels!"), (b"EXIF", SECRET), (b"XMP ", SECRET))
    assert pictures.strip(told, "image/webp") == riff((b"VP8X", b"\x02" + bytes(9)), (b"VP8 ", b"pixels!"))


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "image/webp"])
def test_what_is_cut_short_anywhere_is_not_shown(kind: str) -> None:
    whole = {
        "image/jpeg": jpeg(exif(1)),
        "image/png": b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", b"x") + chunk(b"IEND", b""),
        "image/webp": riff((b"VP8 ", b"pixels")),
    }[kind]
    for length in range(len(whole)):
        with pytest.raises(Broken):
            pictures.strip(whole[:length], kind)
    pictures.strip(whole, kind)


def test_what_is_no_picture_is_not_shown() -> None:
    for content, kind in ((b"<script>", "image/jpeg"), (b"GIF89a", "image/gif"), (b"", "image/png"), (b"x", "")):
        with pytest.raises(Broken):
            pictures.strip(content, kind)
