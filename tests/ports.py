"""Ports for what a test starts, free and free to stay: no outgoing connection of anybody is given one of these."""

from __future__ import annotations

import random
import socket

# Below where Linux, by default, takes the near end of a connection from: a port that was only just free would be gone.
RANGE = range(20_000, 32_000)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    for port in random.sample(RANGE, 100):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("a hundred ports, and none is free")
