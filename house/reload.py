"""Every process of ours anew, one by one, and nobody outside sees it: first the forking parent, which reads the code
again, then child after child, the old one leaving when the new one serves. While it leaves the next ones come.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

from house import process
from house.warm import Forked, NotYet, Parent

COMES_WITHIN = 60.0  # seconds until a new one serves
LEAVES_WITHIN = 60.0  # and for an old one to end what it is at: a lane may be in the middle of an edition
LEAVING_AT_ONCE = 4  # old ones: their connections to the database come on top of the new ones'
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
        self.took: dict[str, list[float]] = {}  # by name: seconds until the new one served, until the old one had gone
        self._begun: Parent | Forked | None = None  # a new one that does not serve yet
        self._leaving: dict[Parent | Forked, float] = {}  # old ones, and since when
        self._steps = self._go()

    def step(self) -> bool:
        """Go on as far as it goes without waiting. Raises `Unchanged`, once those that leave have gone."""
        return next(self._steps, True)

    def numbers(self) -> list[int]:
        return [one.number() for one in self._own()]

    def stop(self) -> None:
        for one in self._own():
            one.kill()
        for one in self._own():
            one.stop()

    def told(self) -> str:
        """How long each took, in seconds: to serve, and the one before it to leave."""
        return ", ".join(f"{name} {'+'.join(f'{one:.1f}' for one in both)}" for name, both in self.took.items())

    def _own(self) -> list[Parent | Forked]:
        """Those that nobody else keeps alive or ends."""
        return [*([self._begun] if self._begun else []), *self._leaving]

    def _go(self) -> Iterator[bool]:
        failed = None
        try:
            yield from self._exchange(self._old, self._new)
            for old in self._children:
                while len(self._leaving) >= LEAVING_AT_ONCE:
                    yield False
                    self._let_go()
                yield from self._exchange(old, old.another(self._new))
        except Unchanged as unchanged:
            failed = unchanged
        while self._leaving:
            yield False
            self._let_go()
        if failed is not None:
            raise failed

    def _exchange(self, old: Parent | Forked, new: Parent | Forked) -> Iterator[bool]:
        since = time.monotonic()
        while True:
            try:
                new.start(process.never)
                break
            except NotYet:  # it has died meanwhile, and is started again
                yield False
        self._begun = new
        yield from self._until_it_serves(new)
        self._replace(old, new)
        self._begun, self._leaving[old] = None, time.monotonic()
        self.took[old.name] = [time.monotonic() - since]
        if isinstance(old, Forked) and old.child.port:
            old.ask(LEAVE)
        else:
            old.ask()

    def _let_go(self) -> None:
        """Look after those that leave."""
        for old, since in list(self._leaving.items()):
            gone = time.monotonic() - since
            if old.poll() is not None:
                old.stop()
                self.took[old.name].append(gone)
                del self._leaving[old]
            elif gone > LEAVES_WITHIN:
                old.kill()

    def _until_it_serves(self, new: Parent | Forked) -> Iterator[bool]:
        deadline = time.monotonic() + COMES_WITHIN
        while not new.stands_by():
            ended = new.poll() is not None
            if ended or time.monotonic() > deadline:
                new.kill()
                why = "ended" if ended else f"does not serve within {COMES_WITHIN:.0f} s"
                raise Unchanged(f"the new {new.name} {why}; the end of {new.log}:\n{process.last_lines(new.log)}")
            yield False
            self._let_go()
