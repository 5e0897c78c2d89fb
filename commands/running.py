"""`jawab up`, `reload`, `web`, `worker` and `tick`: the processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Annotated

import typer

import settings as environment
from commands import readying
from settings import Misconfigured, Part
from store import terminal
from store.handed import Handed


def up() -> None:
    """Start everything: PostgreSQL and Valkey of our own where none are given, migrations, web, workers, tick."""
    readying.check_flows()
    os.execv(sys.executable, [sys.executable, "-m", "jawab", "up"])  # noqa: S606 - itself, without all that is here


def reload() -> None:
    """Replace the processes of `jawab up` one by one, by what the code says now, while people write."""
    from house import process

    here = environment.load()
    before = environment.running(here)
    if not before or process.take_lock(here.data / "run" / "lock") is not None:
        raise Misconfigured("jawab: nothing runs in this folder (JAWAB_DATA)")
    os.kill(before["pid"], signal.SIGHUP)
    wanted = before["reloads"]["ended"] + (2 if before["reloads"]["under_way"] else 1)
    while (now := environment.running(here)) and now["reloads"]["ended"] < wanted:
        time.sleep(0.1)
    if not now:
        raise Misconfigured("jawab: it was stopped meanwhile")
    if now["reloads"]["problem"]:
        raise Misconfigured(f"jawab: not all is new: {now['reloads']['problem']}")
    terminal.out.print("every process is a new one")


def web(
    part: Annotated[Part, typer.Option("--only", help="One side only.")] = "all",
) -> None:
    """Serve the citizen's door, the desk, the protected cases and the public pages, or one of them."""
    import serving

    readying.check_flows()
    serving.serve(Handed(environment.load_running()), part)


def worker(lane: Annotated[str, typer.Argument(help="replies, broadcasts or chores")]) -> None:
    """Work one lane of the doorbell."""
    import worker as lanes

    sys.exit(lanes.run_lane(environment.load_running(), lane))


def tick() -> None:
    """Run the clocks and the sweep."""
    import worker as lanes

    sys.exit(lanes.run_tick(environment.load_running()))
