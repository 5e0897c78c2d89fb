"""Remedies outside: where else a person can go whose case is not solved. Data with a source; no more than it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from cases.outcomes import DATA
from flows.categories import CATEGORIES


@dataclass(frozen=True, slots=True)
class Remedy:
    """One body; `key` is the text that names it."""

    name: str
    key: str
    subjects: frozenset[str]


def _read() -> tuple[Remedy, ...]:
    rows: dict[str, dict[str, Any]] = yaml.safe_load((DATA / "remedies.yaml").read_text("utf-8"))
    found = []
    for name, row in rows.items():
        unknown = set(row["subjects"]) - set(CATEGORIES)
        if unknown or not row["source"] or not row["read_on"]:
            raise ValueError(f"remedies.yaml: {name}: no source or day, or no such subject: {sorted(unknown)}")
        found.append(Remedy(name, row["text"], frozenset(row["subjects"])))
    return tuple(found)


REMEDIES = _read()


def of(category: str) -> tuple[Remedy, ...]:
    """Those that take matters of this subject, in the file's order."""
    return tuple(remedy for remedy in REMEDIES if category in remedy.subjects)
