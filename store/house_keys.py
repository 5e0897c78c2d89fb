"""Which house keys the data were written with: fingerprints in the database, so that another's key file is known.

A key file from elsewhere would open nothing and make a stranger of every phone, without an error anywhere.
"""

from __future__ import annotations

from typing import Any, cast

import psycopg

from store.crypto import Keys, Malformed
from store.database import Conn, fetch_all


def is_new(url: str) -> bool:
    """Whether nothing was ever written to this database. Blocking, as its owner."""
    with psycopg.connect(url, autocommit=True) as connection:
        return bool(cast("Any", connection.execute("SELECT to_regclass('alembic_version') IS NULL").fetchone())[0])


def refuse_foreign(connection: psycopg.Connection[Any], keys: Keys) -> None:
    """Raises `Malformed` in one line where the database was written with a key that is not in the file."""
    if _is_there(connection):
        rows = connection.execute("SELECT fingerprint, names FROM house_keys").fetchall()
        _compare({row[0]: row[1] for row in rows}, keys)


def pin(connection: psycopg.Connection[Any], keys: Keys) -> None:
    """Remember every key of the file; the last one is that of the names, which no rotation changes."""
    for print_ in keys.fingerprints if _is_there(connection) else ():
        connection.execute(
            "INSERT INTO house_keys (fingerprint, names) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (print_, print_ == keys.fingerprints[-1]),
        )


def _is_there(connection: psycopg.Connection[Any]) -> bool:
    return bool(cast("Any", connection.execute("SELECT to_regclass('house_keys') IS NOT NULL").fetchone())[0])


async def check(conn: Conn, keys: Keys) -> None:
    """`refuse_foreign`, for a process that runs. What is not migrated yet has pinned nothing."""
    try:
        rows = await fetch_all(conn, "SELECT fingerprint, names FROM house_keys")
    except psycopg.errors.UndefinedTable:
        return
    _compare({row["fingerprint"]: row["names"] for row in rows}, keys)


def _compare(pinned: dict[str, bool], keys: Keys) -> None:
    missing = sorted(pinned.keys() - set(keys.fingerprints))
    if missing:
        raise Malformed(
            f"keys/master.key holds {', '.join(keys.fingerprints)}, but the database was written with"
            f" {', '.join(missing)}: it is another's file or a line of it is gone; bring the right one back from the"
            " backup, and start again"
        )
    if pinned and not pinned.get(keys.fingerprints[-1]):
        raise Malformed(
            "keys/master.key: the order of its lines was changed, its last line must be"
            f" {next(one for one, names in pinned.items() if names)}"
        )
