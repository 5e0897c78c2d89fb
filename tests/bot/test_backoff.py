"""How long to wait before the next try."""

from __future__ import annotations

import pytest

from bot.backoff import delay


@pytest.mark.parametrize(
    ("asked", "attempts", "retry_after", "luck", "seconds"),
    [
        (0.0, 1, None, 0.0, 2.0),
        (0.0, 3, None, 0.0, 8.0),
        (900.0, 1, None, 0.0, 900.0),
        (900.0, 2, None, 0.0, 1800.0),
        (900.0, 0, None, 0.0, 900.0),
        (900.0, 9, None, 0.0, 6 * 3600.0),
        (900.0, 500, None, 0.0, 6 * 3600.0),
        (900.0, 5, 30.0, 0.0, 30.0),  # what the provider names wins, at every attempt
        (900.0, 1, 0.0, 0.0, 0.1),
        (0.0, 1, 86_400.0, 0.0, 6 * 3600.0),
        (100.0, 1, None, 1.0, 125.0),
    ],
)
def test_a_wait_is_what_was_asked_doubled_capped_and_spread(
    asked: float, attempts: int, retry_after: float | None, luck: float, seconds: float
) -> None:
    assert delay(asked, attempts, retry_after, luck) == seconds
