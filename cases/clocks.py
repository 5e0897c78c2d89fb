"""The two clocks of a case. Calendar time: weekends, holidays and waiting stop neither of them. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

ACKNOWLEDGE = timedelta(hours=72)  # by a human; the automatic receipt does not count
RESOLVE = timedelta(days=14)


def due(opened_at: datetime) -> tuple[datetime, datetime]:
    """(acknowledge, resolve) due times of a case opened then. Counted from the citizen's first words."""
    return opened_at + ACKNOWLEDGE, opened_at + RESOLVE
