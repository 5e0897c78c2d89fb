"""Something of long imports and short life, done in a process beside us, so that we stay small."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from house import Failed, GivenUp
from house.process import die_with_parent, wait

LONGEST = 600.0  # seconds
Told = Mapping[str, Any]  # plain words, as JSON has them


class Aside:
    """A fork of ours that gets ready at once, is told something once, does it once, and answers."""

    def __init__(self, get_ready: Callable[[], Callable[[Told], Told]]) -> None:
        heard, self._tell = os.pipe()
        self._answer, answers = os.pipe()
        supervisor = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self._number = os.fork()
        if self._number == 0:
            os.close(self._tell)
            os.close(self._answer)
            _live(get_ready, heard, answers, supervisor)
        os.close(heard)
        os.close(answers)
        self._code: int | None = None
        self._said = b""

    def tell(self, words: Told) -> None:
        with suppress(BrokenPipeError), os.fdopen(self._tell, "wb") as pipe:
            pipe.write(json.dumps(words).encode())

    def poll(self) -> int | None:
        """None while it is at work, then its exit status."""
        while self._code is None and select.select([self._answer], [], [], 0)[0]:
            more = os.read(self._answer, 1 << 16)
            self._said += more
            if not more:
                _, status = os.waitpid(self._number, 0)
                self._code = os.waitstatus_to_exitcode(status)
                os.close(self._answer)
        return self._code

    @property
    def descriptors(self) -> list[int]:
        return [self._answer] if self._code is None else []

    @property
    def answer(self) -> Told:
        found: Told = json.loads(self._said)
        return found

    def number(self) -> int:
        return self._number if self._code is None else 0

    def stop(self) -> None:
        """What it has begun in a transaction is rolled back."""
        if self.poll() is None:
            os.kill(self._number, signal.SIGKILL)
            os.waitpid(self._number, 0)
            self._code = -signal.SIGKILL


def apart(work: Callable[[], None], given_up: Callable[[], bool]) -> None:
    """Do it in a process that then ends, with all that it imports. Raises `Failed` as it does, `GivenUp`."""

    def do(_: Told) -> Told:
        try:
            work()
        except Failed as failed:
            return {"failed": str(failed)}
        return {"failed": ""}

    beside = Aside(lambda: do)
    beside.tell({"begin": True})
    wait(lambda: beside.poll() is not None or given_up(), LONGEST)
    code = beside.poll()
    if code is None:
        beside.stop()
        raise GivenUp("it was stopped while it was made ready")
    if code:
        raise Failed("it cannot be made ready; why stands above")
    if failed := beside.answer["failed"]:
        raise Failed(failed)


def ask(work: Callable[[], dict[str, Any]]) -> dict[str, Any] | int:
    """What it says, in a process that then ends with all that it has imported; else the exit status of its refusal."""
    beside = Aside(lambda: lambda _: work())
    beside.tell({"begin": True})
    wait(lambda: beside.poll() is not None, LONGEST)
    return beside.poll() or dict(beside.answer)


def _live(get_ready: Callable[[], Callable[[Told], Told]], heard: int, answers: int, supervisor: int) -> NoReturn:
    code = 1
    try:
        os.setsid()  # a terminal's Ctrl-C is for the supervisor
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        die_with_parent(signal.SIGKILL, supervisor)
        work = get_ready()
        with os.fdopen(heard, "rb") as pipe:
            told = pipe.read()
        if told:
            answer = json.dumps(work(json.loads(told))).encode()
            with os.fdopen(answers, "wb") as pipe:
                pipe.write(answer)
            code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it was, this process ends here, and says why
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
