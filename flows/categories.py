"""What a case is about: the ten of the citizens' question, and the one of words that nobody has sorted yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import locales
from flows.reading import plain, read

_tables: dict[str, Any] = plain(read(Path(__file__).parent / "citizen" / "tables.yaml"))

OFFERED: tuple[str, ...] = tuple(_tables["categories"])  # in the order of their digits
UNSORTED: str = _tables["unsorted"]
_NAMES = frozenset((*OFFERED, UNSORTED))
CATEGORIES: tuple[str, ...] = (*OFFERED, UNSORTED)  # every one a case can have, in the order of the desk


def current(category: str) -> str:
    """The name of today for a category that may have been stored under an older one; "" stays ""."""
    if category in _NAMES or not category:
        return category
    return locales.current(f"category.{category}").removeprefix("category.")
