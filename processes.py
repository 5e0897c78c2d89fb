"""The processes of `jawab up`, by the names under which they are found in /proc/<pid>/comm.

jawab-parent            imports everything once, and forks all the others
web-1 web-2             the web in demo mode, undivided: two on one socket
citizen-1 citizen-2     else: the citizen's door and the public pages, two on one socket
desk custody            each with a socket of its own
replies broadcasts chores tick
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from socket import AF_UNIX, socket

from house.warm import Child

LANES = ("replies", "broadcasts", "chores")
CUSTODY = "custody"
# Of each part its variable, and how many serve it. A second one takes over at once where one dies.
DIVIDED: tuple[tuple[str, str, int], ...] = (
    ("citizen", "JAWAB_PORT", 2),
    ("desk", "JAWAB_DESK_PORT", 1),
    (CUSTODY, "JAWAB_CUSTODY_PORT", 1),
)
WHOLE: tuple[tuple[str, str, int], ...] = (("all", "JAWAB_PORT", 2),)
PARTS = {part for part, _, _ in DIVIDED + WHOLE}


@dataclass(frozen=True, slots=True)
class Door:
    """The slot in custody's door, held as long as we live: an abstract Unix address, and the word that opens it."""

    listening: socket
    address: str
    word: str


@contextmanager
def slot() -> Iterator[Door]:
    """Where custody will listen for the desk: a name of the kernel's own."""
    with socket(AF_UNIX) as listening:
        listening.bind("")
        listening.listen(64)
        yield Door(listening, listening.getsockname()[1:].decode(), secrets.token_urlsafe(32))


def table(ports: Mapping[str, int], slot: Door) -> list[Child]:
    """Every process of ours, in the order of starting; `ports` of the parts of the web that stand apart."""
    webs = [
        Child(
            _name(part, number, many),
            "web",
            {"part": part},
            port=ports[part],
            variable=variable,
            sockets={"slot": [slot.listening]} if part == CUSTODY else {},
        )
        for part, variable, many in (WHOLE if "all" in ports else DIVIDED)
        for number in range(1, many + 1)
    ]
    return [*webs, *(Child(lane, "lane", {"lane": lane}) for lane in LANES), Child("tick", "tick")]


def _name(part: str, number: int, many: int) -> str:
    called = "web" if part == "all" else part
    return f"{called}-{number}" if many > 1 else called
