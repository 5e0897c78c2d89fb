"""Start a program that dies with us, and stop it with a deadline.

Nothing is remembered as a process number in a file: a number may belong to somebody else after a crash. A child is
watched through its handle, dies by the kernel's parent-death signal if we are killed, and proves that it lives by a
lock (flock) on a file it has inherited.
"""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from house import Failed, GivenUp
from house.account import Account
from house.domain import Domain

TELL_EVERY = 10.0
_log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before any fork

# A Unix socket's path holds 107 bytes; PostgreSQL's own part (/.s.PGSQL.5432) takes 14 of them.
SHORT_FOLDERS = (Path("/tmp"), Path("/var/tmp"), Path("/run"), Path("/dev/shm"))  # noqa: S108 - asked for room, not trusted
SHORT_PREFIX = "jawab-"


class Ended(Failed):
    """A server ended by itself before it was ready."""


def never() -> bool:
    return False


def die_with_parent(with_signal: int, parent: int | None = None) -> None:
    """Ask the kernel to send us this signal when the thread that started us ends.

    The kernel forgets it when the user changes, so it is asked for last. `parent` closes the gap in which the parent
    died before we could ask.
    """
    _prctl(PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Ending:
    """How a child is asked to end: signals with the seconds each may take, and the signal when we were killed."""

    asked: Sequence[tuple[int, float]] = ((signal.SIGTERM, 10.0),)
    orphaned: int = signal.SIGKILL


@dataclass
class Process:
    """A running child and how it is stopped."""

    handle: subprocess.Popen[bytes]
    ending: Ending
    _asked: bool = False
    _group_ended: bool = False

    def poll(self) -> int | None:
        """None while it lives. What it leaves behind in its group is ended with it."""
        code = self.handle.poll()
        if code is not None:
            self._end_group()
        return code

    def ask(self) -> None:
        """The first word, without waiting; once, because many programs take a second one as "drop everything"."""
        if not self._asked and self.handle.poll() is None:
            self._asked = True
            self.handle.send_signal(self.ending.asked[0][0])

    def stop(self, hurry: Callable[[], bool] = never) -> None:
        """Ask in ever harsher words, each with its deadline (a second, once `hurry` says so). Then kill."""
        for step, (word, patience) in enumerate(self.ending.asked):
            if self.handle.poll() is not None:
                break
            if step == 0:
                self.ask()
            else:
                self.handle.send_signal(word)
            wait(lambda: self.handle.poll() is not None, patience, hurry)
        if self.handle.poll() is None:
            self.handle.kill()
            self.handle.wait()
        self._end_group()

    def _end_group(self) -> None:
        # The child leads its own session; whatever it started and did not end must not outlive it.
        # Once only: later the number may belong to others.
        if not self._group_ended:
            self._group_ended = True
            with suppress(ProcessLookupError):
                os.killpg(self.handle.pid, signal.SIGKILL)


def start(
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str],
    ending: Ending,
    account: Account | None = None,
    inherit: Sequence[int] = (),
    folder: Path | None = None,
    domain: Domain | None = None,
    given: bytes | None = None,
) -> Process:
    """Start a child of the calling thread. Call it from the main thread: the child dies with the thread.

    What is `given` comes to it by its standard input, once it is there: no file, environment or argument holds it.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if account is not None:
            account.become()
        if domain is not None:
            domain.enter()
        die_with_parent(ending.orphaned, parent)

    # A log of errors is for the operator's eyes, and so is whatever a child of ours writes.
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(opened, "ab") as output, _plainly(argv[0]):
        handle = subprocess.Popen(  # noqa: S603 - argv comes from our own code
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=folder,
            pass_fds=inherit,
            umask=0o077,
            # A terminal sends Ctrl-C to every process of its session: the order of stopping is ours to choose.
            start_new_session=True,
            preexec_fn=before_exec,  # noqa: PLW1509 - the kernel takes the parent-death signal only from the child
        )
    if handle.stdin is not None:
        with suppress(BrokenPipeError), handle.stdin as pipe:  # it died already: whoever polls it will see
            pipe.write(given or b"")
    return Process(handle, ending)


@contextmanager
def _plainly(program: str | Path) -> Iterator[None]:
    try:
        yield
    except subprocess.SubprocessError as refused:  # what the child could not do between fork and exec
        raise Failed(f"{program} cannot be started: {refused}") from None


def own_folder(path: Path) -> Path:
    """A folder for our eyes only. One that was there keeps its rights: it is not ours to close or to open."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def is_ours(path: Path) -> bool:
    """Whether all in it can be ours without the power of root: data of an ordinary user, started by root, are not."""
    return path.stat().st_uid == os.geteuid()


