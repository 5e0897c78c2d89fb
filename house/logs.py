"""The children's logs are kept small: a full disk would stop the whole district."""

from __future__ import annotations

import shutil
from pathlib import Path

LARGEST = 32 * 1024 * 1024


def trim(folder: Path, largest: int = LARGEST) -> None:
    """Put a large log aside as `<name>.log.1` and begin it anew; what is older than that is let go.

    Writers hold the file open for appending, so it is copied and emptied, never renamed under them.
    """
    for log in folder.glob("*.log"):
        if log.stat().st_size > largest:
            shutil.copyfile(log, log.with_name(log.name + ".1"))
            with log.open("r+b") as opened:
                opened.truncate(0)
