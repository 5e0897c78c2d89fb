"""The supervisor's side of the forking parent: it orders children there, watches them, and ends them.

A child forked there is a child of ours (see `forks`), so the kernel tells us of its end as of any other.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from pathlib import Path
from socket import AF_UNIX, SOCK_SEQPACKET, send_fds, socket, socketpair
from typing import Any

from house import Failed, domain, forks, process
from house.beat import Beat
from house.process import Ending, Process, never, wait
from house.users import User

PR_SET_CHILD_SUBREAPER = 36
PARENT = "jawab-parent"
ANSWER_WITHIN = 5.0  # seconds; a fork takes twenty milliseconds
# Whatever of the environment could hold a secret stays with us; a child is given its own by a pipe.
SECRET = ("JAWAB_", "PG")
# Below `data`, what none of our own processes reads: the keys, the demo's logins, the servers' files, what others log.
CLOSED = ("keys", "demo.json", "postgres", "valkey", "run", "log")
_prctl = ctypes.CDLL(None, use_errno=True).prctl


class NotYet(Exception):
    """The forking parent is not standing by: it imports, or is being started again."""


def adopt_orphans() -> None:
    """From here on whoever loses their parent below us becomes a child of ours."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_strangers(known: Collection[int]) -> None:
    """Let go of dead ones that nobody waits for: what a dead child has left behind, and those between two forks."""
    with suppress(ChildProcessError):
        while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and dead.si_pid not in known:
            os.waitpid(dead.si_pid, os.WNOHANG)


@dataclass(frozen=True)
class Child:
    """A process of ours. Those that listen are stopped first, and their /ready is waited for.

    `does` and `words` are what the forking parent understands; several with one port share its socket. `sockets` are
    others that it inherits.
    """

    name: str  # at most 15 letters: so it is found in /proc/<pid>/comm, and so its log is called
    does: str
    words: Mapping[str, Any] = field(default_factory=dict)
    grace: float = 10.0  # seconds from SIGTERM to SIGKILL
    port: int = 0  # 0: it does not listen
    variable: str = "JAWAB_PORT"  # where an operator sets it
    sockets: Mapping[str, Sequence[socket]] = field(default_factory=dict)


class Parent:
    """The forking parent: a program of its own, with an environment that holds nothing."""

    name = PARENT

    def __init__(self, argv: Sequence[str], data: Path, *, homeless: bool = False) -> None:
        """`homeless`: its children become others than we are."""
        self._homeless = homeless
        self.log = data / "log" / "parent.log"
        self._data = data
        self.beat: Beat | None = None
        self._argv = argv
        self._line: socket | None = None
        self._process: Process | None = None
        self._stands_by = False

    def start(self, given_up: Callable[[], bool]) -> None:
        """Start it, and do not wait until it has imported everything."""
        if given_up():
            return
        self._let_go()
        ours, its = socketpair(AF_UNIX, SOCK_SEQPACKET)
        beat = Beat.make(PARENT)
        plain = {name: value for name, value in os.environ.items() if not name.startswith(SECRET)}
        if self._homeless:
            plain["HOME"] = "/"  # a home that is shut to them: libpq takes that for an error, and none for none
        try:
            self._process = process.start(
                [*self._argv, str(its.fileno()), str(beat.descriptor)],
                log=self.log,
                env=plain | {"PYTHONUNBUFFERED": "1"},
                ending=Ending(asked=((signal.SIGTERM, 1.0),)),
                inherit=[its.fileno(), beat.descriptor],
            )
        finally:
            its.close()
        self._line, self.beat, self._stands_by = ours, beat, False

    def stands_by(self) -> bool:
        """Whether it has imported everything and waits for orders."""
        if not self._stands_by and self._line is not None and select.select([self._line], [], [], 0)[0]:
            with suppress(OSError):
                self._stands_by = self._line.recv(forks.LONGEST) == forks.STANDING_BY
        return self._stands_by

    @property
    def descriptors(self) -> list[int]:
        """What there is to read when it says that it stands by."""
        return [self._line.fileno()] if self._line is not None and not self._stands_by else []

    def fork(self, child: Child, descriptors: Mapping[str, int], user: User | None) -> int:
        """The process number of a new child, which inherits these and becomes this user.

        Raises `NotYet`, or `Failed` where it is hung.
        """
        if self._line is None or not self.stands_by():
            raise NotYet
        order = {
            "name": child.name,
            "does": child.does,
            "words": dict(child.words),
            "supervisor": os.getpid(),
            "user": astuple(user) if user else None,
            "descriptors": list(descriptors),
            "sockets": [name for name in descriptors if ":" in name],
        }
        try:
            send_fds(self._line, [json.dumps(order).encode()], list(descriptors.values()))
            if select.select([self._line], [], [], ANSWER_WITHIN)[0] and (said := self._line.recv(forks.LONGEST)):
                answer = json.loads(said)
                if "pid" in answer:
                    return int(answer["pid"])
                raise Failed(f"{child.name} cannot be forked: {answer['refused']}")
        except OSError:
            pass  # it has just died
        self.kill()
        raise NotYet

    def poll(self) -> int | None:
        return self._process.poll() if self._process else None

    def kill(self) -> None:
        """For one that is hung: whoever watches it starts it again."""
        self._stands_by = False
        if self._process is not None and self._process.poll() is None:
            self._process.handle.kill()

    def ask(self) -> None:
        if self._process is not None:
            self._process.ask()

    def stop(self, hurry: Callable[[], bool] = never) -> None:
        if self._process is not None:
            self._process.stop(hurry)
        self._let_go()

    def number(self) -> int:
        return self._process.handle.pid if self._process else 0

    def another(self) -> Parent:
        """Not started yet: one that reads the code again."""
        return Parent(self._argv, self._data, homeless=self._homeless)

    def _let_go(self) -> None:
        if self._line is not None:
            self._line.close()
        if self.beat is not None:
            self.beat.close()
        self._line, self.beat, self._stands_by = None, None, False


