"""Every process of ours anew, one by one, and nobody outside sees it: first the forking parent, which reads the code
again, then child after child, the old one leaving when the new one serves.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from house import process
from house.warm import Forked, NotYet, Parent

COMES_WITHIN = 60.0  # seconds until a new one serves
LEAVES_WITHIN = 60.0  # and for an old one to end what it is at: a lane may be in the middle of an edition
LEAVE = signal.SIGUSR1  # to a web process: take nobody new, and go when the last one has gone


class Unchanged(Exception):
    """A new process does not come up, so the old one stays. One line, perhaps with the end of a log."""


class Reload:
    """One reload. `step` is called again and again, beside everything else that is kept alive, until it is True."""

    def __init__(
        self,
        parent: Parent,
        children: list[Forked],
        replace: Callable[[Parent | Forked, Parent | Forked], None],
    ) -> None:
        """`replace` says that the second serves now: whoever keeps them alive keeps the second instead of the first."""
        self._old, self._children, self._replace = parent, children, replace
        self.followed = False  # by another, which was asked for meanwhile
        self._new = parent.another()
        self._at_work: list[Parent | Forked] = []  # those that nobody else keeps alive or ends
        self._steps = self._go()

    def step(self) -> bool:
        """Go on as far as it goes without waiting. Raises `Unchanged`."""
        return next(self._steps, True)

    def numbers(self) -> list[int]:
        return [one.number() for one in self._at_work]

    def stop(self) -> None:
        for one in self._at_work:
            one.kill()
        for one in self._at_work:
            one.stop()

    def _go(self) -> Iterator[bool]:
        self._at_work = [self._new]
        self._new.start(process.never)
        yield from self._until(self._new.stands_by, self._new, self._new.log)
        self._replace(self._old, self._new)
        self._at_work = [self._old]
        self._old.stop()
        for old in self._children:
            self._at_work = []
            yield from self._exchange(old)
        self._at_work = []

    def _exchange(self, old: Forked) -> Iterator[bool]:
        new = old.another(self._new)
        while True:
            try:
                new.start(process.never)
                break
            except NotYet:  # it has died meanwhile, and is started again
                yield False
        self._at_work = [new]
        yield from self._until(lambda: new.beat is not None and new.beat.serves, new, new.log)
        self._replace(old, new)
        self._at_work = [old]
        old.ask(LEAVE if old.child.port else signal.SIGTERM)
        deadline = time.monotonic() + LEAVES_WITHIN
        while old.poll() is None:
            if time.monotonic() > deadline:
                old.kill()
            yield False

    def _until(self, serves: Callable[[], bool], new: Parent | Forked, log: Path) -> Iterator[bool]:
        deadline = time.monotonic() + COMES_WITHIN
        while not serves():
            ended = new.poll() is not None
            if ended or time.monotonic() > deadline:
                why = "ended" if ended else f"does not serve within {COMES_WITHIN:.0f} s"
                raise Unchanged(f"the new {new.name} {why}; the end of {log}:\n{process.last_lines(log)}")
            yield False
