"""Clocks in plain words: how long is left, or how long it is late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """One running clock as a reader sees it."""

    at: datetime
    kind: str  # acknowledge | resolve
    late: bool
    key: str  # text key that takes {n}
    n: int


def tell(kind: str, due_at: datetime, now: datetime) -> TimeLeft:
    """Whole days from two days on, hours below; rounded towards less time left and more time lost."""
    late = due_at <= now
    span = now - due_at if late else due_at - now
    unit, n = ("day", span // DAY) if span >= 2 * DAY else ("hour", span // HOUR)
    side = "late" if late else "left"
    if n == 0:
        return TimeLeft(due_at, kind, late, f"due.{side}.now", 0)
    return TimeLeft(due_at, kind, late, f"due.{side}.{unit}{'' if n == 1 else 's'}", n)
