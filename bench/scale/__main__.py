"""`make bench-scale`: pages, sweeps and statements over ten thousand, a hundred thousand and a million cases.

Each size gets a PostgreSQL of its own in `--data` (a disk, not memory), filled by a seed (fill.py); a folder that is
already filled is measured again. Printed are the middle of wall times, Python's own CPU and the database's, the latter
beside what looking up one case by its code takes, and of the slowest statement the time and the pages that it touched.
Wall times move with the machine; CPU, pages and ratios are what is kept (docs/scale.md).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg

from bench.scale import fill, look, trials, weeks
from house.postgres import Postgres
from settings import Settings
from store.crypto import Keys
from store.database import ROLES, SPEAKERS, Database
from store.migrations import migrate

LOCAL = "fsync = off\nfull_page_writes = off\nmax_wal_size = 8GB\n"  # while it is filled; a crash means: again


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="where the databases stay; else they are thrown away")
    parser.add_argument("--fill", action="store_true", help="only fill")
    parser.add_argument(
        "--only",
        nargs="*",
        default=[],
        help="only what has one of these in its name; `trials` are the claim and the deleting",
    )
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jawab-scale-", dir=given.data or "/var/tmp") as thrown_away:
        for cases in given.cases:
            folder = (given.data or Path(thrown_away)) / f"{cases:.0e}".replace("+0", "")
            print(f"{cases:,} cases in {folder}", flush=True)
            run(folder, cases, given)


def run(folder: Path, cases: int, given: argparse.Namespace) -> None:
    postgres = Postgres(folder)
    filled = folder / "filled.json"
    if not filled.exists():
        _fill(postgres, filled, cases, given.seed)
    if given.fill:
        return
    url = postgres.start()
    try:
        keys = Keys.load(folder / "keys" / "master.key")
        migrate(url, keys)
        settings = Settings(mode="demo", data=folder, database_url=url, log_level="error")
        key = asyncio.run(look.at(settings, keys, only=given.only, rounds=given.rounds))
        if not given.only or "weeks" in given.only:
            asyncio.run(look.with_jawab(settings, keys, partial(weeks.at, rounds=given.rounds)))
        if not given.only or "trials" in given.only:
            trials.run(url, key)
    finally:
        postgres.stop()


def _fill(postgres: Postgres, filled: Path, cases: int, seed: int) -> None:
    """Fill, stop, and write down with what; a fill that was cut short begins with an empty folder."""
    if postgres.cluster.exists():
        raise SystemExit(f"{postgres.data} was filled half: take it away")
    url = postgres.start()
    postgres.stop()
    (postgres.cluster / "local.conf").write_text(LOCAL)
    url = postgres.start()
    try:
        key_file = postgres.data / "keys" / "master.key"
        Keys.create(key_file)
        keys = Keys.give_passwords(key_file, ROLES + SPEAKERS)
        migrate(url, keys)
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        logins = asyncio.run(_base(url, keys))
        plan = fill.Plan(cases, seed, now)
        fill.fill(postgres.superusers_url, keys, plan, lambda line: print(line, flush=True))
        with psycopg.connect(postgres.superusers_url) as conn:
            row = conn.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    finally:
        postgres.stop()
    (postgres.cluster / "local.conf").write_text("")
    told = {"cases": cases, "seed": seed, "now": now.isoformat(), "size": row[0] if row else "", "logins": logins}
    filled.write_text(json.dumps(told, indent=1))
    print(f"  {told['size']}", flush=True)


async def _base(url: str, keys: Keys) -> list[dict[str, str]]:
    db = Database(url, keys, roles=("console",), size=2, speaker="operator")
    await db.open()
    try:
        return await fill.base(db, keys)
    finally:
        await db.close()


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    main()
