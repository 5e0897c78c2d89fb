"""A sign of life: eight bytes of shared memory, written by a process's own event loop and read by who keeps it alive.

Memory and no pipe: nothing fills up, nobody waits, and a frozen reader costs the writer nothing. And not a question
over the web's own port: two processes listen there, and whichever is free would answer for the other.
"""

from __future__ import annotations

import os
import struct
import time

EVERY = 0.5  # seconds between two signs
LATE = 1.5  # a sign so old is a silence
_SHAPE = struct.Struct("=d?")  # when, by the clock that all processes of a machine share; whether it serves by now


class Beat:
    """One process's sign, by the descriptor of its memory."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def make(cls, name: str) -> Beat:
        made = cls(os.memfd_create(name))
        os.truncate(made.descriptor, _SHAPE.size)
        return made

    def strike(self, *, serves: bool = True) -> None:
        os.pwrite(self.descriptor, _SHAPE.pack(time.monotonic(), serves), 0)

    @property
    def last(self) -> float:
        """When it was written last; 0.0: never."""
        return float(self._read()[0])

    @property
    def serves(self) -> bool:
        return bool(self._read()[1])

    def close(self) -> None:
        os.close(self.descriptor)

    def _read(self) -> tuple[float, bool]:
        when, serves = _SHAPE.unpack(os.pread(self.descriptor, _SHAPE.size, 0))
        return when, serves
