"""How Twilio tries again where a web hook is not answered with 2xx, by `#rc=5&rp=all`: six tries in 15 seconds."""

from __future__ import annotations

IN_ALL = 15.0  # seconds from the first try until it gives up, the answers' own time included
PAUSES = (0.2, 0.5, 1.3, 3.2, 8.0)  # seconds after the first, second … try that was not taken


def pause(tries: int, gone: float) -> float | None:
    """Seconds until the next try, once so many were made and so much time has gone by; None: it gives up."""
    if tries > len(PAUSES) or gone + PAUSES[tries - 1] >= IN_ALL:
        return None
    return PAUSES[tries - 1]


def patience(gone: float) -> float:
    """How long a try that begins then waits for its answer."""
    return max(0.0, IN_ALL - gone)
