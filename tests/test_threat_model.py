"""What the threat model promises has a test, and that test is there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.mutants.mutants import load

ROOT = Path(__file__).parents[1]
MODEL = (ROOT / "docs" / "threat-model.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`")


TAKEN_AWAY = re.compile(r"(?<!\*)\*([^*]+)\*(?!\*)")


def rows(text: str) -> list[list[str]]:
    """The cells of every promise."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:2] == "| "]
    return [row for row in cells if row[0] != "promise"]


def missing(text: str) -> list[str]:
    """Tests that are named and not there."""
    lost = []
    for file, test in NAMED.findall(text):
        path = ROOT / file
        code = path.read_text() if path.is_file() else ""
        if not code or (test and f"def {test}(" not in code):
            lost.append(f"{file}::{test}")
    return lost


def test_each_test_that_is_named_is_there() -> None:
    assert missing(MODEL) == []


def test_each_promise_names_how_it_is_kept_and_a_test() -> None:
    promises = rows(MODEL)
    assert len(promises) > 30
    assert [row for row in promises if len(row) != 3 or not all(row) or not NAMED.search(row[2])] == []


def test_each_guard_that_is_named_is_taken_away_and_judged_by_a_test_of_its_row() -> None:
    mutants = {one.name: one for one in load()}
    wrong, named = [], 0
    for _, how, proof in rows(MODEL):
        for name in TAKEN_AWAY.findall(how):
            named += 1
            judges = mutants[name].tests if name in mutants else ()
            if not any(test in proof for test in judges):
                wrong.append(name)
    assert wrong == []
    assert named > 40


def test_a_test_that_is_not_there_is_caught() -> None:
    assert missing("`tests/test_threat_model.py::test_nothing` `tests/nowhere.py`") == [
        "tests/test_threat_model.py::test_nothing",
        "tests/nowhere.py::",
    ]
