"""Files are handed out without what they say of their maker, and with every byte of what they show."""

from __future__ import annotations

import struct

import pytest

from store import pictures, traces

SECRET = b"+30.5815+066.9949/"
TIFF = b"II*\0\x08\0\0\0" + SECRET


def box(name: bytes, *held: bytes) -> bytes:
    body = b"".join(held)
    return struct.pack(">I4s", 8 + len(body), name) + body


def big(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4sQ", 1, name, 16 + len(body)) + body


@pytest.mark.parametrize("kind", ["video/mp4", "video/3gpp", "audio/mp4"])
def test_a_film_keeps_its_frames_where_they_were_and_loses_where_it_was_taken(kind: str) -> None:
    def film(place: bytes) -> bytes:
        told = box(b"udta", box(b"\xa9xyz", place), box(b"loci", place))
        return b"".join(
            (
                box(b"ftyp", b"isom0000"),
                box(
                    b"moov",
                    box(b"mvhd", b"length"),
                    told,
                    box(b"trak", box(b"tkhd", b"one"), told),
                    box(b"meta", place),
                ),
                big(b"uuid", place),
                box(b"mdat", b"frames and sound"),
            )
        )

    told = film(SECRET)
    shown, whole = traces.clean(told, kind)
    assert whole
    assert SECRET not in shown
    assert len(shown) == len(told), "nothing moves: the tables inside point to bytes of the file"
    assert shown.endswith(box(b"mdat", b"frames and sound"))
    assert box(b"mvhd", b"length") in shown
    assert box(b"tkhd", b"one") in shown
    assert b"xyz" not in shown


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_heic_loses_its_exif_and_keeps_its_picture(version: int) -> None:
    pixels, told = b"PIXELS" * 9, b"\0\0\0\6Exif\0\0" + TIFF
    wide = ">I" if version == 2 else ">H"

    def heic(at: int) -> bytes:
        infe = [
            box(b"infe", b"\2\0\0\0" + struct.pack(">HH4s", n, 0, kind)) for n, kind in ((1, b"hvc1"), (2, b"Exif"))
        ]
        rows = b""
        for item, begins, length in ((1, at, len(pixels)), (2, at + len(pixels), len(told))):
            rows += struct.pack(wide, item) + (b"\0\0" if version else b"") + struct.pack(">HH", 0, 1)
            rows += struct.pack(">II", begins, length)
        iloc = bytes((version, 0, 0, 0, 0x44, 0)) + struct.pack(wide, 2) + rows
        meta = box(b"meta", bytes(4), box(b"iinf", struct.pack(">IH", 0, 2), *infe), box(b"iloc", iloc))
        return box(b"ftyp", b"heic0000") + meta + box(b"mdat", pixels, told)

    file = heic(len(heic(0)) - len(pixels) - len(told))
    shown, whole = traces.clean(file, "image/heic")
    assert whole
    assert SECRET not in shown
    assert pixels in shown
    assert len(shown) == len(file)


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "image/webp", "image/heic", "image/gif", "video/mp4"])
def test_what_is_broken_or_of_another_kind_loses_what_can_be_found(kind: str) -> None:
    body = b"begin" + b"Exif\0\0" + TIFF + bytes(70_000) + b"<x:xmpmeta x='" + SECRET + b"'></x:xmpmeta>" + b"the end"
    shown, whole = traces.clean(body, kind)
    assert whole == (kind == "image/gif")
    assert SECRET not in shown
    assert shown.startswith(b"begin")
    assert shown.endswith(b"the end")


def test_a_document_is_handed_out_as_it_came() -> None:
    assert traces.clean(b"%PDF Exif\0\0II*\0", "application/pdf") == (b"%PDF Exif\0\0II*\0", True)


def test_every_picture_that_is_shown_is_cleaned() -> None:
    assert {"image/jpeg", "image/png", "image/webp"} == pictures.KINDS
