"""A session as JSON and back: what the shell stores, encrypted, between two messages."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from flows.model import Session

_NAMES = tuple(field.name for field in fields(Session))


def dump(session: Session) -> dict[str, Any]:
    """The session as plain JSON values, for writing down at once: they are the session's own."""
    return {name: getattr(session, name) for name in _NAMES} | {"trail": list(session.trail)}


def restore(stored: dict[str, Any]) -> Session:
    """A session from what `dump` gave; names that an older or newer version wrote are left out."""
    known = {name: value for name, value in stored.items() if name in _NAMES}
    return Session(**{**known, "trail": tuple(known.get("trail", ()))})
