"""The processes of `jawab up`: what each serves, and what it is handed when it is there.

The owner's address, which could undo every right, stays here: a child reaches the database by roles of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from socket import AF_UNIX, socket

from house.supervisor import Child
from settings import Part, Settings
from store import handed
from store.bell import LANES
from store.crypto import Keys
from store.database import CUSTODY, ROLES_OF, login_of
from store.handed import MAIL, PROVIDERS, SECRETS, Slot

DIVIDED: tuple[tuple[Part, str], ...] = (
    ("citizen", "JAWAB_PORT"),
    ("desk", "JAWAB_DESK_PORT"),
    ("custody", "JAWAB_CUSTODY_PORT"),
)
WHOLE: tuple[tuple[Part, str], ...] = (("all", "JAWAB_PORT"),)
PARTS = {part for part, _ in DIVIDED + WHOLE}
NEEDS: dict[str, frozenset[str]] = {
    "all": SECRETS,
    "citizen": PROVIDERS,
    "tick": PROVIDERS | MAIL,
    **dict.fromkeys(LANES, PROVIDERS),
}


@contextmanager
def slot() -> Iterator[Slot]:
    """Where custody will listen for the desk: a name of the kernel's own, held as long as we live."""
    with socket(AF_UNIX) as listening:
        listening.bind("")
        listening.listen(64)
        yield Slot(listening.getsockname()[1:].decode(), secrets.token_urlsafe(32), listening.fileno())


def table(here: Settings, run: Sequence[str], slot: Slot) -> list[Child[Settings]]:
    """Every process of ours, in the order of starting."""
    web = [
        Child(
            f"web-{part}" if here.divided else "web",
            [*run, "web", "--only", part, "--handed"],
            port=here.port_of(part),
            variable=variable,
            gives=_gives(part, slot),
            passes=(slot.descriptor,) if part == CUSTODY else (),
        )
        for part, variable in (DIVIDED if here.divided else WHOLE)
    ]
    lanes = [
        Child(f"worker-{lane}", [*run, "worker", lane, "--handed"], gives=_gives(lane))
        for lane in ("replies", "broadcasts", "chores")
    ]
    return [*web, *lanes, Child("tick", [*run, "tick", "--handed"], gives=_gives("tick"))]


def logins_of(name: str) -> set[str]:
    """Which roles of the database a process connects as: pages as what they are, workers and clocks as the clock."""
    speaker = "" if name in PARTS else "clock"
    logins = {login_of(role, speaker) for role in ROLES_OF[name]}
    return logins | {login_of(CUSTODY, "clock")} if CUSTODY in ROLES_OF[name] else logins


def _gives(name: str, slot: Slot | None = None) -> Callable[[Settings], bytes]:
    """What a process is handed. The slot is for its two ends alone, and only one of them listens."""
    ends = {"desk": replace(slot, descriptor=-1), CUSTODY: slot} if slot else {}

    def give(here: Settings) -> bytes:
        needed = NEEDS.get(name, frozenset())
        keys = Keys.load(here.key_file)
        return handed.write(here, keys, roles=logins_of(name), secrets=needed, slot=ends.get(name))

    return give
