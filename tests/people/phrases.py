"""The phrases of this folder, and what a conversation that asks may take them for."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flows.meanings import Meaning

FILE = Path(__file__).with_name("phrases.tsv")

WISHES = frozenset(
    {
        Meaning.GREETING,
        Meaning.THANKS,
        Meaning.REACTION,
        Meaning.STATUS,
        Meaning.LOST_CODE,
        Meaning.CALL,
        Meaning.PERSON,
        Meaning.LANGUAGE,
        Meaning.STOP,
        Meaning.REPORT,
    }
)
AGREEING = frozenset({Meaning.YES, Meaning.NO})
PROGRESS = AGREEING | {Meaning.DONE, Meaning.NOT_DONE, Meaning.HALF, Meaning.DONT_KNOW}
# What may be meant, by what was asked; «بند» where it is asked whether a thing works is no wish to stop.
POSSIBLE: dict[str, frozenset[Meaning]] = {
    "first": WISHES,
    "any": WISHES,
    "menu": WISHES,
    "category": WISHES,
    "kind": WISHES,
    "place": WISHES,
    "story": WISHES | {Meaning.NOTHING},
    "may_message": WISHES | AGREEING,
    "send": WISHES | AGREEING,
    "confirm": (WISHES | PROGRESS) - {Meaning.STOP},
    "after_answer": WISHES,
    "after_edition": WISHES,
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """One thing that somebody may say, in which state, and what must come of it."""

    id: str
    lang: str
    state: str
    text: str
    expect: str
    category: str
    source: str
    note: str
    confidence: str

    @property
    def kind(self) -> str:
        """`expect` without its value: "number" of "number:3"."""
        return self.expect.partition(":")[0]

    @property
    def value(self) -> str:
        return self.expect.partition(":")[2]


@cache
def phrases() -> tuple[Phrase, ...]:
    """All of them, as they stand in the file."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(Phrase(**row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
