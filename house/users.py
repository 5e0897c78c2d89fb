"""As whom our processes run where root started us: each as a user of its own, without any power.

Root without its power still owns most files of a machine, and whoever breaks into one process could write itself into
the next start. So each child takes a number that nobody else has: no other process of ours can look into it or end it,
and there is no file that it could write but what all are given in common, by one group: the way to the servers'
sockets, and the keys of the hours.

The first that fits, tried before it is promised:

- a number each, in a block that nobody on this machine has, of those that systemd gives to passing users;
- data of an ordinary user: all as that user, who shall be able to use them again;
- where no user can be changed (some containers): root without its power, in a domain (`domain`), and `doctor` says so.

Where a folder above our code or data is closed (/root is 0700), a child keeps the one power that walks through it and
reads: it writes nothing with that, and the domain shuts the keys all the same.
"""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socketpair

from house import domain

READ_EVERYWHERE, SET_GROUP, SET_USER = 1 << 2, 1 << 6, 1 << 7  # capabilities, as the kernel counts them
FIRST, LAST = 61184, 65519  # systemd's for users that pass
BLOCK = 16  # of a group's number and up to fifteen users'
SHARED = "fleeting"  # below the data: what all of them make, read and take away
PR_SET_KEEPCAPS = 8
_prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before any fork


@dataclass(frozen=True, slots=True)
class User:
    """Whom one child becomes, for good."""

    uid: int
    gid: int
    reads_everywhere: bool = False

    @property
    def needs(self) -> int:
        """The powers without which nobody becomes this user, and which who forks keeps therefore."""
        return SET_USER | SET_GROUP | (READ_EVERYWHERE if self.reads_everywhere else 0)

    def become(self) -> None:
        """Raises OSError. Before a parent-death signal is asked for: the kernel forgets it here."""
        if self.reads_everywhere:
            domain.check(_prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
        os.setgroups([])
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)
        if self.reads_everywhere:
            domain.keep_powers(READ_EVERYWHERE)


@dataclass(frozen=True, slots=True)
class Users:
    """Whom our children become: the users of one block, or all the same one."""

    first: int
    group: int
    each: bool
    reads_everywhere: bool = False

    def of(self, place: int) -> User:
        """Of the child at this place in their table, from 0."""
        return User(self.first + place if self.each else self.first, self.group, self.reads_everywhere)

    def let_in(self, folder: Path) -> None:
        """They may walk through this folder, which stays shut to all others; they see nothing of what is in it."""
        os.chown(folder, -1, self.group)
        folder.chmod((folder.stat().st_mode & 0o700) | 0o010)


def name_way(users: Users | None) -> str:
    """As whom our children run: "each" a user of its own, all as the "owner" of the data, as "root", or as "self"."""
    if users is not None:
        return "each" if users.each else "owner"
    return "self" if os.geteuid() else "root"


def share(data: Path, users: Users | None) -> None:
    """What all of them make, read and take away, whoever made it; without any users it is root's alone again."""
    folder = data / SHARED
    if users is not None:
        _own(folder, -1 if users.each else users.first, users.group, 0o2770, 0o660)
    elif os.geteuid() == 0 and folder.is_dir() and folder.stat().st_gid:
        _own(folder, 0, 0, 0o700, 0o600)


def choose(data: Path, count: int) -> Users | None:
    """For so many children on these data, which they can come to from then on.

    None where we are not root, or nobody can be changed into.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat()
    if owner.st_uid:
        found = [(owner.st_uid, owner.st_gid, False)]
    else:
        found = [(first + 1, first, True) for first in (_kept(data), next(_free_blocks(owner.st_ino), 0)) if first][:1]
    for first, group, each in found if count < BLOCK else ():
        for closed in (False, True):
            users = Users(first, group, each, closed)
            if _works(users.of(0), data):
                if each:
                    users.let_in(data)
                return users
    return None


def _own(folder: Path, uid: int, gid: int, folders: int, files: int) -> None:
    """Of a folder without folders. Links are handed over, never followed."""
    with suppress(FileNotFoundError):  # also a file that is made and gone meanwhile
        os.lchown(folder, uid, gid)
        folder.chmod(folders)  # after it: a change of owner takes the sign that files inherit the group
    for file in folder.glob("*"):
        with suppress(FileNotFoundError):
            os.lchown(file, uid, gid)
            if not file.is_symlink():
                file.chmod(files)


def _kept(data: Path) -> int:
    """The block that these data had before, here or on another machine that shares them; 0: none, or another's now."""
    try:
        status = (data / SHARED).stat()
    except FileNotFoundError:
        return 0
    ours = status.st_mode & stat.S_ISGID and status.st_gid in range(FIRST, LAST + 1 - BLOCK + 1, BLOCK)
    return status.st_gid if ours and _named().isdisjoint(range(status.st_gid, status.st_gid + BLOCK)) else 0


def _named() -> set[int]:
    return {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}


def _free_blocks(seed: int) -> Iterator[int]:
    """The first numbers of blocks that nobody has, in an order of these data's own."""
    taken = _named() | set(_running())
    many = (LAST + 1 - FIRST) // BLOCK
    for step in range(many):
        first = FIRST + (seed + step) % many * BLOCK
        if taken.isdisjoint(range(first, first + BLOCK)):
            yield first


def _running() -> Iterator[int]:
    """The users of all processes. Their folders are root's where memory is hidden, so it is read in them."""
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            line = next((line for line in status.read_text().splitlines() if line.startswith("Uid:")), "Uid:")
            yield from map(int, line.split()[1:])


def _works(user: User, data: Path) -> bool:
    """Whether a process can become this user, then reads our code, comes to our data, and can be ended by us."""
    code = _code()  # looked up as who we are: what is shut to the user would seem not to be there

    def live() -> None:
        user.become()
        for place in code:
            if place.is_dir():
                list(place.iterdir())
            else:
                place.open("rb").close()
        os.chdir(data.parent)  # so walking through it is asked for

    return _survives(live)


def _code() -> list[Path]:
    """Where modules come from, and one of ours: a clone may have been made for its owner's eyes alone."""
    return [Path(place) for place in (*filter(None, sys.path), __file__) if os.path.exists(place)]  # noqa: PTH110 - of names


def _survives(live: Callable[[], None]) -> bool:
    """Do it in a process of its own, and end that while it waits."""
    ours, its = socketpair()
    child = os.fork()
    if child == 0:
        try:
            ours.close()
            live()
            its.send(b"+")
            its.recv(1)  # until it is ended, or let go
        finally:
            os._exit(1)  # whatever was in the way: it is no way
    its.close()
    with ours:
        lives = bool(ours.recv(1))
        if lives:
            with suppress(PermissionError):
                os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
