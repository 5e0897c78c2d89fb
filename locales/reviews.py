"""Who has signed which text. `reviews.tsv` has one row for each text a named speaker has read: no row, a draft."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from locales.catalogs import DOMAINS, FOLDER, WRITTEN_IN, read_entries, texts

ReviewState = Literal["draft", "signed"]

COLUMNS = ("lang", "key", "sha256", "reviewer", "date")
SHA_LENGTH = 16  # hex digits: enough that no two texts of a catalog meet


@dataclass(frozen=True, slots=True)
class Review:
    """A named speaker has read the text with this fingerprint on this day (ISO date)."""

    lang: str
    key: str
    sha256: str
    reviewer: str
    date: str


def ledger() -> Path:
    """Where the signatures lie."""
    return FOLDER / "reviews.tsv"


def fingerprint(text: str) -> str:
    """What a signature holds on to: when the text changes by one letter, it is a draft again."""
    return hashlib.sha256(text.encode()).hexdigest()[:SHA_LENGTH]


def read_reviews() -> list[Review]:
    """Every row of the ledger. ValueError names the file when its columns are others."""
    with ledger().open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, dialect="excel-tab"))
    if not rows or tuple(rows[0]) != COLUMNS or any(len(row) != len(COLUMNS) for row in rows):
        raise ValueError(f"{ledger()}: the columns must be {' '.join(COLUMNS)}")
    return [Review(*row) for row in rows[1:]]


def write_reviews(reviews: list[Review]) -> None:
    """Write the ledger anew, sorted; of two rows for one text the later one stays."""
    newest = {(review.lang, review.key): review for review in reviews}
    with ledger().open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, dialect="excel-tab", lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(astuple(newest[place]) for place in sorted(newest))
    signed.cache_clear()


@cache
def signed() -> frozenset[tuple[str, str, str]]:
    """Every (lang, key, fingerprint) that somebody signed."""
    return frozenset((review.lang, review.key, review.sha256) for review in read_reviews())


def review_state(key: str, lang: str) -> ReviewState:
    """`signed` if a named speaker has signed this very text, else `draft`; a text that is not there is a draft.

    English is what the others are translated from: it has no translation to sign, and counts as signed.
    """
    if lang == "en":
        return "signed"
    text = texts(lang).get(key)
    return "signed" if text is not None and (lang, key, fingerprint(text)) in signed() else "draft"


def count_states() -> dict[str, dict[str, dict[str, int]]]:
    """`{lang: {domain: {"texts": n, "signed": n, "draft": n}}}` for every translated language."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for domain in DOMAINS:
        for lang in WRITTEN_IN[domain]:
            if lang == "en":
                continue
            states = [review_state(key, lang) for key in read_entries(lang, domain)]
            counts.setdefault(lang, {})[domain] = {
                "texts": len(states),
                "signed": states.count("signed"),
                "draft": states.count("draft"),
            }
    return counts
