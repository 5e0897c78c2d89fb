"""When somebody may be written to who has named a safe time of day. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from cases.calendar import PROVINCE

# The hours that each of the answers to "at what time?" stands for, in the district's own time.
HOURS: dict[str, tuple[time, time]] = {
    "morning": (time(8), time(12)),
    "noon": (time(12), time(16)),
    "evening": (time(16), time(20)),
}


def next_at(hour: str, now: datetime, zone: str = PROVINCE) -> datetime:
    """The first moment from `now` on that lies in the named hours; `now` itself where none was named."""
    if hour not in HOURS:
        return now
    begins, ends = HOURS[hour]
    here = now.astimezone(ZoneInfo(zone))
    if begins <= here.time() < ends:
        return now
    day = here.date() + timedelta(days=here.time() >= ends)
    return datetime.combine(day, begins, ZoneInfo(zone)).astimezone(now.tzinfo)
