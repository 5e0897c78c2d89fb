"""What a child of ours may not touch, though it runs as the same user: the others' memory, keys and data.

Two guards that the kernel gives to everybody. A Landlock domain: from before its first instruction the child reaches
no file below the folders that are shut to it, and may look into no process outside its own domain. And a memory that
is nobody's to dump: `/proc/<pid>/environ` and `mem` of such a process belong to root. Where we are root the child lays
down what makes it root.

A kernel without Landlock (before 5.13, or switched off) is named by `jawab doctor`; the other guards stay.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork
_syscall = _libc.syscall
_prctl = _libc.prctl

_capset = _libc.capset

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
PR_GET_SECUREBITS, PR_SET_SECUREBITS, NOROOT_FOR_GOOD = 27, 28, 1 << 0 | 1 << 1
CAPABILITY_VERSION_3 = 0x20080522
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on every processor
ASK_VERSION, RULE_PATH = 1, 1
# All rights on files that each version knows; of a file that is no folder, those that make sense for one.
RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
LIST = 1 << 3
CODE = Path(__file__).resolve().parents[1]
OF_A_FILE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15  # execute, write, read, truncate, device commands


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled", ctypes.c_uint64),)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Which Landlock this kernel has; 0: none."""
    return max(0, int(_syscall(CREATE_RULESET, None, 0, ASK_VERSION)))


def hide_memory() -> None:
    """From here on no other process of this user reads our memory or environment. An exec undoes it."""
    _prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def show_memory() -> None:
    """Undo it, for what needs its own files in /proc: entering a user namespace."""
    _prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


@dataclass(frozen=True)
class Domain:
    """A domain made ready by the parent; `enter` is called in the child, between fork and exec."""

    ruleset: int  # its descriptor; -1: this kernel has none

    def enter(self, keep: int = 0) -> None:
        """Of what makes root root, `keep` these capabilities alone."""
        if os.geteuid() == 0:
            _lay_down_power(keep)
        if self.ruleset >= 0:
            check(_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
            check(_syscall(RESTRICT_SELF, self.ruleset, 0))

    def close(self) -> None:
        if self.ruleset >= 0:
            os.close(self.ruleset)


def shut(closed: Collection[Path]) -> Domain:
    """A domain in which everything is as it was but for these files and folders, which are not to be had.

    Folders on the way to them cannot be listed either, but for that of our own code: an import lists it. Where the data
    lie below it, as `make run` has them, that tells the names of closed files, and no byte of them.
    """
    known = version()
    if not known:
        return Domain(-1)
    rights = RIGHTS[max(one for one in RIGHTS if one <= known)]
    handled = _Ruleset(rights)
    ruleset = _syscall(CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    check(min(ruleset, 0))
    domain = Domain(ruleset)
    try:
        for path in _beside({one.resolve() for one in closed}, Path("/")):
            _allow(ruleset, path, rights)
        _allow(ruleset, CODE, LIST)
    except BaseException:
        domain.close()
        raise
    return domain


def _beside(closed: Collection[Path], folder: Path) -> Iterator[Path]:
    """The largest files and folders under `folder` that hold nothing closed: Landlock is told what is allowed."""
    if folder in closed:
        return
    if not any(one.is_relative_to(folder) for one in closed):
        yield folder
        return
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return  # what we cannot list no child of ours could
    for path in found:
        if not path.is_symlink():  # where it leads has a place of its own
            yield from _beside(closed, path)


def keep_powers(capabilities: int) -> None:
    """Lay down all others, for good."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    check(_capset(header, (ctypes.c_uint32 * 6)(capabilities, capabilities)))


def check(result: int) -> None:
    """What a call of the kernel's answered. Raises OSError."""
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _lay_down_power(keep: int = 0) -> None:
    """Root without what makes it root, for good."""
    if _prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != NOROOT_FOR_GOOD:  # else as who forked us
        check(_prctl(PR_SET_SECUREBITS, NOROOT_FOR_GOOD, 0, 0, 0))
    keep_powers(keep)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return  # gone meanwhile, or not ours
    try:
        folder = stat.S_ISDIR(os.fstat(opened).st_mode)
        rule = _Beneath(rights if folder else rights & OF_A_FILE, opened)
        check(_syscall(ADD_RULE, ruleset, RULE_PATH, ctypes.byref(rule), 0))
    finally:
        os.close(opened)
