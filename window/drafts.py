"""How much of what a visitor reads nobody has signed yet."""

from __future__ import annotations

from functools import cache

import locales
from locales.catalogs import read_entries

DOMAINS = ("messages", "public")  # what citizens and visitors read


@cache
def count(lang: str) -> tuple[int, int]:
    """(unsigned, all) texts of a language."""
    keys = [key for domain in DOMAINS for key in read_entries("en", domain)]
    return sum(locales.review_state(key, lang) == "draft" for key in keys), len(keys)
