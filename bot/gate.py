"""The gate: why a claimed row may not go out, for good or for now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta

from locales.channels import CHANNELS
from store.outbox.claims import Claimed, Outcome, outcome

WINDOW_MARGIN = timedelta(minutes=5)  # the provider's clock decides, not ours
SHUT = "window shut"  # the one refusal that another way may lead around; see bot.ladder


# Why a row never goes out: (whether it is so, the state it gets, what is noted).
_FOR_GOOD: tuple[tuple[Callable[[Claimed], bool], str, str], ...] = (
    (lambda row: row.expired, "failed", "expired"),
    (lambda row: row.retired, "failed", "channel retired"),
    (lambda row: row.stopped, "withdrawn", "stopped"),
    (lambda row: row.invalid, "failed", "invalid address"),
    (lambda row: row.edition_id is not None and not row.weekly, "withdrawn", "unsubscribed"),
    (lambda row: row.edition_state == "stopped", "withdrawn", "edition stopped"),
)


def check(row: Claimed) -> Outcome | None:
    """Why this row may not go out now; None when it may."""
    for is_so, state, error in _FOR_GOOD:
        if is_so(row):
            return outcome(row, state, error)
    refused = _refuse_for_now(row)
    if refused is not None and refused.state == "parked" and row.purpose == "office":
        return outcome(row, "failed", "office window shut")  # nobody there was asked to write: it goes another way
    return refused


def _refuse_for_now(row: Claimed) -> Outcome | None:
    if row.inbox_id is None and (seconds := quiet_for(row.quiet_from, row.quiet_to, row.clock)):
        return outcome(row, "queued", "quiet hours", due_in=seconds, back=1)
    hours = CHANNELS[row.kind].window_hours
    if hours is not None and (
        row.shut
        or row.last_inbound_at is None
        or row.now - row.last_inbound_at > timedelta(hours=hours) - WINDOW_MARGIN
    ):
        return outcome(row, "parked", SHUT, back=1)
    return None


def quiet_for(quiet_from: time | None, quiet_to: time | None, clock: time) -> float:
    """Seconds until quiet hours end; 0 outside them. They may pass midnight; the end is not quiet."""
    if quiet_from is None or quiet_to is None or quiet_from == quiet_to:
        return 0.0
    start, end, at = (
        moment.hour * 3600 + moment.minute * 60 + moment.second for moment in (quiet_from, quiet_to, clock)
    )
    quiet = start <= at < end if start < end else (at >= start or at < end)
    return float((end - at) % 86400) if quiet else 0.0
