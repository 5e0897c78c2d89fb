"""What each process of `jawab up` is handed by a pipe once it is there, and nothing besides.

The owner's address, which could undo every right, is nobody's: a process reaches the database by roles of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from house.warm import Child
from processes import LANES, PARTS, Door
from settings import Settings
from store import handed
from store.crypto import Keys
from store.database import CUSTODY, ROLES_OF, login_of
from store.handed import MAIL, PROVIDERS, SECRETS, Slot

NEEDS: dict[str, frozenset[str]] = {
    "all": SECRETS,
    "citizen": PROVIDERS,
    "tick": PROVIDERS | MAIL,
    **dict.fromkeys(LANES, PROVIDERS),
}


def hand_out(here: Settings, children: Sequence[Child], door: Door) -> dict[str, bytes]:
    """What each of these is given, by its name."""
    keys = Keys.load(here.key_file)
    return {child.name: _share(here, keys, role_of(child), door) for child in children}


def role_of(child: Child) -> str:
    """As which of `ROLES_OF` it works."""
    return str(child.words.get("part") or child.words.get("lane") or child.does)


def logins_of(name: str) -> set[str]:
    """Which roles of the database a process connects as: pages as what they are, workers and clocks as the clock."""
    speaker = "" if name in PARTS else "clock"
    logins = {login_of(role, speaker) for role in ROLES_OF[name]}
    return logins | {login_of(CUSTODY, "clock")} if CUSTODY in ROLES_OF[name] else logins


def _share(here: Settings, keys: Keys, name: str, door: Door) -> bytes:
    # The slot is for its two ends alone.
    slot = Slot(door.address, door.word) if name in {"desk", CUSTODY} else None
    return handed.write(here, keys, roles=logins_of(name), secrets=NEEDS.get(name, frozenset()), slot=slot)
