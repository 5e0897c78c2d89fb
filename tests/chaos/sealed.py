"""What became of those who reported behind the door: each report one sealed case, and their words with nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

from tests.chaos.citizens import Citizen, mark
from tests.chaos.parts import below
from tests.chaos.table import Row, must, none, told
from tests.custody.reports import MARK
from tests.first_day import Reader
from tests.reach import files_with, holds
from tests.town import CODE, Town

# Whose work it is to have a report in clear for a moment: who takes it in, the tick, which does what was left undone,
# and who shows it to a reader.
BY_RIGHT = frozenset(("citizen-1", "citizen-2", "tick", "custody"))
SAMPLE = 3  # cases that a reader opens: more in a row would sound an alarm, as it should


def look(town: Town, place: str, people: Sequence[Citizen], readers: Mapping[str, Reader]) -> Iterator[Row]:
    """To be asked once, when all is at rest, while the town still stands; `place` is of the database's owner."""
    numbers = {one: {found for text in town.messages_to(one.phone) for found in CODE.findall(text)} for one in people}
    whole = [one for one in people if one.done]
    yield none(
        "protected reports whose numbers are not one", sum(len(numbers[one]) != 1 for one in whole), of=len(whole)
    )
    given = sum(map(len, numbers.values()))
    sealed = _count(place, "sealed.cases")
    yield must("sealed cases, of the numbers that were told", f"{given:,}", f"{sealed:,}", sealed == given > 0)
    yield _read(next(iter(readers.values())), {mark(one) for one in people})
    repeated = sum(MARK in taken.body for taken in list(town.provider.ledger))
    yield none("messages that repeat a word of a protected report", repeated)
    files = [str(path.relative_to(town.data)) for path in files_with(town.data, MARK)]
    yield none("files with a word of a protected report: database, log, keys", len(files), more=", ".join(files[:5]))
    yield from _look_into(town)


def _read(reader: Reader, marks: set[str]) -> Row:
    """Who was signed in when the harm began still is, and reads what was written."""
    cases = [case for case in reader.cases() if "proof" not in case][:SAMPLE]
    pages = [reader.open(case).get_text() for case in cases]
    right = sum(any(word in page for word in marks) for page in pages)
    promise = "sealed cases that a reader opens, who has been signed in since before"
    return must(promise, f"{SAMPLE}", right, right == SAMPLE)


def _look_into(town: Town) -> Iterator[Row]:
    if os.geteuid() != 0:
        yield told("other processes with a word of a protected report", "not looked for: only root sees their memory")
        return
    inside = [(one.name, one.pid) for one in below(town.process.pid)] + [("jawab up", town.process.pid)]
    have = {name for name, pid in inside if holds(pid, MARK)}
    more = ", ".join(sorted(have - BY_RIGHT))
    count = sum(name not in BY_RIGHT for name, _ in inside)
    yield none("other processes with a word of a protected report", len(have - BY_RIGHT), of=count, more=more)
    yield told("and those whose work it is", ", ".join(sorted(have & BY_RIGHT)))


def _count(place: str, table: Any) -> int:
    with psycopg.connect(place) as owner:
        row = owner.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0
