"""A file without what it says of its maker: where, when, with which device. Pure; what it shows is not touched.

The stored original stays as it came, in its box: it may be evidence. This is for whatever is shown or handed out.
Documents (PDF, Word …) are handed out as they are: what they say of their author cannot be told from what they say.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from functools import partial

from store import pictures
from store.pictures import Broken

# Boxes of MP4, 3GP and M4A that describe, and those that hold others. What goes leaves its room, empty: nothing moves.
_TELLING = frozenset({b"udta", b"uuid", b"meta"})
_HOLDING = frozenset({b"moov", b"trak", b"mdia", b"moof", b"traf"})
_EXIF = re.compile(rb"Exif\0\0(?=II\*\0|MM\0\*)")
_SEGMENT = 0xFFFF  # bytes, the most that a JPEG says of itself at once
_XMP = re.compile(rb"<x:xmpmeta.*?(?:</x:xmpmeta>|\Z)", re.DOTALL)


def clean(content: bytes, kind: str) -> tuple[bytes, bool]:
    """(the file as it may be handed out, whether it is what its type says).

    What is none, or is cut short, loses what can be found of EXIF and XMP by their beginnings.
    """
    read = _CLEAN.get(kind)
    if read is not None:
        try:
            return read(content), True
        except (Broken, struct.error, IndexError):
            return _blot(content), False
    return (_blot(content) if kind.startswith(("image/", "audio/", "video/")) else content), True


def _film(content: bytes) -> bytes:
    told = bytearray(content)
    for name, begins, ends in _walk(content, 0, len(content), _HOLDING):
        if name in _TELLING:
            told[begins - 4 : begins] = b"free"
            told[begins:ends] = bytes(ends - begins)
    return bytes(told)


def _walk(content: bytes, at: int, stop: int, holding: frozenset[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """(name, begin and end of what it holds) of each box. Raises `Broken` for what is no row of boxes."""
    while at < stop:
        size, name = struct.unpack_from(">I4s", content, at)
        begins = at + 8
        if size == 1:
            size, begins = struct.unpack_from(">Q", content, at + 8)[0], at + 16
        ends = stop if size == 0 else at + size
        if ends < begins or ends > stop:
            raise Broken("cut short")
        if name in holding:
            yield from _walk(content, begins, ends, holding)
        else:
            yield name, begins, ends
        at = ends


def _heic(content: bytes) -> bytes:
    """With its EXIF and XMP items empty: the map of a HEIC says where in the file each item lies."""
    told = bytearray(content)
    maps = [(begins, ends) for name, begins, ends in _walk(content, 0, len(content), frozenset()) if name == b"meta"]
    if not maps:
        raise Broken("no map")
    for begins, ends in maps:
        parts = {name: (at, stop) for name, at, stop in _walk(content, begins + 4, ends, frozenset())}
        if b"iinf" not in parts or b"iloc" not in parts:
            raise Broken("no map")
        telling = _telling_items(content, *parts[b"iinf"])
        for item, at, stop in _places(content, parts[b"iloc"][0]):
            if item in telling:
                told[at : min(stop, len(told))] = bytes(max(0, min(stop, len(told)) - at))
    return bytes(told)


def _telling_items(content: bytes, at: int, stop: int) -> set[int]:
    """The numbers of the items that are EXIF or text about the picture."""
    at += 6 if content[at] == 0 else 8
    found = set()
    for name, begins, _ in _walk(content, at, stop, frozenset()):
        if name == b"infe" and content[begins] in {2, 3}:
            number, _, kind = struct.unpack_from(">HH4s" if content[begins] == 2 else ">IH4s", content, begins + 4)
            if kind in {b"Exif", b"mime"}:
                found.add(number)
    return found


def _places(content: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """(item, from, to) of each piece of the file that belongs to an item."""
    version, sizes, more = content[at], content[at + 4], content[at + 5]
    at += 6

    def number(size: int) -> int:
        nonlocal at
        at += size
        if at > len(content):
            raise Broken("cut short")
        return int.from_bytes(content[at - size : at], "big")

    for _ in range(number(4 if version == 2 else 2)):
        item = number(4 if version == 2 else 2)
        if version in {1, 2} and number(2) & 0xF:
            raise Broken("kept elsewhere")
        number(2)
        base = number(more >> 4)
        for _ in range(number(2)):
            if version in {1, 2}:
                number(more & 0xF)
            begins = base + number(sizes >> 4)
            yield item, begins, begins + number(sizes & 0xF)


def _blot(content: bytes) -> bytes:
    told = bytearray(content)
    for found in _EXIF.finditer(content):
        end = min(found.end() + _SEGMENT, len(told))
        told[found.end() : end] = bytes(end - found.end())
    for found in _XMP.finditer(content):
        told[found.start() : found.end()] = bytes(found.end() - found.start())
    return bytes(told)


_CLEAN: dict[str, Callable[[bytes], bytes]] = {
    **{kind: partial(pictures.strip, kind=kind) for kind in pictures.KINDS},
    "video/mp4": _film,
    "video/3gpp": _film,
    "audio/mp4": _film,
    "image/heic": _heic,
}