def short_folder(record: Path, same: Path | None = None) -> Path:
    """A new folder with a short path, for sockets. `record` remembers it, so that the next start clears it away.

    A server that is started again must be found at the `same` address, even if a broom went through /tmp meanwhile.
    """
    if same is not None:
        if not same.is_dir():
            same.mkdir(mode=0o700)
        return same
    clear_short_folder(record)
    for place in SHORT_FOLDERS:
        try:
            made = Path(tempfile.mkdtemp(prefix=SHORT_PREFIX, dir=place))
        except OSError:
            continue
        record.write_text(str(made))
        return made
    raise Failed(f"no folder for sockets: none of {', '.join(map(str, SHORT_FOLDERS))} can be written to")


def clear_short_folder(record: Path) -> None:
    if not record.is_file():
        return
    made = Path(record.read_text().strip())
    record.unlink()
    # The record is only a text file: nothing but a folder of our own making is ever removed on its word.
    if made.parent in SHORT_FOLDERS and made.name.startswith(SHORT_PREFIX) and made.is_dir() and not made.is_symlink():
        shutil.rmtree(made, ignore_errors=True)


def take_lock(path: Path, patience: float = 0.0, given_up: Callable[[], bool] = never) -> int | None:
    """The descriptor that holds the lock, or None if somebody else still holds it."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def taken() -> bool:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    if wait(lambda: given_up() or taken(), patience) and not given_up():
        return opened
    os.close(opened)
    return None


@contextmanager
def lock_for_child(path: Path, who: str, patience: float, given_up: Callable[[], bool]) -> Iterator[int]:
    """A lock that a child inherits and that therefore lasts exactly as long as it and its own children live.

    This is how an earlier server's last process is waited for, where a pid file could only guess.
    """
    taken = take_lock(path, patience, given_up)
    if given_up():
        raise GivenUp(f"{who} was not started")
    if taken is None:
        raise Failed(f"{who} of an earlier start still runs on {path.parent.parent} and does not stop")
    try:
        yield taken
    finally:
        os.close(taken)


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server that has begun to start."""

    seconds: float
    given_up: Callable[[], bool] = never


def wait_until_ready(who: str, process: Process, ready: Callable[[], bool], log: Path, patience: Patience) -> None:
    """Wait as long as the process lives and nobody has given up; else `Failed` with what it wrote last."""

    told_at = time.monotonic()

    def decided() -> bool:
        nonlocal told_at
        if time.monotonic() - told_at > TELL_EVERY:  # recovery after a crash may be long: silence looks like a fault
            told_at = time.monotonic()
            _log.warning("jawab: %s is still starting; see %s", who, log)
        return process.poll() is not None or patience.given_up() or ready()

    in_time = wait(decided, patience.seconds)
    code = process.poll()
    if patience.given_up():
        raise GivenUp(f"{who} was stopped while it started")
    if code is not None:
        raise Ended(f"{who} ended with status {code}; the end of {log}:\n{last_lines(log)}")
    if not in_time:
        raise Failed(f"{who} did not answer within {patience.seconds:.0f} s; the end of {log}:\n{last_lines(log)}")


def last_lines(log: Path, count: int = 15) -> str:
    if not log.is_file():
        return ""
    with log.open("rb") as opened:
        opened.seek(max(0, log.stat().st_size - 16_384))
        return "\n".join(opened.read().decode(errors="replace").splitlines()[-count:])


def wait(done: Callable[[], bool], patience: float, hurry: Callable[[], bool] = never) -> bool:
    """Ask until it is so; False when it was not so in time."""
    deadline = time.monotonic() + patience
    pause = 0.005
    while not done():
        now = time.monotonic()
        if hurry():
            deadline = min(deadline, now + 1.0)
            hurry = bool
        if now >= deadline:
            return done()
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    return True
