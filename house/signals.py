"""What the operator asks by signals, noted and never acted on in the middle of something of ours."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(BaseException):
    """Raised inside `foreign` code only, like KeyboardInterrupt, so that a long migration does not hold us."""


class Signals:
    """While it is entered, signals are counted instead of killing us."""

    def __init__(self) -> None:
        self.asked = 0
        self._foreign = False
        self._before: dict[int, Any] = {}

    def stopping(self) -> bool:
        return self.asked > 0

    def hurry(self) -> bool:
        """Asked twice: whoever presses Ctrl-C again does not want to wait for deadlines."""
        return self.asked > 1

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in STOPPING:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup: somebody wants us to outlive the terminal
            self._before[number] = signal.signal(number, self._note)
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

    def wait(self, seconds: float) -> None:
        """Sleep until a signal arrives or the time is over."""
        if select.select([self._read], [], [], seconds)[0]:
            os.read(self._read, 4096)

    @contextmanager
    def foreign(self) -> Iterator[None]:
        """Around code that is not ours and knows nothing of `stopping`: here a signal interrupts."""
        if self.stopping():
            raise Stopped
        self._foreign = True
        try:
            yield
        finally:
            self._foreign = False

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1
        if self._foreign:
            self._foreign = False  # once: a second signal must not break the cleaning up of the first
            raise Stopped
