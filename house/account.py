"""As whom PostgreSQL runs: it refuses root, and a root's folders are often closed to everybody else.

Three ways, the first that fits:

- an ordinary user: as that user (if it has no name: under one, in a user namespace);
- root: in a user namespace that shows root under another name. PostgreSQL sees an ordinary user without any power,
  the files stay root's, and a closed folder above them (/root is 0700) stays closed and is still no obstacle;
- root where namespaces are forbidden (many containers), or data that belongs to an ordinary user: as that user.
  Only if a folder above is closed does the process keep the one capability that walks through it.

No parent folder is ever opened with chmod: that would open it to every user of the machine.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from house import Failed, domain

# Loaded before any fork: between fork and exec a child must not load libraries or wait for locks.
_libc = ctypes.CDLL(None, use_errno=True)
_prctl = _libc.prctl
_unshare = _libc.unshare
_capset = _libc.capset

PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP = 28, 1 << 2
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
CLONE_NEWUSER = 0x10000000
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

Way = Literal["self", "namespace", "user"]


class Unreachable(Failed):
    """No way was found to run the program on this folder. The message is one line for the operator."""


@dataclass(frozen=True)
class Account:
    """One way to run a program as somebody. `become` is called in the child, between fork and exec."""

    way: Way = "self"
    uid: int = 0
    gid: int = 0
    through_closed_folders: bool = False

    def become(self) -> None:
        if self.way == "namespace":
            _enter_namespace(self.uid, self.gid)
        elif self.way == "user":
            _turn_into(self.uid, self.gid, self.through_closed_folders)

    @property
    def owns(self) -> tuple[int, int] | None:
        """Whose files the program works on, when they are not ours."""
        return (self.uid, self.gid) if self.way == "user" else None

    def give(self, path: Path) -> None:
        if self.owns is not None:
            give(path, *self.owns)


def give(path: Path, uid: int, gid: int) -> None:
    """Hand over a file, or a folder with all in it. Links are handed over, never followed."""
    for folder, names, files in os.walk(path):
        for name in (*names, *files):
            os.lchown(Path(folder) / name, uid, gid)
    os.lchown(path, uid, gid)


def choose(program: Path, data: Path, ways: tuple[Way, ...] = ("namespace", "user")) -> Account:
    """The account for `program` to work in the folder `data`, tried before it is promised."""
    if os.geteuid() != 0:
        owner = data.stat().st_uid
        if owner != os.geteuid():
            raise Unreachable(
                f"{data} belongs to {_name(owner) or owner}: start as that user, or choose another JAWAB_DATA"
            )
        # initdb asks for its user's name; in some containers the user is only a number.
        if _name(owner) is None:
            named = [Account("namespace", entry.pw_uid, entry.pw_gid) for entry in _ordinary_users()[:1]]
            return next((candidate for candidate in named if _works(candidate, program, data)), Account())
        return Account()
    owner = data.stat().st_uid
    candidates: list[Account] = []
    if owner != 0:  # made by an ordinary user, who shall be able to use it again
        candidates += _as_user(owner, data.stat().st_gid)
    else:
        if "namespace" in ways:
            candidates += [Account("namespace", entry.pw_uid, entry.pw_gid) for entry in _ordinary_users()[:1]]
        if "user" in ways:
            candidates += [way for entry in _ordinary_users()[:1] for way in _as_user(entry.pw_uid, entry.pw_gid)]
    for candidate in candidates:
        if _works(candidate, program, data):
            return candidate
    raise Unreachable(
        f"PostgreSQL may not run as root, and no other user can reach {data} and {program.parent}: "
        "start as an ordinary user, or set JAWAB_DATA to a folder that is not under a closed one"
    )


def _as_user(uid: int, gid: int) -> list[Account]:
    return [Account("user", uid, gid), Account("user", uid, gid, through_closed_folders=True)]


def _ordinary_users() -> list[pwd.struct_passwd]:
    """initdb asks for its user's name, so the user must be in the list of users; which one matters little."""
    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    preferred = [known[name] for name in ("postgres", "daemon", "nobody") if name in known]
    return preferred or list(known.values())


def _works(account: Account, program: Path, data: Path) -> bool:
    """Whether the account can run the program and walk into the folder: asked by doing it."""

    def become() -> None:
        account.become()
        if not os.access(program, os.R_OK | os.X_OK):  # so PostgreSQL's programs look for each other
            raise PermissionError

    walk = '"$1" --version && cd "$2"'
    return _succeeds(["/bin/sh", "-c", walk, "sh", str(program), str(data)], become)


def _succeeds(argv: list[str], before: Callable[[], None]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - argv is ours
            argv,
            preexec_fn=before,  # nothing else can enter a namespace
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):  # what `before` may not do comes back as a SubprocessError
        return False
    return done.returncode == 0


def _enter_namespace(uid: int, gid: int) -> None:
    domain.show_memory()  # its own files in /proc are to be written; the program comes right after
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    domain.check(_unshare(CLONE_NEWUSER))
    # A process may map its own user without help from outside, once it has given up changing its groups.
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{uid} {outer_uid} 1")
    _write("/proc/self/gid_map", f"{gid} {outer_gid} 1")


def _turn_into(uid: int, gid: int, through_closed_folders: bool) -> None:
    if through_closed_folders:
        domain.check(_prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
        # access(2) asks as if without capabilities, unless this is set. Where it may not be set, only programs that lie
        # in open folders can be run.
        _prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if through_closed_folders:
        wanted = 1 << CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        domain.check(_capset(header, (ctypes.c_uint32 * 6)(wanted, wanted, wanted, 0, 0, 0)))
        domain.check(_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0))


def _write(path: str, text: str) -> None:
    # Plain descriptors: no buffers and no codecs between fork and exec.
    opened = os.open(path, os.O_WRONLY)
    os.write(opened, text.encode())
    os.close(opened)


def _name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None
