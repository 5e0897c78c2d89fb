"""The one rule of every public number, on pages, in editions and in data: docs/decisions/0025. Pure.

A count is exact from FEWEST on, and under it is told by nobody. What is hidden cannot be reckoned from what stands
beside it; what runs on is a sum of what the weeks tell, so that no two readings differ by a small number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

FEWEST = 5  # a count below this could point at a person
MANY = 2 * FEWEST  # from how many on the ninth tenth of them is no single case's


def suppress(counts: Mapping[str, int], *, total_first: bool = True) -> tuple[frozenset[str], bool]:
    """Which cells of one column to hide, and whether its total goes too, so that no count under FEWEST can be found.

    Hidden are all small cells (a zero among them, so that a hidden cell does not say "at least one"); and while they
    add up to less than FEWEST, the smallest of the others, or the total where no other is left. With `total_first`
    False the total goes at once and every cell from FEWEST on is told.
    """
    hidden = {name for name, count in counts.items() if count < FEWEST}
    rest = sum(counts[name] for name in hidden)
    if not 0 < rest < FEWEST:
        return frozenset(hidden), sum(counts.values()) < FEWEST
    others = sorted(counts.keys() - hidden, key=lambda name: (counts[name], name)) if total_first else []
    return frozenset({*hidden, *others[:1]}), not others


def tell(count: int) -> int | None:
    """A count that stands alone."""
    return count if count >= FEWEST else None


def add_up(weeks: Iterable[tuple[int, int]]) -> int | None:
    """A total of many weeks, each (what it tells, what it holds back for being small), oldest first.

    What is held back is counted as soon as that of two weeks or more is FEWEST together: between any two readings lies
    nothing, what a week tells, or such a sum. At most FEWEST - 1 wait at any time.
    """
    told = waiting = held = 0
    for shown, small in weeks:
        told += shown
        waiting += small
        held += small > 0
        if waiting >= FEWEST and held > 1:
            told, waiting, held = told + waiting, 0, 0
    return tell(told)


def percent(part: int | None, whole: int | None) -> int | None:
    """Of a whole that may be told, in whole percent; 0 and 100 are said of none and all alone. None where either is
    hidden."""
    if part is None or not whole:
        return None
    rounded = (200 * part + whole) // (2 * whole)
    return min(max(rounded, 1), 99) if 0 < part < whole else rounded
