"""Days and ISO weeks in a district's own time. Pure: the moment comes from the caller."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PROVINCE = "Asia/Karachi"  # where no district's own zone is at hand: the whole province keeps one clock

_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")


def day_of(moment: datetime, zone: str = PROVINCE) -> date:
    """The day that a moment falls on there."""
    return moment.astimezone(ZoneInfo(zone)).date()


def monday(week: str) -> date:
    """The first day of an ISO week such as `2026-W47`. ValueError for anything else."""
    found = _WEEK.fullmatch(week)
    if not found:
        raise ValueError(f"{week!r} is not a week; a week looks like 2026-W47")
    return date.fromisocalendar(int(found[1]), int(found[2]), 1)


def sunday(week: str) -> date:
    return monday(week) + timedelta(days=6)


def week_of(day: date) -> str:
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"


def week_before(day: date, weeks: int) -> str:
    """The week so many before that of this day."""
    return week_of(day - timedelta(weeks=weeks))


def last_full(now: datetime, zone: str) -> str:
    """The last week that is over there."""
    return week_before(day_of(now, zone), 1)


def bounds(week: str, zone: str) -> tuple[datetime, datetime]:
    """First moment of the week and first moment after it, UTC."""
    first, after = (
        datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
        for day in (monday(week), monday(week) + timedelta(days=7))
    )
    return first, after


def month(named: str, zone: str = PROVINCE) -> tuple[datetime, datetime]:
    """First moment of a month such as `2026-11` and first moment after it, UTC. ValueError for anything else."""
    first = date.fromisoformat(f"{named}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    begins, ends = (datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC) for day in (first, after))
    return begins, ends
