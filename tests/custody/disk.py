"""What lies on the disk of a database: every tuple that a page still points to, every record of the log, all bytes."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = 8192
# Begin of a box of the house: version, algorithm (of the house key, or of the key of an hour).
BOX = re.compile(rb"\x01[\x01\x03]")
LONGEST = 2048  # a longer one lies in pieces elsewhere


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that one transaction wrote; `xid` is its number."""

    xid: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Disk:
    """The files of one database and the log of its cluster."""

    heap: tuple[bytes, ...]
    log: tuple[bytes, ...]

    @classmethod
    def read(cls, cluster: Path, database: int) -> Disk:
        heap = [file.read_bytes() for file in sorted((cluster / "base" / str(database)).iterdir()) if file.is_file()]
        log = [_written(file.read_bytes()) for file in sorted((cluster / "pg_wal").glob("0*"))]
        return cls(tuple(heap), tuple(log))

    @property
    def all(self) -> tuple[bytes, ...]:
        return (*self.heap, *self.log)

    def pieces(self) -> Iterator[Piece]:
        """Every tuple and every record, with the transaction that wrote it."""
        for content in self.heap:
            yield from _tuples(content)
        yield from _records(self.log)

    def boxes(self) -> Iterator[tuple[bytes, bytes]]:
        """(what stands before it, box) of everything that begins as a box of the house does and has a length."""
        for content in self.all:
            for found in BOX.finditer(content):
                at = found.start()
                length = _length(content, at)
                if 60 < length <= LONGEST:
                    yield content[max(0, at - 220) : at], content[at : at + length]


def _written(segment: bytes) -> bytes:
    """A segment of the log without the empty pages at its end."""
    length = len(segment.rstrip(b"\0"))
    return segment[: length + -length % PAGE]


def _length(content: bytes, at: int) -> int:
    """Of the value that begins here, by the header that PostgreSQL puts before it; 0 where there is none."""
    if at >= 1 and content[at - 1] & 1:
        return (content[at - 1] >> 1) - 1
    if at >= 4 and not content[at - 4] & 3:
        return (int(struct.unpack_from("<I", content, at - 4)[0]) >> 2) - 4
    return 0


def _tuples(content: bytes) -> Iterator[Piece]:
    for start in range(0, len(content) - PAGE + 1, PAGE):
        lower, upper, special = struct.unpack_from("<HHH", content, start + 12)
        if special != PAGE or not 24 <= lower <= upper <= PAGE:
            continue  # an index, or an empty page
        for at in range(24, lower, 4):
            pointer = int(struct.unpack_from("<I", content, start + at)[0])
            offset, state, length = pointer & 0x7FFF, pointer >> 15 & 3, pointer >> 17
            if state == 1 and length > 23 and offset + length <= PAGE:
                whole = content[start + offset : start + offset + length]
                yield Piece(int(struct.unpack_from("<I", whole)[0]), whole[23:])


def _records(segments: tuple[bytes, ...]) -> Iterator[Piece]:
    """The records of the log, put together over the ends of its pages."""
    for segment in segments:
        stream, first = bytearray(), None
        for start in range(0, len(segment), PAGE):
            magic, info = struct.unpack_from("<HH", segment, start)
            if not magic:
                break
            head = 40 if info & 2 else 24
            if first is None:
                left = int(struct.unpack_from("<I", segment, start + 16)[0])
                first = left + -left % 8  # the rest of one that began in an earlier segment
            stream += segment[start + head : start + PAGE]
        at = first or 0
        while at + 24 <= len(stream):
            length, xid = struct.unpack_from("<II", stream, at)
            if length < 24:
                break
            if xid:
                yield Piece(int(xid), bytes(stream[at + 24 : at + length]))
            at += length + -length % 8
