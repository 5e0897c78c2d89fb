"""The closed lists: what can be said to have been done, for each category of cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from cases.lifecycle import Refused
from flows.categories import CATEGORIES

DATA = Path(__file__).with_name("data")

_lists: dict[str, Any] = yaml.safe_load((DATA / "outcomes.yaml").read_text())

NEEDS_OFFICE: frozenset[str] = frozenset(_lists["needs_office"])
_BY_CATEGORY: dict[str, tuple[str, ...]] = {
    category: (*_lists["categories"][category], *_lists["everywhere"]) for category in CATEGORIES
}


def for_category(category: str) -> tuple[str, ...]:
    """The outcomes a case of this category may have, in the order they are offered. Raises `Refused`."""
    if category not in _BY_CATEGORY:
        raise Refused("category_unknown")
    return _BY_CATEGORY[category]


def is_refusal(outcome: str) -> bool:
    """True where the answer is that it cannot be done; no promise is made of that, and none is kept by it."""
    return outcome.startswith("cannot_")


_EVERY = frozenset(one for own in _BY_CATEGORY.values() for one in own)
REFUSALS = frozenset(filter(is_refusal, _EVERY))
# Said of a case whose matter still waits for somebody: no answer to it, and its clock runs on.
UNSETTLED = frozenset({"sent_on", "inspected"})
NEVER_DONE = REFUSALS | UNSETTLED  # published as done, each would be a false claim
PROMISED = _EVERY - REFUSALS


def promised(category: str) -> tuple[str, ...]:
    """The outcomes that a commitment may announce: what will be done, never what cannot."""
    return tuple(outcome for outcome in for_category(category) if not is_refusal(outcome))
