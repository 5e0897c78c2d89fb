"""`running.json`: where our own parts are while they run, for `jawab` in the same folder and for the next start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def file(data: Path) -> Path:
    return data / "run" / "running.json"


def read(data: Path) -> dict[str, Any]:
    """What an earlier start has left there; empty where nothing can be read."""
    try:
        found = json.loads(file(data).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(data: Path, running: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    unfinished = file(data).with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(running))
    unfinished.rename(file(data))