class Forked:
    """A child from the forking parent, made anew for each start: in a domain of its own, given what is its alone."""

    def __init__(
        self,
        child: Child,
        given: bytes,
        data: Path,
        listening: Sequence[socket],
        parent: Parent,
        *,
        user: User | None,
    ) -> None:
        """`user`: whom it becomes; None: it stays who we are."""
        self.child, self.name, self.parent, self.user = child, child.name, parent, user
        self.log = data / "log" / f"{child.name}.log"
        self.beat: Beat | None = None
        self._data = data
        self._given = given
        self._sockets = {"http": listening, **child.sockets}
        self._number = 0
        self._code: int | None = None
        self._asked_at = 0.0  # 0.0: not yet

    def start(self, given_up: Callable[[], bool]) -> None:
        if given_up():
            return
        if self.beat is not None:
            self.beat.close()
        beat = self.beat = Beat.make(self.name)
        takes, gives = os.pipe()
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        shut = domain.shut([self._data / name for name in CLOSED])
        inherited = {"log": log, "beat": beat.descriptor, "given": takes}
        if shut.ruleset >= 0:
            inherited["domain"] = shut.ruleset
        for name, sockets in self._sockets.items():
            inherited |= {f"{name}:{number}": one.fileno() for number, one in enumerate(sockets)}
        try:
            self._number = self.parent.fork(self.child, inherited, self.user)
            self._code, self._asked_at = None, 0.0
            os.close(takes)
            takes = -1  # nobody reads it but the child, and where that has died already, writing fails
            with suppress(BrokenPipeError):
                os.write(gives, forks.GO + self._given)
        finally:
            shut.close()
            for one in (takes, gives, log):
                if one >= 0:
                    os.close(one)

    def stands_by(self) -> bool:
        """Whether it serves by now."""
        return self.beat is not None and self.beat.serves

    def poll(self) -> int | None:
        """None while it lives. What it leaves behind in its group is ended with it."""
        if self._number and self._code is None:
            number, status = os.waitpid(self._number, os.WNOHANG)
            if number:
                self._code = os.waitstatus_to_exitcode(status)
                with suppress(ProcessLookupError):
                    os.killpg(self._number, signal.SIGKILL)
        return self._code

    def number(self) -> int:
        return self._number if self._code is None else 0

    def another(self, parent: Parent) -> Forked:
        """Not started yet: the same, from that parent."""
        return Forked(self.child, self._given, self._data, self._sockets["http"], parent, user=self.user)

    def ask(self, word: int = signal.SIGTERM) -> None:
        """The first word, without waiting; once, because many programs take a second one as "drop everything"."""
        if not self._asked_at and self._number and self.poll() is None:
            self._asked_at = time.monotonic()
            os.kill(self._number, word)

    def kill(self) -> None:
        if self._number and self.poll() is None:
            os.kill(self._number, signal.SIGKILL)

    def stop(self, hurry: Callable[[], bool] = never) -> None:
        if self._number and self.poll() is None:
            self.ask()
            wait(lambda: self.poll() is not None, self._asked_at + self.child.grace - time.monotonic(), hurry)
            self.kill()
            wait(lambda: self.poll() is not None, ANSWER_WITHIN)
        if self.beat is not None:
            self.beat.close()
            self.beat = None
