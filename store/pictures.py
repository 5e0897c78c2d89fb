"""A photo without what it says of its maker: place, time, device, words. Pure; no pixel is touched."""

from __future__ import annotations

import struct
from collections.abc import Callable

# Segments of a JPEG that its picture needs: all but the comment and what applications put in (APPn), of which JFIF's
# head and Adobe's colours stay.
_APPS = range(0xE0, 0xF0)
_APPS_KEPT = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}
_COMMENT, _SCAN, _END = 0xFE, 0xDA, 0xD9
_BARE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
# How a picture is to be turned is of its EXIF the one thing that is shown; it is written anew, alone.
_TURN = 0x0112
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs"}
)
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"})
_WEBP_TOLD = 0x20 | 0x08 | 0x04  # flags of VP8X: there are colours, EXIF, XMP


class Broken(ValueError):
    """Not a picture of the type it is said to be, or cut short: what it says of its maker cannot be told apart."""


def strip(content: bytes, kind: str) -> bytes:
    """The same picture (JPEG, PNG, WebP) without its metadata. Raises `Broken` for any other."""
    read = _STRIP.get(kind)
    if read is None:
        raise Broken(kind)
    try:
        return read(content)
    except (struct.error, IndexError):
        raise Broken(kind) from None


def _jpeg(content: bytes) -> bytes:
    if content[:2] != b"\xff\xd8":
        raise Broken("no JPEG")
    kept, at, turn, scanned = [], 2, 0, False
    while True:
        if content[at] != 0xFF:
            raise Broken("no marker")
        while content[at + 1] == 0xFF:  # a marker may be padded
            at += 1
        mark = content[at + 1]
        if mark == _END:
            break  # what stands behind the end is no part of the picture
        if mark in _BARE:
            at += 2
            continue
        end = at + 2 + struct.unpack_from(">H", content, at + 2)[0]
        body = content[at + 4 : end]
        if end > len(content) or end < at + 4:
            raise Broken("cut short")
        if mark == 0xE1 and body.startswith(b"Exif\0\0"):
            turn = turn or _turn(body[6:])
        if mark == _SCAN:
            scanned = True
            end = _after_scan(content, end)
        if mark != _COMMENT and (mark not in _APPS or (mark in _APPS_KEPT and body.startswith(_APPS_KEPT[mark]))):
            kept.append(content[at:end])
        at = end
    if not scanned:
        raise Broken("no picture")
    return b"\xff\xd8" + (_turned(turn) if 1 < turn <= 8 else b"") + b"".join(kept) + b"\xff\xd9"


def _after_scan(content: bytes, at: int) -> int:
    """Where the picture's own bytes end: at the next marker that is no part of them."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise Broken("cut short")
        if content[at + 1] != 0x00 and content[at + 1] not in _BARE:
            return at
        at += 2


def _turn(tiff: bytes) -> int:
    """The turn that an EXIF block names, 0 without one."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 0
    try:
        at = struct.unpack_from(f"{order}I", tiff, 4)[0]
        for entry in range(struct.unpack_from(f"{order}H", tiff, at)[0]):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, at + 2 + 12 * entry)
            if tag == _TURN:
                return int(value)
    except struct.error:
        pass
    return 0


def _turned(turn: int) -> bytes:
    """An EXIF segment that names the turn and nothing else."""
    tiff = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _TURN, 3, 1, turn, 0, 0)
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _png(content: bytes) -> bytes:
    if not content.startswith(_PNG):
        raise Broken("no PNG")
    kept, at = [_PNG], len(_PNG)
    while True:
        length, name = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        if end > len(content):
            raise Broken("cut short")
        if name in _PNG_KEPT:
            kept.append(content[at:end])
        if name == b"IEND":
            return b"".join(kept)
        at = end


def _webp(content: bytes) -> bytes:
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise Broken("no WebP")
    kept, at = [], 12
    stop = min(len(content), 8 + struct.unpack_from("<I", content, 4)[0])
    while at < stop:
        name, length = struct.unpack_from("<4sI", content, at)
        end = at + 8 + length + length % 2
        if at + 8 + length > len(content):
            raise Broken("cut short")
        if name in _WEBP_KEPT:
            chunk = bytearray(content[at:end])
            if name == b"VP8X":
                chunk[8] &= ~_WEBP_TOLD & 0xFF
            kept.append(bytes(chunk))
        at = end
    if not kept:
        raise Broken("no picture")
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


_STRIP: dict[str, Callable[[bytes], bytes]] = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}
KINDS = frozenset(_STRIP)
