"""A file is what its bytes say, and no kind that runs something is kept."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from desk.files import TYPES
from store import kinds


def archive(*names: str, stored: dict[str, str] | None = None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in (stored or {}).items():
            zipped.writestr(zipfile.ZipInfo(name), content)
        for name in names:
            zipped.writestr(zipfile.ZipInfo(name), "<x/>", zipfile.ZIP_DEFLATED)
    return made.getvalue()


def storages(*names: str) -> bytes:
    """An older office file, as far as anybody looks at it: its head, a sector, and its directory."""
    entries = b"".join(f"{name}\0".encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", *names))
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + bytes(512) + entries


OOXML = "application/vnd.openxmlformats-officedocument"
ODF = "application/vnd.oasis.opendocument"
CONTENTS = "[Content_Types].xml"
KEPT = {
    f"{OOXML}.wordprocessingml.document": archive(CONTENTS, "word/document.xml", "word/media/image1.png"),
    f"{OOXML}.spreadsheetml.sheet": archive(CONTENTS, "xl/workbook.xml"),
    f"{OOXML}.presentationml.presentation": archive(CONTENTS, "ppt/presentation.xml"),
    f"{ODF}.text": archive("content.xml", stored={"mimetype": f"{ODF}.text"}),
    f"{ODF}.spreadsheet": archive("content.xml", stored={"mimetype": f"{ODF}.spreadsheet"}),
    f"{ODF}.presentation": archive("content.xml", stored={"mimetype": f"{ODF}.presentation"}),
    "application/msword": storages("WordDocument", "1Table"),
    "application/vnd.ms-excel": storages("Workbook"),
    "application/vnd.ms-powerpoint": storages("PowerPoint Document"),
    "application/rtf": b"{\\rtf1\\ansi hello}",
    "application/pdf": b"%PDF-1.7\n",
    "text/plain": "پانی نہیں آ رہا\r\n".encode(),
    "text/vcard": b"BEGIN:VCARD\r\nFN:Lineman\r\nEND:VCARD\r\n",
    "video/mp4": b"\0\0\0\x20ftypisom",
    "video/3gpp": b"\0\0\0\x20ftyp3gp4",
    "image/heic": b"\0\0\0\x20ftypheic",
}


@pytest.mark.parametrize("kind", KEPT)
def test_what_is_kept_is_known_by_its_bytes_and_has_a_name_to_be_downloaded_under(kind: str) -> None:
    assert kinds.find(KEPT[kind]) == kind
    assert kinds.agrees(kind, kind)
    assert kinds.agrees(kind, "")
    assert kinds.agrees(kind, "application/octet-stream"), "many phones know no better"
    assert kind in TYPES
    assert not kinds.is_refused(kind)


@pytest.mark.parametrize(
    "content",
    [
        archive("AndroidManifest.xml", "classes.dex"),  # an app
        archive("a.jpg", "b.jpg"),  # of anything
        archive(CONTENTS, "word/document.xml", "word/vbaProject.bin"),  # with macros, whatever it is called
        archive(CONTENTS, "xl/workbook.xml", "xl/macrosheets/sheet1.xml"),
        archive(CONTENTS, "xl/workbook.bin"),
        archive(CONTENTS, "word/document.xml", "word/embeddings/oleObject1.bin"),
        archive("Basic/Standard/Module1.xml", stored={"mimetype": f"{ODF}.text"}),
        archive(stored={"mimetype": "application/epub+zip"}),
        archive(stored={"mimetype": f"{ODF}.text" + " " * 200}),
        archive(f"{ODF}.text"),
        KEPT[f"{OOXML}.wordprocessingml.document"][:60],  # cut short
        b"PK\x03\x04" + bytes(100),
        storages("WordDocument", "Macros", "_VBA_PROJECT"),
        storages("SummaryInformation"),  # an installer
        b"{\\rtf1 {\\object\\objdata 0105}}",
        b"MZ\x90\0",
        b"\x7fELF",
        b"<!DOCTYPE html><script>",
        b"  <svg xmlns='http://www.w3.org/2000/svg'>",
        b"\xef\xbb\xbf<html>",
        "<html>".encode("utf-16"),
        b"#!/bin/sh\nrm -rf /",
        b"\xff\xfe\x00",
        b"a\0b",
        b"\x1b[2J",
        b"",
        b" \n ",
    ],
)
def test_what_runs_or_is_unknown_is_of_no_kind(content: bytes) -> None:
    assert kinds.find(content) == ""


@pytest.mark.parametrize(
    ("found", "declared"),
    [
        ("image/jpeg", "audio/ogg"),
        ("text/plain", "application/pdf"),
        ("application/pdf", "image/png"),
        ("text/plain", "image/svg+xml"),
    ],
)
def test_a_file_that_is_not_what_it_is_called_does_not_agree(found: str, declared: str) -> None:
    assert not kinds.agrees(found, declared)


@pytest.mark.parametrize(
    ("found", "declared"),
    [
        ("text/vcard", "text/x-vcard"),
        ("text/vcard", "TEXT/directory; charset=utf-8"),
        ("audio/ogg", "audio/ogg; codecs=opus"),
        ("video/mp4", "audio/mp4"),
        ("application/rtf", "text/rtf"),
    ],
)
def test_a_kind_of_many_names_agrees_with_each(found: str, declared: str) -> None:
    assert kinds.agrees(found, declared)


@pytest.mark.parametrize("declared", ["application/vnd.android.package-archive", "Image/SVG+xml; x=1", "text/html"])
def test_what_is_never_kept_is_known_before_it_is_fetched(declared: str) -> None:
    assert kinds.is_refused(declared)


@pytest.mark.parametrize("declared", ["", "application/octet-stream", "application/zip", "nonsense", "text/plain"])
def test_what_may_yet_be_kept_is_fetched_first(declared: str) -> None:
    assert not kinds.is_refused(declared)


def test_a_list_of_names_that_lies_about_its_length_costs_nothing() -> None:
    whole = bytearray(KEPT[f"{OOXML}.wordprocessingml.document"])
    end = whole.rindex(b"PK\x05\x06")
    struct.pack_into("<HH", whole, end + 8, 65_535, 65_535)
    struct.pack_into("<I", whole, end + 12, 2**32 - 2)
    assert kinds.find(bytes(whole)) == ""
