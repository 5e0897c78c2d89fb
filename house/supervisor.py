"""`jawab up`: one process that owns all the others, starts them in order, keeps them alive and leaves none behind."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from house import Failed, GivenUp, domain, logs, process, web
from house.postgres import Postgres
from house.process import Ending, Process
from house.signals import Signals, Stopped
from house.valkey import Valkey

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
HEALTHY_AFTER = 60.0  # a child that lived so long begins again with the shortest pause
TICK = 0.25
WEB_DEATHS_AT_START = 3  # a web process that cannot start is shown to the operator, not tried for ever
WEB_PATIENCE = 300.0
TRIM_EVERY = 60.0
REFUSED = 2  # the exit status of "what you gave me is not usable": trying again would not change it
# Whatever of the environment could hold a secret stays with us; a child is given its own by a pipe.
SECRET = ("JAWAB_", "PG")
# Below `data`, what none of our own processes reads: the keys, the demo's logins, and the servers' files.
CLOSED = ("keys", "demo.json", "postgres", "valkey")


class Settings(Protocol):
    """What is asked of the settings, which are read elsewhere."""

    @property
    def mode(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def data(self) -> Path: ...
    @property
    def database_url(self) -> str: ...
    @property
    def redis_url(self) -> str: ...
    @property
    def base_url(self) -> str: ...
    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self: ...


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True)
class Child(Generic[S]):
    """A process of ours. Those that listen are stopped first, and their /ready is waited for.

    `gives` makes what it is given by a pipe once it is there, from the settings with the running parts filled in;
    `passes` are descriptors of ours that it inherits.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    grace: float = 10.0  # seconds from SIGTERM to SIGKILL
    port: int = 0  # 0: it does not listen
    variable: str = "JAWAB_PORT"  # where an operator sets it
    gives: Callable[[S], bytes] | None = None
    passes: Sequence[int] = ()


def run(
    settings: S,
    *,
    migrate: Callable[[S], object],
    seed: Callable[[S], object] | None,
    children: Sequence[Child[S]],
    announce: Callable[[S], object],
) -> int:
    """Run until we are told to stop; the exit status is 0 after a stop, 1 for a part that failed, 2 for a refusal.

    `migrate`, `seed` and `announce` are given the settings with the addresses of the running parts filled in.
    Call it from the main thread: signals arrive there, and children die with the thread that started them.
    """
    data = settings.data.absolute()
    try:
        process.own_folder(data)
        process.own_folder(data / "run")
        process.own_folder(data / "log")
        lock = process.take_lock(data / "run" / "lock")
    except OSError as refused:
        return _refuse(f"{data} cannot be used: {refused.strerror} (JAWAB_DATA)")
    if lock is None:
        where = _read_running(data).get("web")
        return _refuse(f"already running on {data}" + (f", at {where}" if where else "") + " (JAWAB_DATA)")
    try:
        stale = _read_running(data)
        # After a crash the killed web process may need a moment to let go of its port.
        patience = 5.0 if stale else 0.0
        for child in (child for child in children if child.port):
            if problem := web.port_problem(settings.host, child.port, patience, child.variable):
                return _refuse(problem)
        before = [step for step in (migrate, seed) if step is not None]
        return _Supervisor(settings, data, stale).run(before, children, announce)
    finally:
        os.close(lock)


class _Part(Protocol):
    """What can be kept alive: PostgreSQL, Valkey, a process of ours."""

    log: Path

    @property
    def name(self) -> str: ...
    def start(self, given_up: Callable[[], bool]) -> object: ...
    def poll(self) -> int | None: ...
    def stop(self, hurry: Callable[[], bool]) -> None: ...


