"""The week that these tests tell of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

WEEK = "2026-W46"
IN_WEEK = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)  # its Wednesday, 14:00 in Pishin
NOW = datetime(2026, 11, 19, 5, 0, tzinfo=UTC)  # Thursday of the week after, 10:00 in Pishin

Person = Callable[..., Awaitable[UUID]]
Report = Callable[..., Awaitable[list[UUID]]]
