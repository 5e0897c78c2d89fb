"""Sealed turns beside ordinary ones: whether a stopwatch, or who sees what a process works, tells them apart.

Pairs of telephones report, one of each on this side of the door, and take turns, so that whatever else the machine does
falls on both; who goes first changes from pair to pair. Timed are the turn that ends the report (`last`) and those that
follow (`after`), in milliseconds: until the web hook is answered (`hook`), what the web process has worked meanwhile
(`cpu`), and of `last` until the reply is at the provider (`reply`).

`overlap` is the share that two histograms with one tenth of the times in each column have in common (1: nothing tells
them apart); `ks` the largest distance between the two distributions (two samples of 200 from one differ by more than
0.136 once in twenty runs). `guess` is how often the best threshold of one half of the turns is right about the other
half: a coin is right in 0.5, and of 400 such guesses in 0.45 to 0.55 nineteen times out of twenty.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.load import answer, phones, request
from tests.providers.twilio import FakeTwilio

PAIRS, AT_ONCE = 200, 25
HELD = 3.3  # seconds: a reply to words is held for as long as more may come, and a digit before it answers nothing
PATIENCE = 10.0  # seconds until a reply that has not come is given up
LONGEST = 480.0  # seconds of all; on a machine that does much else there are fewer pairs
BEFORE, BETWEEN = ("سلام", "1", "9"), ("1", "تین دن سے نلکے میں پانی نہیں آ رہا ہے")
LAST, AFTER = "1", ("اور بھی بات ہے", "MENU")
KINDS = {"ordinary": "1", "sealed": "2"}

Times = dict[
    tuple[str, str], list[float]
]  # (which turn and what of it, kind) → milliseconds, in the order of the reports


async def measure(port: int, url: str, first: int, web: int, provider: FakeTwilio) -> dict[str, Any]:
    """`web` is the id of the process that answers at `port`; a worker must carry replies to the provider."""
    took: Times = defaultdict(list)
    numbers = phones(first)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def turn(phone: str, text: str, kind: str, name: str = "") -> None:
        _, wire = request(url, "/in/twilio", phone, text)
        heard, worked, started = len(provider.ledger), _cpu(web), time.perf_counter()
        writer.write(wire)
        if await answer(reader) != 200:
            raise RuntimeError("a turn was not answered")
        if not name:
            return
        took[f"{name} hook", kind].append(1000 * (time.perf_counter() - started))
        took[f"{name} cpu", kind].append(_cpu(web) - worked)
        if name == "last":
            took["last reply", kind].append(1000 * (await _arrival(provider, phone, heard) - started))

    until = time.monotonic() + LONGEST
    for _ in range(PAIRS // AT_ONCE):
        if time.monotonic() > until:
            break
        each = [(kind, next(numbers)) for kinds in (tuple(KINDS), tuple(KINDS)[::-1]) * AT_ONCE for kind in kinds]
        each = each[: 2 * AT_ONCE]
        for kind, phone in each:
            for text in (*BEFORE, KINDS[kind], *BETWEEN):
                await turn(phone, text, kind)
        await asyncio.sleep(HELD)
        for kind, phone in each:
            await turn(phone, LAST, kind, "last")
        for kind, phone in each:
            await turn(phone, AFTER[0], kind, "after")
        await asyncio.sleep(HELD)
        for kind, phone in each:
            await turn(phone, AFTER[1], kind, "after")
    writer.close()
    return {name: compare(took[name, "ordinary"], took[name, "sealed"]) for name in sorted({name for name, _ in took})}


def compare(ordinary: Sequence[float], sealed: Sequence[float]) -> dict[str, float]:
    """Medians and the likeness of two kinds."""
    return {
        "turns_each": len(ordinary),
        "ordinary_p50_ms": round(statistics.median(ordinary), 2),
        "sealed_p50_ms": round(statistics.median(sealed), 2),
        "overlap": round(overlap(ordinary, sealed), 3),
        "ks": round(distance(ordinary, sealed), 3),
        "guess": round(guess(ordinary, sealed), 3),
    }


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """What two histograms over the tenths of both together have in common, 0 to 1."""
    cuts = statistics.quantiles([*one, *other], n=10)
    shares = []
    for times in (one, other):
        counts = [0] * (len(cuts) + 1)
        for taken in times:
            counts[bisect.bisect_right(cuts, taken)] += 1
        shares.append([count / len(times) for count in counts])
    return sum(map(min, *shares))


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Kolmogorov's and Smirnov's: how far the two distributions are apart where they are furthest, 0 to 1."""
    first, second = sorted(one), sorted(other)
    return max(
        abs(bisect.bisect_right(first, at) / len(first) - bisect.bisect_right(second, at) / len(second))
        for at in (*first, *second)
    )


def guess(one: Sequence[float], other: Sequence[float]) -> float:
    """How often the threshold that tells one half best is right about the other half; both halves in turn."""
    order = list(range(len(one)))
    random.Random(1).shuffle(order)
    halves = [([one[at] for at in order[start::2]], [other[at] for at in order[start::2]]) for start in (0, 1)]
    right = [_right(*_threshold(*seen), *unseen) for seen, unseen in itertools.permutations(halves)]
    return sum(right) / len(right)


def _threshold(one: Sequence[float], other: Sequence[float]) -> tuple[float, bool]:
    """The value that parts two samples best, and whether it is the other that lies above it."""
    tried = itertools.product(sorted({*one, *other}), (True, False))
    return max(tried, key=lambda at: _right(*at, one, other))


def _right(at: float, above: bool, one: Sequence[float], other: Sequence[float]) -> float:
    told = sum((taken > at) == above for taken in other) + sum((taken > at) != above for taken in one)
    return told / (len(one) + len(other))


def _cpu(process: int) -> float:
    """Milliseconds that a process has run on any processor, to the nanosecond, each of its threads."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


async def _arrival(provider: FakeTwilio, phone: str, heard: int) -> float:
    """When the first message to this phone came, of those since `heard` were there; on the clock of perf_counter."""
    deadline = time.perf_counter() + PATIENCE
    while time.perf_counter() < deadline:
        for taken in provider.ledger[heard:]:
            if taken.to == f"whatsapp:{phone}":
                return time.perf_counter() - (time.monotonic() - taken.arrived)
        await asyncio.sleep(0.001)
    raise RuntimeError("a reply did not come")
