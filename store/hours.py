"""Keys that live a day: one of each hour, in a file that a power cut spares and no backup may hold.

What is only on its way stands under the key of its hour: messages and replies, where a conversation stands, words that
nobody has sorted yet. Once an hour's file is gone, nobody opens what stood under it, wherever a copy of that may lie:
in a row that was written over, in the database's log, in a dump.
"""

from __future__ import annotations

import os
import secrets
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

BRIEF = b"\x01\x03"  # how a box under the key of an hour begins: version, algorithm
HOUR = 3600
RENEW_AFTER = 20  # hours; what is still needed by then is put under a younger key
LIVES = 21  # whole hours after its own: a box under it is never older than 23
BYTES = 32


@dataclass(frozen=True, slots=True)
class Hours:
    """The keys of the hours in one folder. Safe among processes: who makes one first has made it for all."""

    folder: Path
    _known: dict[int, bytes] = field(default_factory=dict, repr=False, compare=False)

    def of(self, at: float) -> tuple[int, bytes]:
        """The hour of a moment (seconds since 1970) and its key, made where there is none. Raises OSError."""
        hour = int(at // HOUR)
        return hour, self.find(hour) or self._make(hour)

    def find(self, hour: int) -> bytes | None:
        """The key of an hour; None where its file is gone, and with it what stands under it."""
        if not os.path.exists(f"{self.folder}/{hour}.key"):  # noqa: PTH110 - for each box: a path object costs ten times
            self._known.pop(hour, None)
            return None
        if hour not in self._known:
            key = self._file(hour).read_bytes()
            if len(key) != BYTES:
                return None  # it is being destroyed now
            self._known[hour] = key
        return self._known[hour]

    def living(self) -> list[bytes]:
        """The keys of all hours that live."""
        found = [self.find(int(file.stem)) for file in self.folder.glob("*.key") if file.stem.isdecimal()]
        return [key for key in found if key is not None]

    def destroy(self, now: datetime) -> int:
        """Destroy the keys that have lived: written over, then taken away. Returns how many."""
        gone = [
            file for file in self.folder.glob("*.key") if file.stem.isdecimal() and int(file.stem) < oldest_key(now)
        ]
        for file in gone:
            with file.open("r+b") as held:
                held.write(bytes(BYTES))
                held.flush()
                os.fsync(held.fileno())
            file.unlink()
            self._known.pop(int(file.stem), None)
        if gone:
            _sync(self.folder)
        return len(gone)

    def _file(self, hour: int) -> Path:
        return self.folder / f"{hour}.key"

    def _make(self, hour: int) -> bytes:
        """Whole or not at all: a box under a key that a power cut took with it would be lost."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        draft = self.folder / f".{hour}.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                os.fchmod(file.fileno(), self.folder.stat().st_mode & 0o660)  # a folder of several users says so
                file.write(secrets.token_bytes(BYTES))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another process was first
                os.link(draft, self._file(hour))
        finally:
            draft.unlink(missing_ok=True)
        _sync(self.folder)
        made = self.find(hour)
        if made is None:
            raise OSError(f"{self._file(hour)} was made and is gone")
        return made


def mark(hour: int) -> bytes:
    """How a box names its hour: later hours sort after earlier ones, as bytes."""
    return struct.pack(">I", hour)


def of_box(box: bytes) -> int | None:
    """The hour whose key a box stands under; None for one that lasts."""
    return int.from_bytes(box[2:6], "big") if box[:2] == BRIEF else None


def oldest(now: datetime) -> int:
    """What stands under the key of an earlier hour than this and is still needed is due to be renewed."""
    return int((now - timedelta(hours=RENEW_AFTER)).timestamp() // HOUR)


def oldest_key(now: datetime) -> int:
    """The first hour whose key still lives."""
    return int(now.timestamp() // HOUR) - LIVES


def now() -> float:
    return time.time()


def _sync(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
