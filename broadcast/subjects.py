"""Which subjects are told only together, and which deeds in them are one person's conduct. Pure; the table is data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from flows.categories import current

_table: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("data").joinpath("subjects.yaml").read_text())

FROM_FIVE: frozenset[str] = frozenset(_table["from_five"])
CONDUCT: frozenset[str] = frozenset(_table["conduct"])


def is_together(category: str) -> bool:
    """Whether a line on this subject is told only by district and from five cases on."""
    return current(category) in FROM_FIVE


def is_conduct(category: str, deed: str) -> bool:
    """Whether this deed, in this subject, is one person's conduct: no line tells it."""
    return is_together(category) and deed in CONDUCT
