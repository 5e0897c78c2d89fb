"""`jawab`, the command: `up` begins with next to nothing in memory, because it stays; every other command is `cli`'s.

What takes long to import and short to do, the settings and the migrations, is done in processes beside it, which end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def main() -> None:
    if sys.argv[1:] == ["up"]:
        sys.exit(up())
    import cli

    cli.main()


def up() -> int:
    """Run until told to stop; the exit status."""
    import processes
    from house import aside, supervisor
    from house.supervisor import Place, Prepared

    read = aside.ask(read_settings)
    if isinstance(read, int):
        return read
    with processes.slot() as slot:
        children = processes.table(read["ports"], slot)

        def get_ready() -> Callable[[Mapping[str, str]], Prepared]:
            from commands import readying

            return readying.get_ready(children, slot)

        place = Place(**read["place"] | {"data": Path(read["place"]["data"])})
        return supervisor.run(place, parent=[sys.executable, "-m", "parent"], children=children, get_ready=get_ready)


def read_settings() -> dict[str, Any]:
    """What the supervisor must know of them. Raises `Misconfigured`, having said why."""
    import settings

    try:
        here = settings.load_to_start()
    except settings.Misconfigured as refused:
        sys.stderr.write(f"{refused}\n")
        raise
    return {
        "place": {
            "data": str(here.data),
            "host": here.host,
            "port": here.port,
            "base_url": here.base_url,
            "database_url": here.database_url,
            "redis_url": here.redis_url,
        },
        "ports": {part: here.port_of(part) for part in settings.parts_of(here)},
    }


if __name__ == "__main__":
    main()
