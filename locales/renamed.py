"""Text keys that have another name now: what was stored under the old one is read as the new one, never lost.

Encrypted rows (sessions, messages that wait to go out, sealed items) and frozen editions cannot be rewritten by a
migration. A name leaves this table when nothing that was stored with it is kept any more.
"""

from __future__ import annotations

_CATEGORIES = {
    "power": "energy",
    "roads": "infrastructure",
    "police": "security",
    "relief": "nutrition",
    "work": "jobs",
    "land": "resources",
}
RENAMED: dict[str, str] = {f"category.{was}": f"category.{now}" for was, now in _CATEGORIES.items()}


def current(key: str) -> str:
    """The name that a text key has today."""
    return RENAMED.get(key, key)
