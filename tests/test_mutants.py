"""The list of mutants keeps up with the code; `make mutants` runs it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.mutants import MOST_IN_ONE_FUNCTION, Mutant, faults, load
from tests.mutants.run import choose


def test_the_list_keeps_up_with_the_code() -> None:
    assert faults(load()) == []


def test_each_mutant_has_its_turn_within_ten_days_and_only_one() -> None:
    listed = load()
    turns = [one for tenth in range(10) for one in choose(listed, str(tenth), [])]
    assert sorted(one.name for one in turns) == sorted(one.name for one in listed)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "thing.py").write_text("def act() -> int:\n    return 1 + 1\n\n\nONE = 1\n")
    (tmp_path / "test_thing.py").write_text("def test_act() -> None: ...\n")
    return tmp_path


GOOD = Mutant("a name", "intake", "why", "thing.py", "1 + 1", "1 - 1", ("test_thing.py::test_act",))


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (replace(GOOD, before="2 + 2"), "a name: `before` stands 0 times in thing.py"),
        (replace(GOOD, before="1"), "a name: `before` stands 3 times in thing.py"),
        (replace(GOOD, after="1 + 1"), "a name: changes nothing"),
        (replace(GOOD, tests=("test_thing.py::test_other",)), "a name: there is no test test_thing.py::test_other"),
        (replace(GOOD, room="attic"), "a name: there is no room 'attic'"),
    ],
)
def test_an_entry_that_does_not_fit_the_code_is_named(tree: Path, spoilt: Mutant, says: str) -> None:
    assert says not in faults([GOOD], tree)
    assert says in faults([spoilt], tree)


def test_no_function_is_changed_more_often_than_three_times(tree: Path) -> None:
    many = [replace(GOOD, name=str(number)) for number in range(MOST_IN_ONE_FUNCTION + 1)]
    assert "thing.py:1: changed 4 times" in faults(many, tree)
