"""The forking parent of `jawab up`: it imports every process of ours once, and opens nothing.

Started by the supervisor with two descriptors: the line of its orders, and the memory of its sign of life.
"""

from __future__ import annotations

import sys
from importlib import import_module
from socket import socket

from flows.load import load_book
from house import forks
from house.beat import Beat

# What a child would import by itself with its first message: a tenth of a second in which it answers nobody.
LATE = ("twilio.rest.api", "twilio.rest.content", "twilio.rest.messaging", "uvicorn.lifespan.on")


def main() -> None:
    line, beat = (int(word) for word in sys.argv[1:])
    forks.name_process("jawab-parent")
    load_book()  # first: reading it leaves eight megabytes free, which the imports then fill
    import lives  # noqa: PLC0415 - so it comes second
    from settings import Settings  # noqa: PLC0415 - as above

    for name in LATE:
        import_module(name)
    Settings()  # each child reads some: from shared pages, where it was done once before
    forks.serve(socket(fileno=line), Beat(beat), lives.run)


if __name__ == "__main__":
    main()
