"""Who reported is not known to the disk, the log, a dump and the keys folder together, once a day has passed.

`make linktest` (WHOLE=1) writes 2,000 messages of 500 phones with 100 protected reports; here some dozens do.
"""

from __future__ import annotations

import hashlib
import os
import time
from math import comb

import pytest

from store.crypto import Keys
from store.jawab import Jawab
from tests.custody.drill import drill, tell
from tests.custody.reports import Owner

WHOLE = bool(os.environ.get("WHOLE"))
REPORTS, PHONES = (100, 500) if WHOLE else (12, 40)


def by_luck(candidates: int, tries: int) -> int:
    """So many are right by pure guessing once in ten thousand times at most."""
    chance = 1 / max(1, candidates)
    left = 1.0
    for hits in range(tries + 1):
        left -= comb(tries, hits) * chance**hits * (1 - chance) ** (tries - hits)
        if left < 1e-4:
            return hits
    return tries


@pytest.mark.timeout(3600 if WHOLE else 240)
async def test_after_a_day_nobody_is_tied_to_a_report_and_nothing_is_read(
    jawab: Jawab, owner: Owner, demo: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.monotonic()
    # What makes a number slow to guess is no part of this, and half of the time it would take.
    monkeypatch.setattr(Keys, "hash_code", lambda _, code: hashlib.sha256(code.encode()).digest())

    def progress(line: str) -> None:
        if WHOLE:
            print(f"{time.monotonic() - begun:6.0f} s  {line}", flush=True)  # noqa: T201

    drilled = await drill(jawab, owner, reports=REPORTS, phones=PHONES, seed=20261126, progress=progress)
    print("\n".join(tell(drilled)))  # noqa: T201 - `make linktest` shows it
    assert sum(one.case is not None for one in drilled.crowd.writers) == REPORTS, "each of them is a case"
    assert drilled.at_once.all_tied, "while the keys of the hours live it can be done: this attacker is able"
    assert drilled.at_once.words
    found = drilled.later
    assert found.words == frozenset()
    assert found.all_tied == frozenset(), {way: len(cases) for way, cases in found.tied.items()}
    most = by_luck(found.candidates, REPORTS)
    assert {way: right for way, right in found.ranked.items() if right > most} == {}