class _OwnProcess:
    """A process of ours in a domain of its own, made anew for each start."""

    def __init__(self, child: Child[Any], given: bytes | None, data: Path) -> None:
        self.child = child
        self.name = child.name
        self.log = data / "log" / f"{child.name.replace(' ', '-').replace('/', '-')}.log"
        self._given = given
        self._closed = [data / name for name in CLOSED]
        self._process: Process | None = None

    def start(self, given_up: Callable[[], bool]) -> None:
        if given_up():
            return
        plain = {name: value for name, value in os.environ.items() if not name.startswith(SECRET)}
        shut = domain.shut(self._closed)
        try:
            self._process = process.start(
                self.child.argv,
                log=self.log,
                env=plain | {"PYTHONUNBUFFERED": "1"} | dict(self.child.env),
                ending=Ending(asked=((signal.SIGTERM, self.child.grace),)),
                inherit=self.child.passes,
                domain=shut,
                given=self._given,
            )
        finally:
            shut.close()

    def poll(self) -> int | None:
        return self._process.poll() if self._process else None

    def ask(self) -> None:
        if self._process:
            self._process.ask()

    def stop(self, hurry: Callable[[], bool]) -> None:
        if self._process:
            self._process.stop(hurry)


@dataclass
class _Kept:
    """A part that is kept alive: since when it lives, and when it may be tried again if it does not."""

    part: _Part
    pause: float = SHORTEST_PAUSE
    born: float = 0.0
    again_at: float | None = None

    @property
    def alive(self) -> bool:
        return self.again_at is None and self.part.poll() is None

    def start(self, given_up: Callable[[], bool]) -> None:
        self.part.start(given_up)
        self.born, self.again_at = time.monotonic(), None  # taken afterwards: a long recovery is not health

    def die(self) -> float:
        """Note the death; the seconds until it is tried again."""
        now = time.monotonic()
        if now - self.born >= HEALTHY_AFTER:
            self.pause = SHORTEST_PAUSE
        waits, self.pause = self.pause, min(self.pause * 2, LONGEST_PAUSE)
        self.again_at = now + waits
        return waits


