"""Time is moved in the rows: every moment that stands in a table is so much longer ago."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql

_COLUMNS = """
SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t
USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
AND c.data_type = %s AND is_generated = 'NEVER' AND table_name NOT IN ('jobs', 'audit', 'places')"""


async def later(owner: psycopg.AsyncConnection[Any], hours: float, *, days: int = 0) -> None:
    """So many hours go by, and so many days of what has no hour. As the owner."""
    moved: dict[str, timedelta | int] = {"timestamp with time zone": timedelta(hours=hours), "date": days}
    for kind, by in moved.items():
        for table, column in await (await owner.execute(_COLUMNS, (kind,))).fetchall():
            await _shift(owner, table, column, by)


async def _shift(owner: psycopg.AsyncConnection[Any], table: str, column: str, by: timedelta | int) -> None:
    """Also in tables where nothing may be changed: it is the clock that is moved."""
    names = {"t": sql.Identifier(table), "c": sql.Identifier(column)}
    for statement in (
        "ALTER TABLE {t} DISABLE TRIGGER USER",
        "UPDATE {t} SET {c} = {c} - {by} WHERE {c} IS NOT NULL",
        "ALTER TABLE {t} ENABLE TRIGGER USER",
    ):
        await owner.execute(sql.SQL(statement).format(**names, by=sql.Literal(by)))
