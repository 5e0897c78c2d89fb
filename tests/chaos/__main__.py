"""`make chaos`: what happens to a district for hours, done to a running system in minutes. Exit 1: a promise is broken.

python -m tests.chaos            the provider's port closed for ten minutes, and for two hours of database time; then
                                 every part killed, frozen or wiped, again and again for seven minutes
python -m tests.chaos --short    the same with half a minute instead of ten, and each kind of harm once: what CI runs
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator

from tests.chaos import force, table
from tests.chaos.outage import Outage
from tests.town import found_town

FORCE_SECONDS = 420.0  # of harm; the first day, the last harm's end and coming to rest make it ten minutes at most


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="half a minute instead of ten, and each kind of harm once")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the order of harm, of who says what, of the provider's faults"
    )
    parser.add_argument("--rate", type=float, default=force.RATE, help="messages a second while parts are killed")
    parser.add_argument("--only", choices=("outage", "force"), help="one of the two")
    parser.add_argument("--json", action="store_true", help="the table as JSON")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was begun is put away
    rows: list[table.Row] = []
    if given.only != "force":
        rows += outage(short=given.short)
    if given.only != "outage":
        rows += force.run(given.seed, FORCE_SECONDS, rounds=1 if given.short else 0, rate=given.rate)
    sys.stdout.write((table.as_json(rows) if given.json else table.as_text(rows)) + "\n")
    return 1 if table.is_broken(rows) else 0


def outage(*, short: bool) -> Iterator[table.Row]:
    with found_town(settings={}) as town:
        yield from Outage(town, readers=2000, talkers=20).run(seconds=30.0 if short else 600.0, hours=2.0)


if __name__ == "__main__":
    sys.exit(main())
