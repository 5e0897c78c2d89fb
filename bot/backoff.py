"""How long to wait before the next try: pure, so that a table of cases can hold it."""

from __future__ import annotations

FIRST = 2.0  # seconds, where neither the error nor the provider asks for more
MOST = 6 * 3600.0
ANSWER_TRIES = 900.0  # seconds between two tries of an answer at most: somebody waits for it
DOUBTS_MOST = 3  # sends in all where the provider cannot be asked what it took: each may have arrived
CARRIER_TRIES = 4  # a carrier's failure was paid for each time: the first send and three more, over hours
ANSWER_WAIT = 120.0  # seconds: an answer to a citizen does not sit out a limit that a broadcast has run into


def delay(asked: float, attempts: int, retry_after: float | None, luck: float) -> float:
    """Seconds until the next try: what the provider named, else what the error asks, doubled with each attempt.

    Never more than six hours, and up to a quarter more by `luck` (0 to 1), so that a crowd that failed together comes
    back apart.
    """
    doubled = (asked or FIRST) * 2.0 ** min(max(attempts, 1) - 1, 16)
    return min(doubled if retry_after is None else max(retry_after, 0.1), MOST) * (1.0 + luck / 4)
