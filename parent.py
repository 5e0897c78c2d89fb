"""The forking parent of `jawab up`: it imports every process of ours once, and opens nothing.

Started by the supervisor with two descriptors: the line of its orders, and the memory of its sign of life.
"""

from __future__ import annotations

import sys
from importlib import import_module
from socket import socket

import serving
import settings
import worker
from flows.load import load_book
from house import forks
from house.beat import Beat
from house.forks import Task
from store import handed
from store.crypto import Malformed

# What a child would import by itself with its first message: a tenth of a second in which it answers nobody.
LATE = ("twilio.rest.api", "twilio.rest.content", "twilio.rest.messaging", "uvicorn.lifespan.on")


def run(task: Task) -> int:
    """One child's life, from what it was given to its end."""
    given = handed.read(task.given)
    try:
        if task.does == "web":
            serving.serve(given, task.words["part"], beat=task.beat, sockets=task.sockets)
            return 0
        if task.does == "lane":
            return worker.run_lane(given.settings, task.words["lane"], given.keys, task.beat)
        return worker.run_tick(given.settings, given.keys, task.beat)
    except (settings.Misconfigured, Malformed) as refused:
        sys.stderr.write(f"{refused}\n")
        return 2


def main() -> None:
    line, beat = (int(word) for word in sys.argv[1:])
    forks.name_process("jawab-parent")
    for name in LATE:
        import_module(name)
    load_book()
    settings.Settings()  # each child reads some: from pages that are shared, where it was done once before
    forks.serve(socket(fileno=line), Beat(beat), run)


if __name__ == "__main__":
    main()
