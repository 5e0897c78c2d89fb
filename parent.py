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


def wake_cipher() -> None:
    """What the first password of a process wakes in PostgreSQL's client: three megabytes in each child, here for all.

    Nothing is opened: nobody listens there, and a password can be put into cipher all the same.
    """
    from psycopg import pq  # noqa: PLC0415 - after the book, as all

    connection = pq.PGconn.connect_start(b"host=/nowhere")
    connection.encrypt_password(b"-", b"-", b"scram-sha-256")
    connection.finish()


def know_all() -> forks.Run:
    """Import what any child runs, and give what runs one."""
    load_book()  # first: reading it leaves eight megabytes free, which the imports then fill
    import lives  # noqa: PLC0415 - so it comes second

    for name in LATE:
        import_module(name)
    wake_cipher()
    return lives.run


def main() -> None:
    line, beat = (int(word) for word in sys.argv[1:])
    forks.name_process("jawab-parent")
    forks.serve(socket(fileno=line), Beat(beat), know_all())


if __name__ == "__main__":
    main()
