"""A database that is not there yet: after a power cut the machine that holds it may start later than ours."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg

PATIENCE = 300.0  # seconds: a large database recovers for minutes
EVERY = 1.0
TELL_EVERY = 30.0
CONNECT_SECONDS = 5
# What a server says that will let us in later. Whatever else it says for itself, waiting would not change.
SOON = ("starting up", "shutting down", "recovery", "not yet accepting", "too many", "reserved for")
ITS_OWN_WORD = "FATAL:"


def wait_for(url: str, say: Callable[[str], object]) -> None:
    """Block until the database takes connections; what is waited for is said at once, and then every half minute.

    Raises psycopg.OperationalError: at once where the server answers that it will not have us, else after `PATIENCE`.
    """
    begun = time.monotonic()
    tell_at = begun
    while True:
        try:
            psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
            return
        except psycopg.OperationalError as away:
            now = time.monotonic()
            if is_final(str(away)) or now - begun >= PATIENCE:
                raise
            if now >= tell_at:
                say(
                    f"the database does not answer yet, it is waited for ({PATIENCE:.0f} s at most, JAWAB_DATABASE_URL)"
                )
                tell_at = now + TELL_EVERY
        time.sleep(EVERY)


def is_final(said: str) -> bool:
    """Whether a server has spoken, and not of its own beginning or end: a wrong password, no such database."""
    return ITS_OWN_WORD in said and not any(word in said for word in SOON)
