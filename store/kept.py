"""A turn's two statements on connections of their own, by a client that costs half of psycopg's.

Only what reads where a phone stands and what writes a turn without effects goes here; a turn with effects is a
transaction, and those are psycopg's. Who asks hears psycopg's errors whichever client it was.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import asyncpg
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout

from store.pool import CONNECT_SECONDS

SIZE = 2  # groups are taken one after the other: the second is for those who left theirs
WAIT_SECONDS = 10.0  # for one of them, as psycopg's pool waits
# Each statement looks up rows by their index, and is planned once: a young table is small when it is planned for and
# large a minute later, and a group was planned anew each time.
PLANS = {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}
# What an address may say that this client understands; the rest is of libpq alone.
_SAID = (
    "host", "port", "user", "password", "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs"
)  # fmt: skip
# The client looks up what it knows not of types, where our roles may read nothing: arrays by their number, and of what.
_ARRAYS = {1000: 16, 1001: 17, 1016: 20, 1185: 1184, 2951: 2950}  # boolean, bytea, bigint, timestamptz, uuid
_PLACE = re.compile(r"%\((\w+)\)(s|b)")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with numbered places, and which value stands at each."""

    text: str
    names: tuple[str, ...]


def spell(statement: str, types: Mapping[str, str]) -> Statement:
    """From psycopg's spelling. `%(name)s` is of its type in `types`; `%(name)b` has its type written behind it."""
    places: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name, how = found.groups()
        place = f"${places.setdefault(name, len(places) + 1)}"
        return place if how == "b" else f"{place}::{types[name]}"

    text = _PLACE.sub(number, statement).replace("%%", "%")
    return Statement(text, tuple(places))


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # it has no types
    """One that asks nothing about types: our roles may not read the catalogue."""

    async def _introspect_types(self, typeoids: Sequence[int], timeout: float | None) -> tuple[Any, Any]:  # noqa: ARG002, ASYNC109 - as it is called
        return [_describe(oid) for oid in typeoids], _Named()


@dataclass(frozen=True, slots=True)
class _Named:
    """The statement that asked: none did, so that nothing was overwritten by it."""

    name: str = "none"


def _describe(oid: int) -> dict[str, Any]:
    """An array as the catalogue would tell of it. KeyError for what no statement of ours has."""
    return {
        "oid": oid, "ns": "pg_catalog", "name": f"array_{oid}", "kind": "b", "basetype": None,
        "elemtype": _ARRAYS[oid], "elemdelim": ",", "range_subtype": None, "attrtypoids": None, "attrnames": None,
    }  # fmt: skip


class Kept:
    """A few connections, made when they are first asked for; the one that was given back last is lent first."""

    def __init__(self, conninfo: str, size: int = SIZE) -> None:
        self._conninfo = conninfo
        self._free: list[Any] = []
        self._lent: set[Any] = set()
        self._places = asyncio.Semaphore(size)

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Run one statement by itself and return its rows.

        Raises psycopg's error of the same SQLSTATE, without its words; OperationalError where the connection could not
        be made or was lost, of which PoolTimeout is one.
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise PoolTimeout("no connection was given back") from None
        try:
            return await self._fetch(statement, values)
        finally:
            self._places.release()

    async def _fetch(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        connection = await self._lend()
        self._lent.add(connection)
        whole = False  # whether the server has answered: what was cut off is not lent again
        try:
            rows: Sequence[Mapping[str, Any]] = await connection.fetch(
                statement.text, *[values[name] for name in statement.names]
            )
            whole = True
        except asyncpg.PostgresError as error:
            whole = True
            raise _as_psycopg(error) from None
        except (asyncpg.InterfaceError, OSError) as error:
            raise psycopg.OperationalError(type(error).__name__) from None
        finally:
            self._lent.discard(connection)
            if not whole:
                connection.terminate()
            elif not connection.is_closed():
                self._free.append(connection)
        return rows

    async def _lend(self) -> Any:
        while self._free:  # a server that ended has closed its end, which the loop has heard of
            if not (connection := self._free.pop()).is_closed():
                return connection
        try:
            return await _connect(self._conninfo)
        except asyncpg.PostgresError as error:
            raise _as_psycopg(error) from None
        except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
            raise psycopg.OperationalError(type(error).__name__) from None

    async def close(self) -> None:
        """Nothing more is asked of it: what is under way is cut off."""
        for connection in self._lent:
            connection.terminate()
        while self._free:
            await _part(self._free.pop())


async def _connect(conninfo: str) -> Any:
    said = conninfo_to_dict(conninfo)
    address = {name: said[name] for name in _SAID if name in said}
    return await asyncpg.connect(
        "postgresql://?" + urlencode(address | {"dbname": said.get("dbname", "")}),
        timeout=CONNECT_SECONDS,
        max_cached_statement_lifetime=0,  # there is a handful of them
        server_settings=PLANS | ({"options": said["options"]} if said.get("options") else {}),
        connection_class=_Connection,
    )


async def _part(connection: Any) -> None:
    try:
        await connection.close(timeout=1)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        connection.terminate()


def _as_psycopg(error: Any) -> psycopg.Error:
    """The same in psycopg's words: a lost connection is away, as it is there."""
    state = error.sqlstate or ""
    if state.startswith("08"):
        return psycopg.OperationalError(type(error).__name__)
    try:
        return psycopg.errors.lookup(state)(type(error).__name__)
    except KeyError:
        return psycopg.DatabaseError(type(error).__name__)
