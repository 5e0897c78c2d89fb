"""A part that is kept alive: since when it lives, whether it is silent, and when it is tried again if it has died."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from house.beat import LATE, Beat

# The first death is made good at once; who dies again and again waits ever longer.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
HEALTHY_AFTER = 10.0  # a part that lived so long begins again without a pause
LOOK_EVERY = 1.75  # seconds, two with our own pace: hung, it is ended within 7.5; held by work for five, it is not
SILENCES = 3  # looks in a row without a sign of life
BEGINS_WITHIN = 60.0  # seconds until the first one


class Part(Protocol):
    """What can be kept alive: PostgreSQL, Valkey, the forking parent, a process of ours."""

    log: Path

    @property
    def name(self) -> str: ...
    def start(self, given_up: Callable[[], bool]) -> object: ...
    def poll(self) -> int | None: ...
    def number(self) -> int: ...
    def stop(self, hurry: Callable[[], bool]) -> None: ...


@dataclass
class Kept:
    """One part, and what is known of its life."""

    part: Part
    pause: float = 0.0
    born: float = 0.0
    again_at: float | None = None
    silences: int = 0

    def start(self, given_up: Callable[[], bool]) -> None:
        self.part.start(given_up)
        self.born, self.again_at, self.silences = time.monotonic(), None, 0  # a long recovery is not health

    def die(self) -> float:
        """Note the death; the seconds until it is tried again."""
        now = time.monotonic()
        if now - self.born >= HEALTHY_AFTER:
            self.pause = 0.0
        waits, self.pause = self.pause, min(max(self.pause * 2, SHORTEST_PAUSE), LONGEST_PAUSE)
        self.again_at = now + waits
        return waits

    def is_hung(self, beat: Beat | None) -> bool:
        """Look once whether it has shown that it lives. True at the third silence.

        Looks are counted, not seconds: after a machine has slept nobody is taken for dead who has just woken up.
        """
        if beat is None or self.again_at is not None:
            return False
        now = time.monotonic()
        if not beat.last:
            return now - self.born > BEGINS_WITHIN
        self.silences = self.silences + 1 if now - beat.last > LATE else 0
        return self.silences >= SILENCES
