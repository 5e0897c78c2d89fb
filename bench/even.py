"""Sealed turns beside ordinary ones: how much of the one's times could as well be the other's.

Both kinds of phone take turns, so that whatever else the machine does falls on both. Of each report four turns are
timed: the answers to what it is about, where, the story, and whether we may message. `overlap` is the share that two
histograms with one tenth of the times in each column have in common (1: nothing tells them apart); `ks` is the largest
distance between the two distributions (two samples of 200 from one differ by more than 0.136 once in twenty runs).
"""

from __future__ import annotations

import asyncio
import bisect
import statistics
import time
from collections.abc import Sequence

from bench.load import answer, phones, request

REPORTS = 50  # of each kind: four times as many turns
PAUSE = 0.25  # seconds between two reports: numbers with their hashes are made in the time between
BEFORE, TIMED = ("سلام", "1", "9"), ("1", "تین دن سے نلکے میں پانی نہیں آ رہا ہے", "1")
KINDS = {"ordinary": "1", "sealed": "2"}


async def measure(port: int, url: str, first: int) -> dict[str, float]:
    """Medians and the likeness of the two kinds, in milliseconds."""
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    numbers = phones(first)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(REPORTS * 2):
        kind = tuple(KINDS)[number % 2]
        phone = next(numbers)
        for at, text in enumerate((*BEFORE, KINDS[kind], *TIMED)):
            _, wire = request(url, "/in/twilio", phone, text)
            started = time.perf_counter()
            writer.write(wire)
            if await answer(reader) != 200:
                raise RuntimeError("a turn was not answered")
            if at >= len(BEFORE):
                took[kind].append(1000 * (time.perf_counter() - started))
        await asyncio.sleep(PAUSE)
    writer.close()
    ordinary, sealed = took["ordinary"], took["sealed"]
    return {
        "turns_each": len(ordinary),
        "ordinary_p50_ms": round(statistics.median(ordinary), 2),
        "sealed_p50_ms": round(statistics.median(sealed), 2),
        "overlap": round(overlap(ordinary, sealed), 3),
        "ks": round(distance(ordinary, sealed), 3),
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
