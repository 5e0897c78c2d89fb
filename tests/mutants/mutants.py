"""Changes to lines that matter, each with the tests that must fail under it: read from the list, and held to it."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.toml")
ROOMS = {
    "intake": 6,
    "delivery": 6,
    "sealing and roles": 6,
    "figures": 6,
    "editions": 6,
    "desk": 6,
    "hearing": 6,
    "cases": 0,
}
FEWEST, MOST_IN_ONE_FUNCTION = 66, 3


@dataclass(frozen=True, slots=True)
class Mutant:
    """`before` in `file` becomes `after`, and one of `tests` must fail; `why` says what the line keeps from happening.

    `alone` is for what is written into the databases that runs share: such a run makes its own.
    """

    name: str
    room: str
    why: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]
    alone: bool = False

    def text(self, root: Path) -> str:
        """The file as this change makes it. ValueError where `before` does not stand there exactly once."""
        whole = (root / self.file).read_text()
        if (times := whole.count(self.before)) != 1:
            raise ValueError(f"{self.name}: `before` stands {times} times in {self.file}")
        return whole.replace(self.before, self.after)

    def function(self, root: Path) -> str:
        """What it changes: a function, a name of a module, or a whole file that is not Python."""
        if not self.file.endswith(".py"):
            return self.file
        whole = (root / self.file).read_text()
        line = whole[: whole.index(self.before)].count("\n") + 1 + self.before.startswith("\n")
        around = [
            node
            for node in ast.walk(ast.parse(whole))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign)
            and node.lineno <= line <= (node.end_lineno or 0)
        ]
        functions = [node for node in around if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        inner = max(functions or around, key=lambda node: node.lineno, default=None)
        return f"{self.file}:{inner.lineno if inner else line}"


def load(file: Path = LIST) -> list[Mutant]:
    listed = tomllib.loads(file.read_text())["mutant"]
    return [Mutant(**{**one, "tests": tuple(one["tests"])}) for one in listed]


def faults(mutants: list[Mutant], root: Path = ROOT) -> list[str]:
    """What is wrong with the list, each by the name of its mutant: it must keep up with the code."""
    found = [f"{name}: this name stands twice" for name in _twice(one.name for one in mutants)]
    if len(mutants) < FEWEST:
        found.append(f"{len(mutants)} mutants are fewer than {FEWEST}")
    rooms = Counter(one.room for one in mutants)
    found += [f"{room}: {rooms[room]} of {least} mutants" for room, least in ROOMS.items() if rooms[room] < least]
    found += [f"{one.name}: there is no room {one.room!r}" for one in mutants if one.room not in ROOMS]
    changed: list[str] = []
    for one in mutants:
        try:
            if one.text(root) == (root / one.file).read_text():
                found.append(f"{one.name}: changes nothing")
            changed.append(one.function(root))
        except (OSError, ValueError) as error:
            found.append(str(error))
        found += [f"{one.name}: there is no test {test}" for test in one.tests if not _exists(test, root)]
    found += [f"{where}: changed {n} times" for where, n in Counter(changed).items() if n > MOST_IN_ONE_FUNCTION]
    return found


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _exists(test: str, root: Path) -> bool:
    file, _, name = test.partition("::")
    path = root / file
    return path.is_file() and any(f"def {name}(" in line for line in path.read_text().splitlines())
