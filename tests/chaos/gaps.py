"""Silences: how long nobody was taken in, around a fault."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise


def longest(moments: Sequence[float], begin: float, end: float) -> float:
    """The longest time between two neighbours of `moments` (in order) of which any part lies between `begin` and `end`.

    A silence that began before the fault or ends after it counts whole. Where nobody comes before or after, the edge
    stands for them.
    """
    first = max(0, bisect_right(moments, begin) - 1)
    last = bisect_left(moments, end) + 1
    around = [*moments[first:last]]
    if not around or around[0] > begin:
        around.insert(0, begin)
    if around[-1] < end:
        around.append(end)
    return max((later - earlier for earlier, later in pairwise(around)), default=0.0)


def quantile(values: Sequence[float], share: float) -> float:
    """Of values in any order; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
