"""What the operator asks by signals, noted and never acted on in the middle of something of ours."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Any, Self

STOPPING = (signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):
    """We were told to stop while something had not come to its end."""


class Signals:
    """While it is entered, signals are counted instead of killing us.

    A hang-up is two things. Where our terminal is gone it is a stop, as every program does it. Else somebody asks for a
    reload: `kill -HUP`, `jawab reload`.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.reload = False
        self._before: dict[int, Any] = {}
        # nohup: somebody wants us to outlive the terminal.
        self._tied = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN and _has_terminal()

    def stopping(self) -> bool:
        return self.asked > 0

    def hurry(self) -> bool:
        """Asked twice: whoever presses Ctrl-C again does not want to wait for deadlines."""
        return self.asked > 1

    def take_reload(self) -> bool:
        """Whether a reload was asked for since this was asked last."""
        asked, self.reload = self.reload, False
        return asked

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in STOPPING:
            self._before[number] = signal.signal(number, self._note)
        self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._note_hangup)
        # A child's end wakes us at once instead of at the next tick.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, before in self._before.items():
            signal.signal(number, before)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float, others: Sequence[int] = ()) -> None:
        """Sleep until a signal arrives, one of the other descriptors has something to read, or the time is over."""
        if self._read in select.select([self._read, *others], [], [], seconds)[0]:
            os.read(self._read, 4096)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1

    def _note_hangup(self, _number: int, _frame: FrameType | None) -> None:
        if self._tied and not _has_terminal():
            self.asked += 1
        else:
            self.reload = True


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
