"""Small numbers never leave: which counts are held back, and how a running total is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping

FEWEST = 5  # a count below this could point at a person


def suppress(counts: Mapping[str, int]) -> tuple[frozenset[str], bool]:
    """Which cells of one column to hide, and whether its total goes too, so that no count under FEWEST can be found.

    Hidden are all small cells (a zero among them, so that a hidden cell does not say "at least one"); and while they
    add up to less than FEWEST, the smallest of the others, or the total where no other is left.
    """
    hidden = {name for name, count in counts.items() if count < FEWEST}
    rest = sum(counts[name] for name in hidden)
    if not 0 < rest < FEWEST:
        return frozenset(hidden), sum(counts.values()) < FEWEST
    others = sorted(counts.keys() - hidden, key=lambda name: (counts[name], name))
    return frozenset({*hidden, *others[:1]}), not others


def round_down(count: int) -> int | None:
    """A running total in fives; None under FEWEST. Of an exact one, two readings would show a single new case."""
    return count - count % FEWEST if count >= FEWEST else None
