"""A pool that notices: a database that is back is used within a second, and what died while it lay idle is nobody's."""

from __future__ import annotations

import logging
import math
import select
import time
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from psycopg_pool.base import AttemptWithBackoff

Connection = AsyncConnection[DictRow]
CONNECT_SECONDS = 5  # for one try: a machine that is gone does not even refuse
TELL_EVERY = 30.0


class _Seldom(logging.Filter):
    """psycopg's pool writes a line for each try of each connection; one in half a minute tells as much."""

    _tell_at = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if not str(record.msg).startswith("error connecting"):
            return True
        now = time.monotonic()
        if now < self._tell_at:
            return False
        self._tell_at = now + TELL_EVERY
        return True


logging.getLogger("psycopg.pool").addFilter(_Seldom())


class _Steadily(AttemptWithBackoff):
    """Tries again after half a second, always: the pool's own pauses double, and it gives up after five minutes."""

    INITIAL_DELAY = 0.5
    DELAY_BACKOFF = 1.0


def is_away(error: BaseException) -> bool:
    """Whether this says that the database is not there, or went in the middle of it; and nothing of what was asked."""
    if isinstance(error, psycopg.OperationalError):  # 57P: ended by its operator, crashed, starting
        return error.sqlstate is None or error.sqlstate.startswith("57P")
    return isinstance(error, PoolTimeout)


class Pool(AsyncConnectionPool[Connection]):
    """psycopg's pool; what it lends was alive a moment ago, and what it lost it looks for without growing tired."""

    def __init__(self, conninfo: str, *, kwargs: dict[str, Any], **more: Any) -> None:
        super().__init__(conninfo, kwargs={"connect_timeout": CONNECT_SECONDS, **kwargs}, open=False, **more)

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109 - as the pool calls it
        """A living connection. Raises PoolTimeout where there was none for `timeout` seconds.

        After a restart of the database every idle one is dead: each is put away here, at no cost to who asks.
        """
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            connection = await super().getconn(max(0.0, end - time.monotonic()))
            if is_alive(connection):
                return connection
            await connection.close()
            await self.putconn(connection)  # which makes another one in its place
            if time.monotonic() > end:
                raise PoolTimeout("only dead connections")

    async def _get_ready_connection(self, timeout: float | None) -> Connection | None:  # noqa: ASYNC109 - as the pool calls it
        """The one that was given back last: its server's process still has in mind what a turn asks."""
        self._pool.rotate(1)
        return await super()._get_ready_connection(timeout)

    async def _add_connection(self, attempt: AttemptWithBackoff | None, growing: bool = False) -> None:
        await super()._add_connection(attempt or _Steadily(timeout=math.inf), growing)


def is_alive(connection: Connection) -> bool:
    """Whether an idle connection still stands, as far as this machine knows: no question is sent, it costs no time.

    A server that ended has said so, or has closed its end; both lie unread before us.
    """
    if connection.closed:
        return False
    waiting = select.poll()
    waiting.register(connection.pgconn.socket, select.POLLIN)
    try:
        while waiting.poll(0):
            connection.pgconn.consume_input()  # a notice may be read; the end of the line raises
    except psycopg.OperationalError:
        return False
    return True
