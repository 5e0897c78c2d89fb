"""Take each important line away and see a test fail: `make mutants`.

One PostgreSQL is kept for the whole run, with the databases that tests copy theirs from; so a mutant whose test needs
a database costs an import and that test, not the making of a cluster. Each worker has a copy of the tree of its own.
"""

from __future__ import annotations

import argparse
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from house.postgres import Postgres
from tests import folders
from tests.databases import Shared
from tests.mutants.mutants import ROOT, Mutant, faults, load

LEFT_OUT = (".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis", "node_modules")
PATIENCE = 600  # seconds for the tests of one mutant, many times what they take
PYTEST = ("-q", "-x", "-p", "no:cacheprovider", "-rfE")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant: killed, survived, or broken (its tests did not get as far as failing)."""

    mutant: Mutant
    what: str
    seconds: float
    said: str = ""


class Bench:
    """A copy of the tree in which one mutant after the other is tried."""

    def __init__(self, folder: Path, databases: Path) -> None:
        self.folder, self.databases = folder, databases
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
        # By content, not by time and size: a mutant and its original may be of one second and one length.
        compiled = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", str(folder)]
        subprocess.run(compiled, check=True, stdout=subprocess.DEVNULL)

    def run(
        self, tests: Iterable[str], *, alone: bool = False, patience: float | None = PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAWAB_", "PYTEST_"))}
        described = os.environ.get("JAWAB_TWILIO_OPENAPI") or str(ROOT.parent / "shared" / "data" / "twilio-openapi")
        env = kept | {"PYTHONPATH": str(self.folder), "JAWAB_TWILIO_OPENAPI": described}
        if not alone:
            env["JAWAB_TEST_DATABASES"] = str(self.databases)
        command = [sys.executable, "-m", "pytest", *PYTEST, *tests]
        try:
            return subprocess.run(
                command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=patience, check=False
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, -1, "did not end", "")

    def test(self, mutant: Mutant) -> Verdict:
        begun, file = time.monotonic(), self.folder / mutant.file
        whole = file.read_text()
        file.write_text(mutant.text(self.folder))
        try:
            done = self.run(mutant.tests, alone=mutant.alone)
        finally:
            file.write_text(whole)
        said = done.stdout + done.stderr
        # A test that could not be set up has judged nothing, unless it is the setting up that the mutant breaks.
        failed = re.search(r"^FAILED |^ERROR at teardown|_ ERROR at teardown", said, re.MULTILINE) or (
            mutant.alone and "ERROR at setup" in said
        )
        what = {0: "survived", 1: "killed" if failed else "broken"}.get(done.returncode, "broken")
        return Verdict(mutant, what, time.monotonic() - begun, said)


def choose(mutants: list[Mutant], tenth: str | None, names: list[str]) -> list[Mutant]:
    """All, the named ones, or the tenth whose turn it is ("today": by the day's number)."""
    if names:
        return [one for one in mutants if one.name in names]
    if tenth is None:
        return mutants
    turn = datetime.now(UTC).date().toordinal() % 10 if tenth == "today" else int(tenth) % 10
    return mutants[turn::10]


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    asked.add_argument("--tenth", help="only the tenth with this number (0-9), or 'today'")
    asked.add_argument("--jobs", type=int, default=2, help="how many at once")
    asked.add_argument("names", nargs="*", help="only these")
    given = asked.parse_args()
    listed = load()
    if found := faults(listed):
        print("\n".join(found))  # noqa: T201 - a command
        return 2
    chosen = choose(listed, given.tenth, given.names)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was begun is put away
    with folders.made("mutants") as folder:
        postgres = Postgres(folder / "var")
        try:
            Shared.make(postgres, folder / "keys" / "master.key").write(folder / "databases.json")
            return report(chosen, judge(chosen, folder, given.jobs))
        finally:
            postgres.stop()


def judge(chosen: list[Mutant], folder: Path, jobs: int) -> list[Verdict]:
    """First every test on the tree as it is, where all must pass: a red one would kill everything. Then each mutant."""
    benches: queue.Queue[Bench] = queue.Queue()
    for number in range(jobs):
        benches.put(Bench(folder / str(number), folder / "databases.json"))
    printing = threading.Lock()

    def on_a_bench(work: list[str] | Mutant) -> Verdict | str:
        bench = benches.get()
        try:
            if isinstance(work, list):
                done = bench.run(work, patience=None)
                return "" if done.returncode == 0 else done.stdout + done.stderr
            verdict = bench.test(work)
        finally:
            benches.put(bench)
        with printing:
            print(f"{verdict.what:9}{verdict.seconds:5.0f} s  {work.name}", flush=True)  # noqa: T201 - a command
        return verdict

    with ThreadPoolExecutor(jobs) as pool:
        red = [said for said in pool.map(on_a_bench, share(chosen, jobs)) if said]
        if red:
            raise SystemExit("red before anything was changed:\n" + "\n".join(map(str, red)))
        # The slow ones first, so that no worker is left with one at the end.
        order = sorted(chosen, key=lambda one: (not one.alone, one.tests))
        return [one for one in pool.map(on_a_bench, order) if isinstance(one, Verdict)]


def share(chosen: list[Mutant], jobs: int) -> list[list[str]]:
    """Every test that judges one of these, once, in as many parts as there are workers; a file stays in one part."""
    files: dict[str, set[str]] = {}
    for test in {test for one in chosen for test in one.tests}:
        files.setdefault(test.partition("::")[0], set()).add(test)
    parts: list[list[str]] = [[] for _ in range(jobs)]
    for tests in sorted(files.values(), key=len, reverse=True):
        min(parts, key=len).extend(sorted(tests))
    return [part for part in parts if part]


def report(chosen: list[Mutant], verdicts: list[Verdict]) -> int:
    for one in verdicts:
        if one.what != "killed":
            print(f"\n{one.what}: {one.mutant.name} ({one.mutant.file})\n  {one.mutant.why}")  # noqa: T201 - a command
        if one.what == "broken":
            print(one.said[-2000:])  # noqa: T201 - a command
    killed = sum(one.what == "killed" for one in verdicts)
    print(f"\n{killed} of {len(chosen)} killed")  # noqa: T201 - a command
    return 0 if killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
