"""Who does the harm: kills, freezes and wipes the parts of one running system, one at a time, and looks when they are
back.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from redis import Redis

from tests.chaos.citizens import Crowd
from tests.chaos.parts import ALONE, BELL, DATABASE, LANES, PARENT, parts, servers
from tests.chaos.plan import Kind
from tests.town import Town

PATIENCE = 120.0  # seconds until what was ended is given up
SETTLED = 0.5  # seconds of quiet after it is back
REPLACED = 8.0  # seconds in which one that hangs is another
FROZEN = 4.0  # seconds that PostgreSQL stands still
LOOK = 0.1

Right = Callable[[dict[str, int]], bool]


@dataclass(frozen=True, slots=True)
class Done:
    """One fault: from when until everything stood again, and the seconds until whatever was ended was there anew."""

    kind: Kind
    begin: float
    end: float
    back: float


def kinds(names: Sequence[str]) -> list[Kind]:
    """What can be done to a system that has these parts."""
    webs = tuple(name for name in names if name.startswith(("web", "citizen")))
    others = tuple(name for name in names if name in {*ALONE, *LANES})
    return [
        *(Kind(f"{name} killed", "kill", (name,), 1.0, "web") for name in (webs[:1] or webs)),
        *([Kind("both webs killed at once", "kill", webs, 1.0, "web")] if len(webs) > 1 else []),
        *([Kind("a web hung", "hang", webs[-1:], 1.0, "web")] if len(webs) > 1 else []),
        *(Kind(f"{name} killed", "kill", (name,), 1.0, name if name in ALONE else "") for name in others),
        *(Kind(f"{name} hung", "hang", (name,), 1.0, name, shut=REPLACED) for name in others if name in ALONE),
        *([Kind("the forking parent killed", "kill", (PARENT,), 4.0)] if PARENT in names else []),
        *([Kind("a reload", "reload", (), 1.0, "web")] if PARENT in names else []),
        Kind("Valkey killed", "kill", (BELL,), 1.0),
        Kind("FLUSHALL", "flush", (), 1.0),
        Kind("PostgreSQL killed", "kill", (DATABASE,), 10.0, DATABASE),
        Kind("PostgreSQL asked to end (SIGTERM)", "end", (DATABASE,), 10.0, DATABASE),
        Kind("one process of PostgreSQL killed", "backend", (), 10.0, DATABASE),
        Kind(f"PostgreSQL frozen for {FROZEN:g} s", "freeze", (), 10.0, DATABASE),
    ]


class Killer:
    """Beside one town and the crowd that writes to it."""

    def __init__(self, town: Town, crowd: Crowd, seed: int) -> None:
        self.root = town.process.pid
        self.running = town.data / "run" / "running.json"
        self.crowd = crowd
        self.whole = parts(self.root)
        self._dice = random.Random(seed)

    def do(self, kind: Kind) -> Done:
        """One fault, and wait until everything stands again and somebody has been taken in since."""
        before = parts(self.root)
        begin = time.monotonic()
        ended = getattr(self, f"_{kind.does}")(kind, before)
        back = self._wait(
            lambda now: all(now.get(name, pid) != pid and name in now for name, pid in ended.items()), begin
        )
        self._wait(lambda now: self.whole.keys() <= now.keys(), begin)
        taken = len(self.crowd.accepted)
        self._wait(lambda _: len(self.crowd.accepted) > taken, begin)
        time.sleep(SETTLED)
        return Done(kind, begin, time.monotonic(), back)

    # ── what is done; of each the processes that must be others afterwards ───────────────────────────────────────
    def _kill(self, kind: Kind, now: dict[str, int]) -> dict[str, int]:
        return self._send(signal.SIGKILL, kind, now)

    def _end(self, kind: Kind, now: dict[str, int]) -> dict[str, int]:
        return self._send(signal.SIGTERM, kind, now)

    def _hang(self, kind: Kind, now: dict[str, int]) -> dict[str, int]:
        return self._send(signal.SIGSTOP, kind, now)

    def _send(self, word: int, kind: Kind, now: dict[str, int]) -> dict[str, int]:
        hit = {name: now[name] for name in kind.parts if name in now}
        for pid in hit.values():
            os.kill(pid, word)
        return hit

    def _freeze(self, _: Kind, __: dict[str, int]) -> dict[str, int]:
        frozen = servers(self.root)["all"]
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        time.sleep(FROZEN)
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        return {}

    def _backend(self, _: Kind, __: dict[str, int]) -> dict[str, int]:
        os.kill(self._dice.choice(servers(self.root)["ours"]), signal.SIGKILL)
        return {}

    def _flush(self, _: Kind, __: dict[str, int]) -> dict[str, int]:
        Redis.from_url(json.loads(self.running.read_text())["redis_url"]).flushall()
        return {}

    def _reload(self, _: Kind, now: dict[str, int]) -> dict[str, int]:
        os.kill(self.root, signal.SIGHUP)
        return {name: pid for name, pid in now.items() if name not in {DATABASE, BELL}}

    def _wait(self, right: Right, begin: float) -> float:
        """Seconds since `begin` until the parts are so; inf: not within `PATIENCE`."""
        while not right(parts(self.root)):
            if time.monotonic() - begin > PATIENCE:
                return float("inf")
            time.sleep(LOOK)
        return time.monotonic() - begin
