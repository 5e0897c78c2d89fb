"""Which faults come in which order: by dice, so that a seed gives the same again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Does = Literal["kill", "end", "hang", "freeze", "backend", "flush", "reload"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: what is done to which parts, and how long nobody may be taken in because of it.

    `touches` is what it wears out: no two kinds that wear out the same come one after the other, for they come "one at
    a time". `shut` is how long nobody may get in at the desk or at custody.
    """

    name: str
    does: Does
    parts: tuple[str, ...]
    silence: float  # seconds
    touches: str = ""
    shut: float = 1.0  # seconds


def order(kinds: Sequence[Kind], seed: int) -> Iterator[Kind]:
    """Round after round without end, each kind once a round."""
    dice = random.Random(seed)
    last = ""
    while True:
        for kind in _round(kinds, dice, last):
            yield kind
            last = kind.touches


def _round(kinds: Sequence[Kind], dice: random.Random, last: str) -> list[Kind]:
    """Shuffled until no two neighbours touch the same, as far as a hundred shuffles find it."""
    found = list(kinds)
    for _ in range(100):
        dice.shuffle(found)
        touched = [last, *(kind.touches for kind in found)]
        if not any(one and one == other for one, other in pairwise(touched)):
            break
    return found
