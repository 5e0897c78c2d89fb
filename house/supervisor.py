"""`jawab up`: one process that owns all the others, starts them in order, keeps them alive and leaves none behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, TypeVar

from house import Failed, GivenUp, domain, logs, process, running, users, warm, web
from house.aside import Aside, apart
from house.kept import LOOK_EVERY, Kept, Part
from house.postgres import Postgres
from house.reload import Reload, Unchanged
from house.signals import Signals, Stopped
from house.valkey import Valkey
from house.warm import Child, Forked, NotYet, Parent

TICK, SOON = 0.25, 0.05  # seconds between two looks; the second while processes are exchanged
DEATHS_AT_START = 3  # what cannot start is shown to the operator, not tried for ever
READY_PATIENCE = 300.0
TRIM_EVERY = 60.0
REFUSED = 2  # the exit status of "what you gave me is not usable": trying again would not change it


@dataclass(frozen=True)
class Place:
    """What we must know of the settings, which are read elsewhere: to stay small we hold no more of them."""

    data: Path
    host: str
    port: int
    base_url: str
    database_url: str = ""
    redis_url: str = ""


L = TypeVar("L", bound=Part)
Addresses = Mapping[str, str]  # of the running parts: what of the settings is filled in, by its name there


@dataclass(frozen=True)
class Prepared:
    """What was made ready before the first child: what is said once all serve, and what each child is given."""

    announcement: str
    given: Mapping[str, bytes]


GetReady = Callable[[], Callable[[Addresses], Prepared]]


def run(
    place: Place,
    *,
    parent: Sequence[str],
    children: Sequence[Child],
    get_ready: GetReady,
) -> int:
    """Run until we are told to stop; the exit status is 0 after a stop, 1 for a part that failed, 2 for a refusal.

    `parent` is the command of the forking parent, which is told its two descriptors. `get_ready` is called in a process
    of its own, and what it answers is given the addresses of the running parts.
    Call it from the main thread: signals arrive there, and children die with the thread that started them.
    """
    data = place.data.absolute()
    try:
        process.own_folder(data)
        process.own_folder(data / "run")
        process.own_folder(data / "log")
        lock = process.take_lock(data / "run" / "lock")
    except OSError as refused:
        return _refuse(f"{data} cannot be used: {refused.strerror} (JAWAB_DATA)")
    if lock is None:
        where = running.read(data).get("web")
        return _refuse(f"already running on {data}" + (f", at {where}" if where else "") + " (JAWAB_DATA)")
    try:
        with ExitStack() as sockets:
            listening: dict[int, list[socket]] = {}
            # After a crash the killed web processes may need a moment to let go of their port.
            patience = 5.0 if running.read(data) else 0.0
            for child in children:
                if child.port and child.port not in listening:
                    made = web.listen(place.host, child.port, patience, child.variable)
                    listening[child.port] = [sockets.enter_context(one) for one in made]
            return _Supervisor(place, data, listening, len(children)).run(parent, children, get_ready)
    except web.Taken as taken:
        return _refuse(str(taken))
    finally:
        os.close(lock)


class _Supervisor:
    def __init__(self, place: Place, data: Path, listening: dict[int, list[socket]], count: int) -> None:
        self.place = place
        self.data = data
        self.users = users.choose(data, count)
        stale = running.read(data)
        # Settings read after a crash find the dead parts' addresses in running.json: those were never given to us.
        self.postgres = _unless_given(
            place.database_url, stale.get("database_url"), lambda: Postgres(data, beside=apart, users=self.users)
        )
        self.valkey = _unless_given(place.redis_url, stale.get("redis_url"), lambda: Valkey(data, self.users))
        self.listening = listening
        self.signals = Signals()
        self.kept: list[Kept] = []
        self.own: list[Forked] = []
        self.parent: Parent | None = None
        self.aside: Aside | None = None
        self.reload: Reload | None = None
        self.running: dict[str, Any] = {}
        self.deaths = 0

    def run(self, parent: Sequence[str], children: Sequence[Child], get_ready: GetReady) -> int:
        with self.signals:
            try:
                warm.adopt_orphans()
                domain.hide_memory()  # from here on there are processes of ours which have no business in it
                self.aside = Aside(lambda: _prepare(get_ready()))
                forking = self.parent = self._keep_alive(Parent(parent, self.data, homeless=self.users is not None))
                addresses = self._start_parts()
                self._write_running(addresses, children)
                prepared = self._wait_for(self.aside, addresses)
                self._start_children(forking, children, prepared)
                self._until_ready()
                sys.stdout.write(prepared.announcement)
                sys.stdout.flush()
                self._keep(lambda: False)
            except (Stopped, GivenUp):
                return 0
            except _Refused as refused:
                return refused.code
            except Failed as failed:
                say(str(failed))
                return 1
            finally:
                self._stop()
        return 0

    def _keep_alive(self, part: L) -> L:
        kept = Kept(part)
        try:
            kept.start(self._given_up)
        except OSError as refused:
            raise Failed(f"{part.name} cannot be started: {refused}") from None
        self.kept.append(kept)
        return part

    def _given_up(self) -> bool:
        return self.signals.stopping() or (self.aside is not None and bool(self.aside.poll()))

    def _start_parts(self) -> dict[str, str]:
        """Where they are: what of the settings is filled in."""
        found = {"data": str(self.data)}
        for name, part in (("database_url", self.postgres), ("redis_url", self.valkey)):
            if part is not None:
                try:
                    self._keep_alive(part)
                except GivenUp:
                    self._look_aside()
                    raise
                found[name] = part.url
        return found

    def _wait_for(self, aside: Aside, addresses: Mapping[str, str]) -> Prepared:
        aside.tell(addresses)
        self._keep(lambda: aside.poll() is not None, starting=True)
        if self.signals.stopping():
            raise Stopped
        self._look_aside()
        answer = aside.answer
        return Prepared(answer["announcement"], {name: words.encode() for name, words in answer["given"].items()})

    def _look_aside(self) -> None:
        """It has said itself why it refuses."""
        if self.aside is not None and (code := self.aside.poll()):
            raise _Refused(code if code > 0 else 1)

    def _write_running(self, addresses: Mapping[str, str], children: Sequence[Child]) -> None:
        """Where our own parts are, for `jawab` in the same folder. Addresses that were given to us stay unwritten:
        they hold passwords of others, and after a crash nobody could tell them from our own."""
        self.running = {
            "database_url": self.postgres.place if self.postgres else "",  # without a password: `keys` has those
            "redis_url": addresses.get("redis_url", ""),
            "pid": os.getpid(),
            "web": web.address(self.place.host, self.place.port),
            "listening": [child.name for child in children if child.port],
            "public_url": self.place.base_url,  # a command in another shell tells it to providers
            "users": users.name_way(self.users),
            "reloads": {"ended": 0, "under_way": False, "problem": ""},
        }
        running.write(self.data, self.running)

    def _start_children(self, parent: Parent, children: Sequence[Child], prepared: Prepared) -> None:
        self._keep(parent.stands_by, starting=True)
        users.share(self.data, self.users)
        for child in () if self.signals.stopping() else children:
            listening = self.listening.get(child.port, [])
            user = self.users.of(len(self.own)) if self.users else None
            own = Forked(child, prepared.given.get(child.name, b""), self.data, listening, parent, user=user)
            self.own.append(own)
            self.kept.append(Kept(own, again_at=0.0))

    def _until_ready(self) -> None:
        """Wait for those that listen; they decide whether this start has succeeded."""
        waited = {own.name: own for own in self.own if own.child.port}
        deadline = time.monotonic() + READY_PATIENCE

        def ready() -> bool:
            for name, own in list(waited.items()):
                if time.monotonic() > deadline:
                    raise Failed(f"{name} is not ready after {READY_PATIENCE:.0f} s:\n{process.last_lines(own.log)}")
                if own.poll() is None and own.stands_by() and web.is_ready(self.place.host, own.child.port):
                    del waited[name]
            return not waited

        self._keep(ready, starting=True)
        if self.signals.stopping():
            raise Stopped

    def _keep(self, done: Callable[[], bool], starting: bool = False) -> None:
        """Start again what dies or is hung, until it is done or we are told to stop."""
        trim_at = look_at = time.monotonic()
        while not self.signals.stopping() and not done():
            now = time.monotonic()
            if now >= look_at:
                look_at = now + LOOK_EVERY
                self._look()
            for kept in self.kept:
                if kept.again_at is None and (code := kept.part.poll()) is not None:
                    self._mourn(kept, code, starting)
                if kept.again_at is not None and now >= kept.again_at:
                    self._revive(kept)
            warm.reap_strangers(self._numbers())
            if not starting:
                self._reload()
            if now >= trim_at:
                trim_at = now + TRIM_EVERY
                logs.trim(self.data / "log")
            waited = [one.descriptors for one in (self.aside, self.parent) if one is not None]
            self.signals.wait(SOON if self.reload else TICK, [descriptor for each in waited for descriptor in each])

    def _look(self) -> None:
        for kept in self.kept:
            if isinstance(kept.part, (Parent, Forked)) and kept.is_hung(kept.part.beat):
                say(f"{kept.part.name} does not answer, and is ended")
                kept.part.kill()

    def _numbers(self) -> set[int]:
        """Those of our children whose end somebody else looks at."""
        known = {kept.part.number() for kept in self.kept} | {self.aside.number() if self.aside else 0}
        return known | set(self.reload.numbers() if self.reload else ())

    def _mourn(self, kept: Kept, code: int, starting: bool) -> None:
        part = kept.part
        end = f"{part.name} " + (f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with status {code}")
        wrote = f"; the end of {part.log}:\n{process.last_lines(part.log)}"
        if starting and (isinstance(part, Parent) or (isinstance(part, Forked) and part.child.port)):
            self.deaths += 1
            if self.deaths >= DEATHS_AT_START or code == REFUSED:
                raise Failed(end + wrote)
        # Its last lines are shown once for a row of deaths: a start that fails may be slower than the web's.
        first = kept.pause == 0.0
        waits = kept.die()
        when = f"in {waits:.1f} s" if waits else "at once"
        say(f"{end}, is started again {when}" + (wrote if starting or first else ""))

    def _revive(self, kept: Kept) -> None:
        try:
            kept.start(self.signals.stopping)
        except (GivenUp, NotYet):
            pass  # the loop ends by itself, or tries again
        except (Failed, OSError) as failed:
            say(f"{kept.part.name} is tried again in {kept.die():.1f} s: {failed}")

    def _reload(self) -> None:
        reloads = self.running["reloads"]
        if self.reload is None:
            if self.parent is None or not self.signals.take_reload():
                return
            reloads["under_way"] = True
            running.write(self.data, self.running)
            self.reload = Reload(self.parent, list(self.own), self._replace)
        elif self.signals.reload and not self.reload.followed:
            self.reload.followed = True
            say("a reload is under way; another follows it")
        try:
            if not self.reload.step():
                return
            reloads["problem"] = ""
            say(f"every process is a new one; seconds to serve, and the one before to leave: {self.reload.told()}")
        except Unchanged as unchanged:
            reloads["problem"] = str(unchanged)
            say(f"reload: {unchanged}")
            self.reload.stop()
        self.reload = None
        reloads |= {"ended": reloads["ended"] + 1, "under_way": False}
        running.write(self.data, self.running)

    def _replace(self, old: Parent | Forked, new: Parent | Forked) -> None:
        kept = next(kept for kept in self.kept if kept.part is old)
        kept.part, kept.born, kept.again_at, kept.silences = new, time.monotonic(), None, 0
        if isinstance(new, Parent):
            self.parent = new
            for own in self.own:
                own.parent = new
        else:
            self.own = [new if own is old else own for own in self.own]

    def _stop(self) -> None:
        """Nothing new comes in first; then those who work; then what they all stand on."""
        hurry = self.signals.hurry
        if self.aside is not None:
            self.aside.stop()
        if self.reload is not None:
            self.reload.stop()
        for sockets in self.listening.values():
            for one in sockets:
                one.close()
        listening = [own for own in self.own if own.child.port]
        for group in (listening, self.own):
            for own in group:
                own.ask()
            for own in group:
                own.stop(hurry)
        for part in (self.parent, self.valkey, self.postgres):
            if part is not None:
                part.stop(hurry)
        running.file(self.data).unlink(missing_ok=True)


def _prepare(work: Callable[[Addresses], Prepared]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """The same in plain words, which go through a pipe."""

    def prepare(told: Mapping[str, Any]) -> Mapping[str, Any]:
        made = work(told)
        given = {name: words.decode() for name, words in made.given.items()}
        return {"announcement": made.announcement, "given": given}

    return prepare


class _Refused(Exception):
    """What was to be made ready refuses, and has said why."""

    def __init__(self, code: int) -> None:
        self.code = code


P = TypeVar("P")


def _unless_given(given: str, stale: object, make: Callable[[], P]) -> P | None:
    return make() if not given or given == stale else None


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
