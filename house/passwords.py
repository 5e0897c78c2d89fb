"""Passwords of our own database, each in a file of its own among the keys."""

from __future__ import annotations

import secrets
from pathlib import Path


def make_password(file: Path) -> str:
    """The one of this file; a new one where there is none yet."""
    if not file.is_file():
        unfinished = file.with_suffix(".unfinished")
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_urlsafe(32))
        unfinished.rename(file)
    return read_password(file)


def read_password(file: Path) -> str:
    return file.read_text().strip()
