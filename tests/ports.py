"""Ports of tests: a house is told its own before it starts."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack, suppress

FIRST, LAST = 20_000, 32_000  # below those that the kernel gives to whoever calls out before the house listens


def free(count: int) -> list[int]:
    """So many at which nobody listens."""
    with ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            port = random.randrange(FIRST, LAST)
            with suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                found.append(port)
        return found
