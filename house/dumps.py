"""Dumps of the database: written while everything runs, brought back while nothing does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from house import Failed, binaries
from house.postgres import Postgres


def write(url: str, path: Path) -> None:
    """Dump a database into a new file that only its owner reads. Raises `Failed`."""
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise Failed(f"{path} is there already") from None
    try:
        _run("pg_dump", [f"--file={path}", "--format=custom", url])
    except Failed:
        path.unlink()
        raise


def bring_back(url: str, path: Path) -> None:
    """Put a dump in the place of what is there: all of it or nothing. Raises `Failed`."""
    _run(
        "pg_restore",
        ["--clean", "--if-exists", "--single-transaction", "--exit-on-error", f"--dbname={url}", str(path)],
    )


@contextmanager
def at_rest(data: Path, url: str = "") -> Iterator[tuple[str, str]]:
    """The owner's address of a database that nobody works on, and that of whoever may bring a dump back: the one given,
    else those of this folder's, started for this alone. Raises `Failed` where something of ours runs on it."""
    postgres = None if url else Postgres(data)
    found = url or (postgres.start() if postgres else "")
    try:
        with psycopg.connect(found, autocommit=True) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE 'jawab\\_%%'"
                " AND pid <> pg_backend_pid()"
            ).fetchone()
        if row and row[0]:
            raise Failed("something still runs on this database: stop it first")
        yield found, postgres.superusers_url if postgres else found
    finally:
        if postgres is not None:
            postgres.stop()


def _run(program: str, arguments: Sequence[str]) -> None:
    done = subprocess.run(  # noqa: S603 - a program of our own wheel
        [binaries.postgres_bin() / program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        raise Failed(f"{program}: {' '.join(done.stderr.split())[:500]}")
