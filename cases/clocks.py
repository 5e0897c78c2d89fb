"""The two clocks of a case. Calendar time: weekends, holidays and waiting stop neither of them. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from cases import calendar
from cases.lifecycle import ENDED

ACKNOWLEDGE = timedelta(hours=72)  # by a human; the automatic receipt does not count
RESOLVE = timedelta(days=14)


def due(opened_at: datetime) -> tuple[datetime, datetime]:
    """(acknowledge, resolve) due times of a case opened then. Counted from the citizen's first words."""
    return opened_at + ACKNOWLEDGE, opened_at + RESOLVE


DISPUTE = timedelta(days=30)  # from the day its writer was told how it ended, or could read it by their number
ASKED_AGAIN = (timedelta(days=3), timedelta(days=10))  # after they were told
LEFT_TO_ANSWER = timedelta(days=7)  # after the last asking, before somebody may close what nobody confirmed
COOLING = timedelta(days=3)  # between a wish to take a case back and its taking back


def disputable(status: str, told_at: datetime | None, now: datetime) -> bool:
    """Whether its writer may still say that it is not so: thirty days from the day they could know how it ended."""
    if status not in ENDED or told_at is None:
        return True
    return calendar.day_of(now) <= calendar.day_of(told_at) + DISPUTE
