"""The closed lists: what can be said to have been done, for each category of cases, and how a case can be decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from cases.lifecycle import Refused
from flows.categories import CATEGORIES

DATA = Path(__file__).with_name("data")

_lists: dict[str, Any] = yaml.safe_load((DATA / "outcomes.yaml").read_text())

# What is no end: the verb that each is said by. And why something cannot be done.
STEPS: dict[str, str] = _lists["steps"]
REFUSALS: tuple[str, ...] = tuple(_lists["refusals"])
NEVER_DONE: frozenset[str] = frozenset((*STEPS, *REFUSALS))  # of no page, figure or edition "done"
NEEDS_OFFICE: frozenset[str] = frozenset(_lists["needs_office"])
_DEEDS: dict[str, tuple[str, ...]] = {category: tuple(_lists["categories"][category]) for category in CATEGORIES}

DECISIONS = ("upheld", "partly", "refused")  # of the desk's form; "withdrawn" is a way of its own
DROPPED: tuple[str, ...] = (*REFUSALS, "otherwise")  # why a promise is let go of


def deeds(category: str) -> tuple[str, ...]:
    """What may be called done, wholly or in part, in a case of this category. Raises `Refused`."""
    if category not in _DEEDS:
        raise Refused("category_unknown")
    return _DEEDS[category]


def is_refusal(outcome: str) -> bool:
    """True where the answer is that it cannot be done; no promise is made of that, and none is kept by it."""
    return outcome in REFUSALS


def check(category: str, decision: str, outcome: str) -> None:
    """Raises `Refused` where a decision does not go with what was done, or a refusal lacks its reason."""
    if decision not in DECISIONS:
        raise Refused("decision_unknown")
    if decision == "refused":
        if outcome not in REFUSALS:
            raise Refused("reason_missing")
    elif outcome not in deeds(category):
        raise Refused("outcome_unknown")


def promised(category: str) -> tuple[str, ...]:
    """The outcomes that a commitment may announce: what will be done, never what cannot."""
    return (*deeds(category), *STEPS)


PROMISED = frozenset(one for category in CATEGORIES for one in promised(category))
