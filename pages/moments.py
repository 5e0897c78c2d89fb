"""Days and times as a page tells them, in the time of a district."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from cases import calendar


def local_day(moment: datetime | date, zone: str) -> str:
    """2026-11-21, in the district's own time."""
    return (calendar.day_of(moment, zone) if isinstance(moment, datetime) else moment).isoformat()


def local_time(moment: datetime, zone: str) -> str:
    """21-11-2026 14:05, as locales writes dates."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%d-%m-%Y %H:%M")
