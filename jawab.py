"""`jawab`, the command: `up` begins with next to nothing in memory, because it stays; every other command is `cli`'s.

What takes long to import and short to do, migrations above all, is done in a process beside it, which then ends.
"""

from __future__ import annotations

import sys
from collections.abc import Callable


def main() -> None:
    if sys.argv[1:] == ["up"]:
        sys.exit(up())
    import cli

    cli.main()


def up() -> int:
    """Run until told to stop; the exit status."""
    import processes
    import settings
    from house import supervisor
    from settings import Settings

    try:
        here = settings.load()
    except settings.Misconfigured as refused:
        sys.stderr.write(f"{refused}\n")
        return supervisor.REFUSED
    if here.demo and not here.public_url:
        here = here.model_copy(update={"public_url": here.base_url})
    with processes.slot() as slot:
        children = processes.table(here, slot)

        def get_ready() -> Callable[[Settings], supervisor.Prepared]:
            import cli

            return cli.get_ready(children, slot)

        return supervisor.run(here, parent=[sys.executable, "-m", "parent"], children=children, get_ready=get_ready)


if __name__ == "__main__":
    main()
