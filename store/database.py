"""The database: one pool per role, and the two ways to hold a connection, which are two types.

Who opens a transaction commits it; who is given `tx` never does (tests grep for it). A function says what it needs:
`Tx` where its statements belong together, `Auto` where each must stand by itself, `Conn` where it reads or writes with
one statement and either will do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from secrets import randbits
from typing import Any, LiteralString, NewType, TypeVar, cast, overload
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.abc import Params, QueryNoTemplate
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, class_row, dict_row
from psycopg_pool import AsyncConnectionPool

from store.crypto import Keys

ROLES = ("intake", "console", "report")
Connection = AsyncConnection[DictRow]
Auto = NewType("Auto", Connection)  # autocommit: each statement is its own transaction
Tx = NewType("Tx", Connection)  # inside a transaction that somebody else will commit
Conn = Auto | Tx
T = TypeVar("T")


class Database:
    """Connections as the run-time roles. The owner's address is used only to learn host and name."""

    def __init__(self, url: str, keys: Keys, *, roles: Sequence[str] = ROLES, size: int = 8) -> None:
        self._pools: dict[str, AsyncConnectionPool[Connection]] = {
            role: AsyncConnectionPool(
                role_url(url, role, keys),
                min_size=1,
                max_size=size,
                open=False,
                timeout=10,
                kwargs={"autocommit": True, "row_factory": dict_row},
                name=f"jawab-{role}",
            )
            for role in roles
        }

    async def open(self) -> None:
        await asyncio.gather(*(pool.open(wait=True, timeout=30) for pool in self._pools.values()))

    async def close(self) -> None:
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    @asynccontextmanager
    async def autocommit(self, role: str) -> AsyncIterator[Auto]:
        """A connection in autocommit: each statement is its own transaction."""
        async with self._pools[role].connection() as connection:
            yield Auto(connection)

    @asynccontextmanager
    async def transaction(self, role: str) -> AsyncIterator[Tx]:
        """One transaction: all of it on leaving, none of it on an exception."""
        async with self._pools[role].connection() as connection, connection.transaction():
            yield Tx(connection)


@overload
async def fetch_one(conn: Connection, query: QueryNoTemplate, params: Params | None = None) -> DictRow | None: ...
@overload
async def fetch_one(
    conn: Connection, query: QueryNoTemplate, params: Params | None = None, *, of: type[T]
) -> T | None: ...
async def fetch_one(
    conn: Connection, query: QueryNoTemplate, params: Params | None = None, *, of: type[Any] | None = None
) -> Any:
    """The first row of a statement's result, as a dict or as `of`, whose fields are the columns; None without one."""
    async with conn.cursor(row_factory=class_row(of) if of else dict_row) as cursor:
        await cursor.execute(query, params)
        return await cursor.fetchone()


@overload
async def fetch_all(conn: Connection, query: QueryNoTemplate, params: Params | None = None) -> list[DictRow]: ...
@overload
async def fetch_all(
    conn: Connection, query: QueryNoTemplate, params: Params | None = None, *, of: type[T]
) -> list[T]: ...
async def fetch_all(
    conn: Connection, query: QueryNoTemplate, params: Params | None = None, *, of: type[Any] | None = None
) -> Any:
    """Every row of a statement's result, as dicts or as `of`, whose fields are the columns."""
    async with conn.cursor(row_factory=class_row(of) if of else dict_row) as cursor:
        await cursor.execute(query, params)
        return await cursor.fetchall()


def new_id() -> UUID:
    """A random id that sorts by the moment it was made (RFC 9562, version 7, a quarter of a microsecond fine).

    Rows made together lie together in their index (measured on 500,000 rows: a turn right after a checkpoint writes
    20 kB of log instead of 34), and the items of one turn, which carry the same time, keep the order they were said in.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64 | 0x2 << 62 | randbits(62))


def role_url(url: str, role: str, keys: Keys) -> str:
    """The same database as a run-time role."""
    return make_conninfo(url, user=f"jawab_{role}", password=keys.role_password(role))


def migrate(url: str, keys: Keys) -> None:
    """Make the roles and bring the tables up to date. Safe to run twice, and twice at once. Blocking.

    Raises RuntimeError in one line when the database's owner may not make roles or the locale cannot search.
    """
    from alembic import command  # noqa: PLC0415 - SQLAlchemy stays out of every process that does not migrate
    from alembic.config import Config  # noqa: PLC0415 - long to import, and for migrations only

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(7310002)")
        for role in ROLES:
            _make_role(connection, f"jawab_{role}", keys.role_password(role))
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        shown = cast("Any", connection.execute("SELECT show_trgm('پانی') AS grams").fetchone())
        if not shown[0]:
            raise RuntimeError("this database cannot search Arabic script: create it with --locale=C.UTF-8")
        connection.execute("SELECT pg_advisory_unlock(7310002)")
    config = Config()
    config.set_main_option("script_location", "store:migrations")
    config.attributes["url"] = _sqlalchemy_url(url)
    command.upgrade(config, "head")


def _make_role(connection: psycopg.Connection[Any], role: str, password: str) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    verb: LiteralString = "ALTER ROLE {} LOGIN PASSWORD {}" if exists else "CREATE ROLE {} LOGIN PASSWORD {}"
    try:
        connection.execute(sql.SQL(verb).format(sql.Identifier(role), sql.Literal(password)))
    except psycopg.errors.InsufficientPrivilege:
        raise RuntimeError(
            f"the database's owner may not make the role {role}: give it CREATEROLE, or make the role by hand"
        ) from None


def _sqlalchemy_url(url: str) -> Any:
    """SQLAlchemy reads other addresses than libpq does: hand it libpq's own parts."""
    from sqlalchemy import URL  # noqa: PLC0415 - long to import, and for migrations only

    parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    return URL.create(
        "postgresql+psycopg",
        username=parts.pop("user", None),
        password=parts.pop("password", None),
        database=parts.pop("dbname", None),
        query=parts,
    )
