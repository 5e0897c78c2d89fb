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
from copy import copy
from secrets import randbits
from typing import Any, NewType, TypeVar, overload
from uuid import UUID

from psycopg.abc import Params, QueryNoTemplate
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, class_row, dict_row

from store.crypto import Keys
from store.kept import Kept
from store.pool import Connection, Pool

CUSTODY = "custody"
ROLES = ("intake", "console", CUSTODY, "report")
# Who connects with the rights of desk or custody and is neither: the audit names them by the role alone.
SPEAKERS = ("operator", "clock", "custody_clock")
_SPOKEN = {
    ("console", "operator"): "operator",
    (CUSTODY, "operator"): "operator",
    ("console", "clock"): "clock",
    (CUSTODY, "clock"): "custody_clock",
}
# As whom each process reaches the database: the parts of the web, the lanes, the tick. All in one is all of them; the
# first is the one that says whether it is well.
ROLES_OF: dict[str, tuple[str, ...]] = {
    "all": ("report", "intake", "console", CUSTODY),
    "citizen": ("report", "intake"),
    "desk": ("console",),
    "custody": (CUSTODY,),
    "replies": ("intake",),
    "broadcasts": ("intake", "console"),
    "chores": ("intake",),
    "tick": ("intake", "console"),
}
# PostgreSQL's advisory locks that we take. `audit` is written out in the chain's own function, `login` is hashed with
# what it locks.
LOCKS = {
    "migrate": 7310000,
    "audit": 7310001,
    "seed": 7310002,
    "login": 7310003,
    "offices": 7310004,
    "looks": 7310005,
    "word_tries": 7310006,
    "weeks": 7310007,
}
Auto = NewType("Auto", Connection)  # autocommit: each statement is its own transaction
Tx = NewType("Tx", Connection)  # inside a transaction that somebody else will commit
Conn = Auto | Tx
T = TypeVar("T")


class Database:
    """Connections as the run-time roles. The owner's address is used only to learn host and name.

    `speaker` is "operator" or "clock" where this is no desk: its `console` and `custody` are connected as that.
    """

    def __init__(self, url: str, keys: Keys, *, roles: Sequence[str] = ROLES, size: int = 8, speaker: str = "") -> None:
        self._pools: dict[str, Pool] = {
            role: Pool(
                role_url(url, login_of(role, speaker), keys),
                min_size=1,
                max_size=size,
                timeout=10,
                kwargs={"autocommit": True, "row_factory": dict_row},
                name=f"jawab-{role}",
            )
            for role in roles
        }
        self._kept = Kept(role_url(url, login_of("intake", speaker), keys)) if "intake" in roles else None

    async def open(self) -> None:
        await asyncio.gather(*(pool.open(wait=True, timeout=30) for pool in self._pools.values()))

    async def close(self) -> None:
        if self._kept is not None:
            await self._kept.close()
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    def only(self, role: str) -> Database:
        """The same connections, as this role alone: KeyError for who asks for another."""
        narrow = copy(self)
        narrow._pools = {role: self._pools[role]}  # noqa: SLF001 - of its own class
        narrow._kept = self._kept if role == "intake" else None  # noqa: SLF001 - as the line above
        return narrow

    @property
    def kept(self) -> Kept:
        """Connections as `intake` for a turn's own statements. KeyError for who is not connected as that."""
        if self._kept is None:
            raise KeyError("intake")
        return self._kept

    @asynccontextmanager
    async def autocommit(self, role: str) -> AsyncIterator[Auto]:
        """A connection in autocommit: each statement is its own transaction.

        So nothing is left to be committed when it is given back, and the pool looks whether anything is left open.
        """
        pool = self._pools[role]
        connection = await pool.getconn()
        try:
            yield Auto(connection)
        finally:
            await pool.putconn(connection)

    @asynccontextmanager
    async def transaction(self, role: str) -> AsyncIterator[Tx]:
        """One transaction: all of it on leaving, none of it on an exception."""
        async with self.autocommit(role) as connection, connection.transaction():
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


async def check(conn: Conn) -> None:
    """Raises psycopg.errors.UndefinedTable where nothing was migrated, OperationalError where nobody answers."""
    await conn.execute("SELECT 1 FROM districts LIMIT 1")


def new_id() -> UUID:
    """A random id that sorts by the moment it was made (RFC 9562, version 7, a quarter of a microsecond fine).

    Rows made together lie together in their index (measured on 500,000 rows: a turn right after a checkpoint writes
    20 kB of log instead of 34), and the items of one turn, which carry the same time, keep the order they were said in.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64 | 0x2 << 62 | randbits(62))


def login_of(role: str, speaker: str = "") -> str:
    """Which role is connected where these rights are asked for; custody's clock is not the desk's."""
    return _SPOKEN.get((role, speaker), role)


def role_url(url: str, role: str, keys: Keys) -> str:
    """The same database as a run-time role."""
    return make_conninfo(url, user=f"jawab_{role}", password=keys.role_password(role))
