"""The parts of one `jawab up`, found as the kernel knows them: by /proc, beneath the process that owns them all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
DATABASE, BELL, PARENT = "postgres", "valkey-server", "jawab-parent"
OF_THE_DATABASE = "jawab_"  # with this begin the roles that our processes connect as
WEBS = ("web-1", "web-2", "citizen-1", "citizen-2")
LANES = ("replies", "broadcasts", "chores", "tick")
ALONE = ("desk", "custody")
NAMES = frozenset((PARENT, *WEBS, *LANES, *ALONE, DATABASE, BELL))


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its name as in /proc/<pid>/comm, who started it, and its command line."""

    pid: int
    name: str
    above: str
    said: str


def below(root: int) -> Iterator[Process]:
    """Every process that lives beneath `root`, whoever ended meanwhile left out."""
    waiting = [(root, "")]
    while waiting:
        pid, above = waiting.pop()
        try:
            children = [
                int(one) for task in (PROC / str(pid) / "task").iterdir() for one in _read(task / "children").split()
            ]
            name = _read(PROC / str(pid) / "comm").strip()
            said = _read(PROC / str(pid) / "cmdline").replace("\0", " ")
        except (OSError, ValueError):
            continue
        if pid != root:
            yield Process(pid, name, above, said)
        waiting += [(child, name) for child in children]


def parts(root: int) -> dict[str, int]:
    """Of each part its process; of PostgreSQL the one that started the others."""
    return {one.name: one.pid for one in below(root) if one.name in NAMES and one.above != one.name}


def servers(root: int) -> dict[str, list[int]]:
    """The processes of PostgreSQL: "all", and those that serve one of us ("ours")."""
    found: dict[str, list[int]] = defaultdict(list)
    for one in below(root):
        if one.name == DATABASE:
            found["all"].append(one.pid)
            if one.above == DATABASE and OF_THE_DATABASE in one.said:
                found["ours"].append(one.pid)
    return found


def _read(path: Path) -> str:
    return path.read_text(errors="replace")
