"""The children's logs are kept small: a full disk would stop the whole district."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

LARGEST = 32 * 1024 * 1024


def trim(folder: Path, largest: int = LARGEST) -> None:
    """Put a large log aside as `<name>.log.1` and begin it anew; what is older than that is let go.

    Writers hold the file open for appending, so it is copied and emptied, never renamed under them.
    """
    for log in folder.glob("*.log"):
        # On a full disk the copy fails; then making room matters more than what was written.
        with suppress(OSError):
            if log.stat().st_size > largest:
                with suppress(OSError):
                    aside = log.with_name(log.name + ".1")
                    aside.touch(mode=0o600)
                    shutil.copyfile(log, aside)
                os.truncate(log, 0)
