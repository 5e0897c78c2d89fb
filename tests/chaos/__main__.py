"""`make chaos`: what happens to a district for hours, done to a running system in minutes. Exit 1: something is lost.

python -m tests.chaos            the provider's port closed for ten minutes, and for two hours of database time
python -m tests.chaos --short    the same with half a minute instead of ten: what CI runs
"""

from __future__ import annotations

import argparse
import sys

from tests.chaos.outage import Outage
from tests.town import found_town


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="half a minute instead of ten")
    short = parser.parse_args().short
    with found_town() as town:
        outage = Outage(town, readers=2000, talkers=20)
        found = list(outage.run(seconds=30.0 if short else 600.0, hours=2.0))
    for one in found:
        print(f"{'ok   ' if one.right else 'WRONG'}  {one.what}: {one.seen}")  # noqa: T201 - a program of its own
    return 0 if all(one.right for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
