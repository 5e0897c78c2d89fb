"""Somebody who asks for the pages of desk and custody all the time, as those who work there do."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from tests.chaos.gaps import longest

PAGE = "/desk/login"
EVERY = 0.2  # seconds between two looks
PATIENCE = 12.0  # seconds for one answer: who waits is taken in late, which counts as well


@dataclass(eq=False)
class Door:
    """One address, and when its page was had, by `time.monotonic`; each time by a connection of its own."""

    url: str
    had: list[float] = field(default_factory=list)

    def look(self, over: threading.Event) -> None:
        while not over.is_set():
            try:
                if httpx.get(f"{self.url}{PAGE}", timeout=PATIENCE).status_code == 200:
                    self.had.append(time.monotonic())
            except httpx.TransportError:
                pass  # a look that was not answered
            over.wait(EVERY)


class Doors:
    """All of them, each looked at by a thread of its own."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        """`urls` by the name of the part."""
        self.doors = {part: Door(url) for part, url in urls.items()}
        self._over = threading.Event()
        self._threads = [threading.Thread(target=one.look, args=(self._over,)) for one in self.doors.values()]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def shut(self, begin: float, end: float) -> dict[str, float]:
        """Of each part the longest time without a page of which any part lies between these moments."""
        return {part: longest(door.had, begin, end) for part, door in self.doors.items()}
