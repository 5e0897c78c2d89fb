"""Two columns over the weeks as a picture: where each bar stands. The template draws it, the browser sets its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cases.figures import Week

WIDTH, HEIGHT = 400, 190  # of the picture's own units: as wide as a small telephone, so that its letters stay legible
SIDE, HEAD, FOOT = 36, 12, 24  # room for the scale, above the highest bar and for the days below
COLUMNS = ("done", "confirmed")


@dataclass(frozen=True, slots=True)
class Bar:
    """One number of one week; `count` None where it is not told: no bar stands there."""

    column: str
    week: str
    count: int | None
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """`lines` are (y, number) of the scale, which ends at x `edge`; `days` (x, "23-11") the last days of some weeks."""

    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, int], ...]
    days: tuple[tuple[float, str], ...]
    edge: float
    rtl: bool
    width: int = WIDTH
    height: int = HEIGHT


def draw(weeks: Sequence[Week], *, rtl: bool) -> Chart:
    """The weeks, oldest first: from the left, or from the right where it is read from there."""
    most = max((one["total"][name] or 0 for one in weeks for name in COLUMNS), default=0)
    step = _step(most)
    top = max(step, -(-most // step) * step)
    ground = HEIGHT - FOOT
    wide = (WIDTH - SIDE) / max(len(weeks), 1)
    bars, days = [], []
    for number, one in enumerate(weeks):
        begin = WIDTH - SIDE - (number + 1) * wide if rtl else SIDE + number * wide
        for at, name in enumerate(reversed(COLUMNS) if rtl else COLUMNS):
            count = one["total"][name]
            tall = (count or 0) * (ground - HEAD) / top
            x = begin + wide * (0.12 + 0.38 * at)
            bars.append(
                Bar(
                    name,
                    one["week"],
                    count,
                    round(x, 1),
                    round(ground - tall, 1),
                    round(wide * 0.36, 1),
                    round(tall, 1),
                )
            )
        if (len(weeks) - 1 - number) % 4 == 0:
            middle = min(max(begin + wide / 2, 18), WIDTH - 18)  # no day is cut off at an edge
            days.append((round(middle, 1), "-".join(reversed(one["to"][5:].split("-")))))
    scale = tuple((round(ground - value * (ground - HEAD) / top, 1), value) for value in range(0, top + 1, step))
    return Chart(tuple(bars), scale, tuple(days), WIDTH - SIDE + 6 if rtl else SIDE - 6, rtl)


def _step(most: int) -> int:
    """Of the scale: a round number that goes into the highest bar at most four times."""
    step = 5
    for factor in (2, 2.5, 2) * 6:
        if most <= 4 * step:
            break
        step = int(step * factor)
    return step
