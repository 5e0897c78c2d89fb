"""What the stand-in for Twilio can be told to do wrong with one POST of a message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong with one POST of a message.

    `status` and `code` refuse it; `hang` is seconds of silence before anything else; `take` keeps it in the ledger all
    the same; `cut` drops the connection instead of answering.
    """

    status: int = 0
    code: int = 0
    retry_after: float | None = None
    hang: float = 0.0
    take: bool = False
    cut: bool = False


def refused(code: int, status: int = 400) -> Fault:
    return Fault(status=status, code=code)


THROTTLED = Fault(status=429, code=20429, retry_after=0.2)
BROKEN = Fault(status=500)
BROKEN_AFTER_TAKING = Fault(status=500, take=True)
UNAVAILABLE = Fault(status=503)
HANG = Fault(hang=60.0)
CUT = Fault(cut=True)
CUT_AFTER_TAKING = Fault(take=True, cut=True)
HANG_AFTER_TAKING = Fault(take=True, hang=60.0)
STOPPED = refused(21610)
WINDOW_SHUT = refused(63016)
SENDER_LIMIT = refused(63018, 429)
NO_SUCH_NUMBER = refused(21211)

# Of all POSTs so many go wrong so, on a bad day. A hang is longer than anybody waits.
BAD_DAY = (
    (0.02, Fault(status=429, code=20429, retry_after=1.0)),
    (0.015, BROKEN),
    (0.01, UNAVAILABLE),
    (0.01, BROKEN_AFTER_TAKING),
    (0.002, Fault(hang=25.0, cut=True)),
    (0.002, Fault(hang=14.0)),  # taken, when nobody waits for the answer any more
    (0.004, Fault(take=True, hang=25.0)),
    (0.015, CUT_AFTER_TAKING),
    (0.01, CUT),
)
