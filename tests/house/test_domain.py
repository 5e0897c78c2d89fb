"""What a process of ours learns of another that runs as the same user: nothing, and without the guard everything."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from house import domain, process
from house.process import Ending, Process
from tests.house.small_district import REPOSITORY, until

SECRET = "qanari-zarqa-4417"
# Root may look at everything: where the tests run as root, both lay that down first, as the children of `jawab up` do.
POWERLESS = "import os; from house import domain; os.geteuid() or domain._lay_down_power()\n"
# The one that holds secrets: in its memory, and in its environment, which is all that it can be asked for from outside.
HOLDER = """
import signal, sys
from house import domain
if {hides}: domain.hide_memory()
held = sys.stdin.buffer.read()
print("holds", flush=True)
signal.pause()
"""
# The one that was broken into: it tries each way, and says what it got.
THIEF = """
import ctypes, sys
pid, key = sys.argv[1], sys.argv[2]
def environ(): return open(f"/proc/{pid}/environ", "rb").read()
def file(): return open(key, "rb").read()
def memory():
    found = b""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            place, rights = line.split()[:2]
            start, end = (int(part, 16) for part in place.split("-"))
            if "r" in rights and "w" in rights and end - start < 1 << 28:
                mem.seek(start)
                try: found += mem.read(end - start)
                except OSError: pass
    return found
def attach():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, int(pid), None, None): raise OSError(ctypes.get_errno(), "ptrace")
    libc.ptrace(17, int(pid), None, None)
    return SECRET
SECRET = sys.stdin.buffer.read()
for way in (environ, memory, attach, file):
    try: got = SECRET in way()
    except OSError: got = False
    print(way.__name__, got, flush=True)
print("over", flush=True)
"""
WAYS = ("environ", "memory", "attach", "file")


@dataclass
class Crime:
    """Two processes of one user; `run` says which ways led the one to the other's secret."""

    folder: Path
    started: list[Process]

    def start(self, program: str, *words: object, shut: bool, name: str) -> Process:
        shutting = domain.shut([self.folder / "keys"]) if shut else None
        try:
            child = process.start(
                [sys.executable, "-c", ("" if shut else POWERLESS) + program, *map(str, words)],
                log=self.folder / f"{name}.log",
                env={"PYTHONPATH": str(REPOSITORY), "HELD": SECRET, "PYTHONDONTWRITEBYTECODE": "1"},
                ending=Ending(asked=((signal.SIGKILL, 5.0),)),
                domain=shutting,
                given=SECRET.encode(),
            )
        finally:
            if shutting:
                shutting.close()
        self.started.append(child)
        return child

    def said(self, name: str, word: str) -> str:
        log = self.folder / f"{name}.log"
        until(lambda: word in log.read_text(), f"{name}: {word}")
        return log.read_text()

    def run(self, *, hides: bool, shut: bool) -> set[str]:
        holder = self.start(HOLDER.format(hides=hides), shut=shut, name="holder")
        self.said("holder", "holds")
        self.start(THIEF, holder.handle.pid, self.folder / "keys" / "master.key", shut=shut, name="thief")
        lines = self.said("thief", "over").splitlines()
        return {line.split()[0] for line in lines if line.endswith(" True")}


@pytest.fixture
def crime(folder: Path) -> Iterator[Crime]:
    (folder / "keys").mkdir(mode=0o700)
    key = folder / "keys" / "master.key"
    key.touch(mode=0o600)
    key.write_text(SECRET)
    found = Crime(folder, [])
    yield found
    for child in found.started:
        child.stop()


def test_without_the_guards_one_process_reads_all_of_another(crime: Crime) -> None:
    assert crime.run(hides=False, shut=False) == set(WAYS)


@pytest.mark.skipif(not domain.version(), reason="this kernel has no Landlock")
def test_in_domains_of_their_own_one_process_reads_nothing_of_another(crime: Crime) -> None:
    assert crime.run(hides=False, shut=True) == set()


def test_a_hidden_memory_is_not_read_by_who_has_no_power(crime: Crime) -> None:
    """What is left on a kernel without Landlock. The key file is not guarded then, and `doctor` says so."""
    assert crime.run(hides=True, shut=False) == {"file"}


@pytest.mark.skipif(not domain.version(), reason="this kernel has no Landlock")
def test_in_a_domain_all_else_is_as_it_was(folder: Path) -> None:
    (folder / "open").mkdir()
    (folder / "keys").mkdir()
    (folder / "link").symlink_to(folder / "keys")
    (folder / "keys" / "one").write_text("no")
    tries = (
        "from pathlib import Path; import sys\n"
        "folder = Path(sys.argv[1])\n"
        "(folder / 'open' / 'new').write_text('written')\n"
        "(folder / 'open' / 'new').rename(folder / 'open' / 'other')\n"
        "for name in ('keys/one', 'link/one'):\n"
        "    try: (folder / name).read_text()\n"
        "    except PermissionError: print(name, 'shut')\n"
        "print('over', flush=True)\n"
    )
    shut = domain.shut([folder / "keys"])
    child = process.start(
        [sys.executable, "-c", tries, str(folder)], log=folder / "log", env={}, ending=Ending(), domain=shut
    )
    shut.close()
    until(lambda: child.poll() is not None, "it has ended")
    assert (folder / "log").read_text() == "keys/one shut\nlink/one shut\nover\n"
    assert (folder / "open" / "other").read_text() == "written"


def test_our_own_code_is_found_where_the_data_lie_below_it(tmp_path: Path) -> None:
    """`make run` keeps its data in ./var: what is shut there stays shut, and imports find their modules."""
    shut = domain.shut([REPOSITORY / "house" / "dumps.py"])
    try:
        child = process.start(
            # -S: not in the folder either where the environment says that our code is installed.
            [sys.executable, "-S", "-c", "import house.domain; print('found'); open('house/dumps.py')"],
            log=tmp_path / "log",
            env={"PYTHONDONTWRITEBYTECODE": "1"},
            ending=Ending(asked=((signal.SIGKILL, 5.0),)),
            folder=REPOSITORY,
            domain=shut,
        )
    finally:
        shut.close()
    until(lambda: child.poll() is not None, "it has ended")
    said = (tmp_path / "log").read_text()
    assert "found" in said
    assert "PermissionError" in said or not domain.version()
