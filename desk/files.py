"""Photos and voice notes at the desk: shown and played where they stand, a photo without what it says of its maker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from store import kinds, pictures, traces

# What a browser may be told a file is; everything else is bytes to it. Never a type that it would run.
TYPES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/amr": "amr",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "video/webm": "webm",
    "image/gif": "gif",
    "image/heic": "heic",
    "application/pdf": "pdf",
    "application/rtf": "rtf",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "text/plain": "txt",
    "text/vcard": "vcf",
}
# Why there is no file (text key file.fault.<name>).
FAULTS = frozenset({"gone", "kind", "size", "unreachable", "foreign", "many"})
SOUNDS = frozenset({"audio/ogg", "audio/mpeg", "audio/aac", "audio/mp4"})  # those that browsers play
# A page that is looked at loads its pictures by itself: more bytes than this are fetched by who wants to see them.
PICTURE_MOST = 2 * 1024 * 1024
RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")


class Known(Protocol):
    """What is known of a file, wherever its bytes are kept: an ordinary one's row, or what a sealed item has told."""

    @property
    def id(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def fault(self) -> str | None: ...
    @property
    def bytes(self) -> int | None: ...
    @property
    def seconds(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """One file as a page shows it: `how` is picture, sound, file, waiting or failed; `fault` why it failed.

    `kind` is voice, photo, video, card or file, from its type; `size` in whole kB and `length` as 0:12, where
    known. `says` is what a contact card says, in words.
    """

    id: UUID
    how: str
    kind: str
    fault: str
    size: int | None
    length: str
    says: str = ""


# What a file is called (text key file.<name>), by its type or the family of it.
_CALLED = {"audio": "voice", "image": "photo", "video": "video", "text/vcard": "card", "text/x-vcard": "card"}


def tell(file: Known, cards: Mapping[UUID, str] | None = None) -> Shown:
    """What can be said of a file before it is loaded; `cards` are the words of contact cards by file."""
    size = None if file.bytes is None else max(1, round(file.bytes / 1000))
    seconds = 0 if file.seconds is None else max(1, round(file.seconds))
    length = f"{seconds // 60}:{seconds % 60:02}" if seconds else ""
    fault = file.fault if file.fault in FAULTS else "gone"
    return Shown(file.id, _how(file), tell_kind(file.kind), fault, size, length, (cards or {}).get(file.id, ""))


def tell_kind(kind: str) -> str:
    """voice, photo, video, card or file, of a type."""
    kind = kinds.plain(kind)
    return _CALLED.get(kind) or _CALLED.get(kind.partition("/")[0], "file")


def _how(file: Known) -> str:
    if file.state != "kept":
        return file.state
    if file.kind in pictures.KINDS and (file.bytes or 0) <= PICTURE_MOST:
        return "picture"
    return "sound" if file.kind in SOUNDS else "file"


def is_first(request: Request) -> bool:
    """Whether this asks for a file from its beginning: a player that asks for the rest of it looks only once."""
    found = RANGE.fullmatch(request.headers.get("range", ""))
    return found is None or found[1] in {"", "0"}


def respond(request: Request, content: bytes, file: Known) -> Response:
    """A file's bytes, without what it says of its maker: a picture is shown, a sound played, all else to be kept."""
    content, whole = traces.clean(content, file.kind)
    picture = file.kind in pictures.KINDS
    kind = file.kind if whole or not picture else ""  # a picture that is none: bytes to keep, not shown
    inline = bool(kind) and (picture or kind in SOUNDS)
    known = kind in TYPES
    name = f"{str(file.id)[:8]}.{TYPES[kind] if known else 'bin'}"
    headers = {
        "Content-Disposition": f'{"inline" if inline else "attachment"}; filename="{name}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Accept-Ranges": "bytes",
    }
    part = _part(request.headers.get("range", ""), len(content))
    status = 200
    if part is not None:
        if part[0] >= part[1]:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{len(content)}"
        content, status = content[slice(*part)], 206
    return Response(
        content, status_code=status, media_type=kind if known else "application/octet-stream", headers=headers
    )


def _part(asked: str, size: int) -> tuple[int, int] | None:
    """(first, after last) of the bytes that are asked for; None for all of them, also where it is not understood."""
    found = RANGE.fullmatch(asked)
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size
    return int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
