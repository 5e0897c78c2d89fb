from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cases import clocks

FRIDAY = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)


def test_the_clocks_run_through_the_weekend() -> None:
    assert clocks.due(FRIDAY) == (FRIDAY + timedelta(hours=72), FRIDAY + timedelta(days=14))
