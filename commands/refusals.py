"""Why a command can do nothing, in one line."""

from __future__ import annotations

import sys

# By module and name, for what was not imported was not raised: {line} or, where it has several, {one_line}.
TOLD = {
    ("settings", "Misconfigured"): "{line}",
    ("store.crypto", "Malformed"): "jawab: {line} (JAWAB_DATA)",
    ("psycopg", "OperationalError"): "jawab: the database cannot be reached: {one_line} (JAWAB_DATABASE_URL)",
}


def known() -> dict[type[BaseException], str]:
    """What is told in a line and not with a traceback, and how."""
    return {getattr(sys.modules[module], name): told for (module, name), told in TOLD.items() if module in sys.modules}


def tell(refused: BaseException) -> int:
    """Say why; the exit status."""
    told = next(told for kind, told in known().items() if isinstance(refused, kind))
    sys.stderr.write(told.format(line=refused, one_line=" ".join(str(refused).split())) + "\n")
    return 2
