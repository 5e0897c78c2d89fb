"""Of which time an edition tells. The moments come from the caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cases import calendar


@dataclass(frozen=True, slots=True)
class Span:
    """[first, after): what an edition tells of. Two editions that follow each other share no moment and lose none."""

    first: datetime
    after: datetime

    def last_day(self, zone: str) -> str:
        """The last day that any of it falls on, as ISO date."""
        return calendar.day_of(max(self.first, self.after - timedelta(microseconds=1)), zone).isoformat()
