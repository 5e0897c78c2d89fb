"""What a file is, by its own bytes and not by its name: which kinds are kept, and which never. Pure.

Nothing here runs, renders or unpacks what it looks at: of an archive its list of names is read, of an older document
the names of its storages. Documents that bring programs along (macros) are of no kind that is kept.
"""

from __future__ import annotations

import io
import re
import zipfile

# How each kind we keep begins: (offset, bytes, our name of the type).
_BEGINS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp3gp", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"%PDF-", "application/pdf"),
)
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# ── office files ─────────────────────────────────────────────────────────────────────────────────────────────────────
_OOXML = "application/vnd.openxmlformats-officedocument."
_PARTS = {
    "word/document.xml": f"{_OOXML}wordprocessingml.document",
    "xl/workbook.xml": f"{_OOXML}spreadsheetml.sheet",
    "ppt/presentation.xml": f"{_OOXML}presentationml.presentation",
}
_ODF = {f"application/vnd.oasis.opendocument.{one}" for one in ("text", "spreadsheet", "presentation")}
# A name that begins or ends so holds a program, an old form of one, or a file within the file.
_PROGRAMS = re.compile(
    r"(?i)(?:.*/)?vba[a-z]*\.(?:bin|xml)|xl/macrosheets/.*|(?:.*/)?activex/.*|(?:.*/)?embeddings/.*\.bin|basic/.*|scripts/.*"
)
_STORAGES = {
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "Book": "application/vnd.ms-excel",
    "PowerPoint Document": "application/vnd.ms-powerpoint",
}
_OLE_PROGRAMS = ("_VBA_PROJECT", "_VBA_PROJECT_CUR", "Macros", "VBA", "Ole10Native", "\x01Ole10Native")
_ENTRY = 128  # bytes of one entry in the directory of such a file; its name stands first, in UTF-16
_MIME_MOST = 100

# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────
_CARD = re.compile(rb"\s*BEGIN:VCARD\r?\n", re.IGNORECASE)
_MARKED = re.compile(rb"\s*(?:<|#!|%!)")  # a page, a drawing, a script: words to nobody
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")

# What nobody needs to fetch to know that it is not kept.
_NEVER = frozenset(
    {
        "application/java-archive",
        "application/javascript",
        "application/vnd.android.package-archive",
        "application/vnd.microsoft.portable-executable",
        "application/x-apple-diskimage",
        "application/x-bat",
        "application/x-dosexec",
        "application/x-msdos-program",
        "application/x-msdownload",
        "application/x-msi",
        "application/x-sh",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/html",
        "text/javascript",
    }
)
_NAMELESS = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-download"})
# What is kept as words or as an office file goes by more names than one.
_ALIKE = {
    "text/vcard": re.compile(r"text/.*|application/(?:x-)?vcard"),
    "text/plain": re.compile(r"text/.*"),
    "application/rtf": re.compile(r"(?:text|application)/.*"),
}


def plain(content_type: str) -> str:
    """A type as it is compared: `Audio/OGG; codecs=opus` is `audio/ogg`."""
    return content_type.partition(";")[0].strip().lower()


def is_refused(declared: str) -> bool:
    """Whether a file of the type that it came with is never kept, whatever its bytes are."""
    return plain(declared) in _NEVER


def find(content: bytes) -> str:
    """The type that a file's bytes say; "" for one we do not keep."""
    found = next((kind for at, magic, kind in _BEGINS if content[at : at + len(magic)] == magic), "")
    if found:
        return found
    if content.startswith(_ZIP):
        return _of_archive(content)
    if content.startswith(_OLE):
        return _of_storages(content)
    if content.startswith(b"{\\rtf"):
        return "" if b"\\objdata" in content else "application/rtf"
    if _CARD.match(content.removeprefix(b"\xef\xbb\xbf")):
        return "text/vcard"
    return "text/plain" if _is_text(content) else ""


def agrees(found: str, declared: str) -> bool:
    """Whether a file's own type fits the one it came with. Voice in a video container is common; a page is not."""
    named = plain(declared)
    if named in _NAMELESS:
        return True
    if found in _ALIKE:
        return _ALIKE[found].fullmatch(named) is not None
    families = {found.partition("/")[0], named.partition("/")[0]}
    return len(families) == 1 or families == {"audio", "video"}


def _of_archive(content: bytes) -> str:
    """An office file is an archive with certain names in it. Nothing is unpacked but the short name of an open one."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            if any(map(_PROGRAMS.fullmatch, names)):
                return ""
            if "[Content_Types].xml" in names:
                return next((kind for part, kind in _PARTS.items() if part in names), "")
            first = archive.infolist()[0] if names else None
            if first is None or first.filename != "mimetype" or first.compress_type or first.file_size > _MIME_MOST:
                return ""
            said = archive.read(first).decode("ascii", "replace").strip()
            return said if said in _ODF else ""
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError):
        return ""


def _of_storages(content: bytes) -> str:
    if any(_has_storage(content, name) for name in _OLE_PROGRAMS):
        return ""
    return next((kind for name, kind in _STORAGES.items() if _has_storage(content, name)), "")


def _has_storage(content: bytes, name: str) -> bool:
    written, at = f"{name}\0".encode("utf-16-le"), -1
    while (at := content.find(written, at + 1)) >= 0:
        if at % _ENTRY == 0:
            return True
    return False


def _is_text(content: bytes) -> bool:
    if not content.strip() or _MARKED.match(content.removeprefix(b"\xef\xbb\xbf")):
        return False
    try:
        words = content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8")
    except UnicodeDecodeError:
        return False
    return _CONTROLS.search(words) is None and not _MARKED.match(words.encode("utf-8", "replace"))
