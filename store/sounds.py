"""How long a voice note lasts, read from its own bytes. Pure."""

from __future__ import annotations

import struct
from collections.abc import Callable

OPUS_RATE = 48_000  # Opus counts in these whatever it was recorded in (RFC 7845)
AMR_FRAME = 0.02  # seconds
# Bytes of a frame after its head, by the mode the head names (3GPP TS 26.101); a head of 6 to 8, 12 to 14 is none.
AMR_SIZES = {0: 12, 1: 13, 2: 15, 3: 17, 4: 19, 5: 20, 6: 26, 7: 31, 8: 5, 15: 0}
LONGEST = 24 * 3600.0  # what says more is broken


def seconds(content: bytes, kind: str) -> float | None:
    """The length of a file of this type; None where it does not say, or is broken."""
    read = _READ.get(kind)
    if read is None:
        return None
    try:
        found = read(content)
    except (struct.error, IndexError, ValueError, ZeroDivisionError):
        return None
    return found if found is not None and 0 < found < LONGEST else None


def _ogg(content: bytes) -> float | None:
    """The last page's position, over the rate that the first page names."""
    last = content.rfind(b"OggS")
    position = struct.unpack_from("<q", content, last + 6)[0]
    opus = content.find(b"OpusHead", 0, 512)
    if opus >= 0:
        skipped = struct.unpack_from("<H", content, opus + 10)[0]
        return float((position - skipped) / OPUS_RATE)
    vorbis = content.find(b"\x01vorbis", 0, 512)
    return float(position / struct.unpack_from("<I", content, vorbis + 12)[0]) if vorbis >= 0 else None


def _amr(content: bytes) -> float | None:
    at, frames = len(b"#!AMR\n"), 0
    while at < len(content):
        at += 1 + AMR_SIZES.get(content[at] >> 3 & 15, 0)
        frames += 1
    return frames * AMR_FRAME


def _mp4(content: bytes) -> float | None:
    """Of the movie header: (duration, timescale), in its 32 or its 64 bit form."""
    at = content.find(b"mvhd")
    if at < 0:
        return None
    if content[at + 4] == 1:
        scale, units = struct.unpack_from(">IQ", content, at + 24)
    else:
        scale, units = struct.unpack_from(">II", content, at + 16)
    return float(units / scale)


# MPEG audio, layer III (ISO 11172-3, 13818-3): kbit/s by index, of MPEG-1 and of its halves; Hz by version and index.
_MP3_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_MP3_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def _mp3(content: bytes) -> float | None:
    """Frame by frame: a voice note may change its rate on the way."""
    at, total = 0, 0.0
    if content.startswith(b"ID3"):
        size = content[6:10]
        at = 10 + (size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3])
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] & 0xE0 == 0xE0:
        version, index = content[at + 1] >> 3 & 3, content[at + 2] >> 4
        hz = _MP3_HZ[version][content[at + 2] >> 2 & 3] if version in _MP3_HZ else 0
        rate, samples = _MP3_RATES[version != 3][index] * 1000, 1152 if version == 3 else 576
        total += samples / hz
        at += samples // 8 * rate // hz + (content[at + 2] >> 1 & 1)
        if rate == 0:
            return None
    return total or None


_READ: dict[str, Callable[[bytes], float | None]] = {
    "audio/ogg": _ogg,
    "audio/amr": _amr,
    "audio/mpeg": _mp3,
    "audio/mp4": _mp4,
    "video/mp4": _mp4,
    "video/3gpp": _mp4,
}
