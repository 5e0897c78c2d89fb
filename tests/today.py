"""The day in the province: for five hours of ours it is the next one already, and a promise for ours would be late."""

from __future__ import annotations

from datetime import UTC, date, datetime

from cases import calendar


def today() -> date:
    return calendar.day_of(datetime.now(UTC), calendar.PROVINCE)