class _Supervisor(Generic[S]):
    def __init__(self, settings: S, data: Path, stale: Mapping[str, Any]) -> None:
        self.settings = settings
        self.data = data
        # Settings read after a crash find the dead parts' addresses in running.json: those were never given to us.
        self.postgres = _unless_given(settings.database_url, stale.get("database_url"), lambda: Postgres(data))
        self.valkey = _unless_given(settings.redis_url, stale.get("redis_url"), lambda: Valkey(data))
        self.signals = Signals()
        self.kept: list[_Kept] = []
        self.own: list[_OwnProcess] = []
        self.web_deaths = 0
        self.listening: list[str] = []

    def run(
        self,
        before: Sequence[Callable[[S], object]],
        children: Sequence[Child[S]],
        announce: Callable[[S], object],
    ) -> int:
        self.listening = [child.name for child in children if child.port]
        with self.signals:
            try:
                here = self._start_parts()
                for step in before:
                    with self.signals.foreign():
                        step(here)
                self._start_children(children, here)
                self._until_ready()
                with self.signals.foreign():
                    announce(here)
                self._keep(lambda: False)
            except (Stopped, GivenUp):
                return 0
            except Failed as failed:
                say(str(failed))
                return 1
            finally:
                self._stop()
        return 0

    def _start_parts(self) -> S:
        update: dict[str, Any] = {"data": self.data}
        for name, part in (("database_url", self.postgres), ("redis_url", self.valkey)):
            if part is not None:
                kept = _Kept(part)
                try:
                    kept.start(self.signals.stopping)
                except OSError as refused:
                    raise Failed(f"{part.name} cannot be started: {refused}") from None
                self.kept.append(kept)
                update[name] = part.url
        self._write_running(update)
        return self.settings.model_copy(update=update)

    def _write_running(self, update: Mapping[str, Any]) -> None:
        """Where our own parts are, for `jawab` in the same folder. Addresses that were given to us stay unwritten:
        they hold passwords of others, and after a crash nobody could tell them from our own."""
        running: dict[str, Any] = {
            "database_url": self.postgres.place if self.postgres else "",  # without a password: `keys` has those
            "redis_url": str(update.get("redis_url", "")),
        }
        running |= {
            "pid": os.getpid(),
            "web": web.address(self.settings.host, self.settings.port),
            "listening": self.listening,
            "public_url": self.settings.base_url,  # a command in another shell tells it to providers
        }
        path = _running_file(self.data)
        unfinished = path.with_suffix(".unfinished")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(running))
        unfinished.rename(path)

    def _start_children(self, children: Sequence[Child[S]], here: S) -> None:
        domain.hide_memory()  # from here on there are processes of ours which have no business in it
        for child in children:
            own = _OwnProcess(child, child.gives(here) if child.gives else None, self.data)
            kept = _Kept(own)
            self.own.append(own)
            self.kept.append(kept)
            try:
                kept.start(self.signals.stopping)
            except OSError as refused:
                raise Failed(f"{child.name} cannot be started: {refused}") from None

    def _until_ready(self) -> None:
        """Wait for those that listen; they decide whether this start has succeeded."""
        waited = {own.name: own for own in self.own if own.child.port}
        deadline = time.monotonic() + WEB_PATIENCE

        def ready() -> bool:
            for name, own in list(waited.items()):
                if time.monotonic() > deadline:
                    raise Failed(f"{name} is not ready after {WEB_PATIENCE:.0f} s:\n{process.last_lines(own.log)}")
                if own.poll() is None and web.is_ready(self.settings.host, own.child.port):
                    del waited[name]
            return not waited

        self._keep(ready, starting=True)
        if self.signals.stopping():
            raise Stopped

    def _keep(self, done: Callable[[], bool], starting: bool = False) -> None:
        """Start again what dies, until it is done or we are told to stop."""
        trim_at = time.monotonic()
        while not self.signals.stopping() and not done():
            for kept in self.kept:
                if kept.again_at is None:
                    if (code := kept.part.poll()) is not None:
                        self._mourn(kept, code, starting)
                elif time.monotonic() >= kept.again_at:
                    self._revive(kept)
            if time.monotonic() >= trim_at:
                trim_at += TRIM_EVERY
                logs.trim(self.data / "log")
            self.signals.wait(TICK)

    def _mourn(self, kept: _Kept, code: int, starting: bool) -> None:
        name = kept.part.name
        end = f"{name} was killed by {_signal_name(-code)}" if code < 0 else f"{name} ended with status {code}"
        wrote = f"; the end of {kept.part.log}:\n{process.last_lines(kept.part.log)}"
        if starting and any(own.name == name and own.child.port for own in self.own):
            self.web_deaths += 1
            if self.web_deaths >= WEB_DEATHS_AT_START or code == REFUSED:
                raise Failed(end + wrote)
        # Its last lines are shown once for a row of deaths: a start that fails may be slower than the web's.
        first = kept.pause == SHORTEST_PAUSE
        say(f"{end}, is started again in {kept.die():.1f} s" + (wrote if starting or first else ""))

    def _revive(self, kept: _Kept) -> None:
        try:
            kept.start(self.signals.stopping)
        except GivenUp:
            pass  # the loop ends by itself
        except (Failed, OSError) as failed:
            say(f"{kept.part.name} is tried again in {kept.die():.1f} s: {failed}")

    def _stop(self) -> None:
        """Nothing new comes in first; then those who work; then what they all stand on."""
        hurry = self.signals.hurry
        listening = [own for own in self.own if own.child.port]
        for own in listening:
            own.ask()
        for own in listening:
            own.stop(hurry)
        for own in self.own:
            own.ask()
        for own in self.own:
            own.stop(hurry)
        for part in (self.valkey, self.postgres):
            if part is not None:
                part.stop(hurry)
        _running_file(self.data).unlink(missing_ok=True)


P = TypeVar("P")


def _unless_given(given: str, stale: object, make: Callable[[], P]) -> P | None:
    return make() if not given or given == stale else None


def _running_file(data: Path) -> Path:
    return data / "run" / "running.json"


def _read_running(data: Path) -> dict[str, Any]:
    try:
        found = json.loads(_running_file(data).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _refuse(line: str) -> int:
    say(line)
    return REFUSED


def say(line: str) -> None:
    with suppress(OSError):  # whoever listened may have gone; the parts still need us
        sys.stderr.write(f"jawab: {line}\n")
        sys.stderr.flush()
