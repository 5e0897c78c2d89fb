"""The two clocks of a case. Calendar time: weekends, holidays and waiting stop neither of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

ACKNOWLEDGE = timedelta(hours=72)  # by a human; the automatic receipt does not count
RESOLVE = timedelta(days=14)
KINDS = ("acknowledge", "resolve")


def due(opened_at: datetime) -> tuple[datetime, datetime]:
    """(acknowledge, resolve) due times of a case opened then. Counted from the citizen's first words."""
    return opened_at + ACKNOWLEDGE, opened_at + RESOLVE


def next_due(clocks: Iterable[tuple[datetime, datetime | None]]) -> datetime | None:
    """The earliest due time among (due_at, met_at) that is not met; None when all are."""
    return min((due_at for due_at, met_at in clocks if met_at is None), default=None)


def is_overdue(due_at: datetime, met_at: datetime | None, now: datetime) -> bool:
    """Late at the moment it is due, and late for ever if it was met after that."""
    return (met_at or now) >= due_at
