"""The protected room from both sides: sealing as a citizen does, looking as a reader does."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg

from cases.protected import acting, reading, vault
from cases.protected.acting import Reader
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW

CANARY = "قناری-zarqa-7731"
SEALED = "SELECT (SELECT count(*) FROM sealed.cases) + (SELECT count(*) FROM sealed.items) AS n"
DATA = {"text": CANARY, "address": "+923001234567", "lang": "ps"}


async def seal(db: Database, keys: Keys, code_hash: bytes, *, kind: str = "story", data: Any = None) -> UUID:
    async with db.transaction("intake") as tx:
        return await vault.seal(
            tx, keys, code_hash=code_hash, district_id="pishin", kind=kind, data=data or DATA, now=NOW
        )


async def look(
    db: Database, keys: Keys, case_id: UUID, reader: SimpleNamespace, *, reason: str = "first_look", now: datetime = NOW
) -> list[reading.Item]:
    async with db.transaction("custody") as tx:
        return await reading.open_items(
            tx, keys, case_id, staff_id=reader.id, private_key=reader.key, reason=reason, now=now
        )


async def act(db: Database, keys: Keys, case_id: UUID, reader: SimpleNamespace, verb: str, **more: Any) -> Any:
    """One act of a reader in its own transaction, as the page does it; `verb` is a function of cases.protected."""
    now = more.pop("now", NOW)
    async with db.transaction("custody") as tx:
        if verb == "unask_close":
            return await reading.unask_close(tx, case_id, staff_id=reader.id)
        return await getattr(acting, verb)(tx, keys, case_id, Reader(reader.id, reader.key, now), **more)


CLOSING = {"found": "upheld", "heard": "unnamed", "text": "It was looked into."}


async def dump(owner: psycopg.AsyncConnection[Any], *, schema: str = "") -> dict[str, bytes]:
    """Every table as PostgreSQL would hand it out, byte for byte."""
    tables = await (
        await owner.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND (%s = '' OR schemaname = %s) ORDER BY 1",
            (schema, schema),
        )
    ).fetchall()
    dumped = {}
    for (table,) in tables:
        async with owner.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:
            dumped[table] = b"".join([bytes(part) async for part in copy])
    return dumped


async def wraps(db: Database) -> list[dict[str, Any]]:
    async with db.autocommit("custody") as conn:
        return await (await conn.execute("SELECT item_id, reader, wrap FROM sealed.wraps")).fetchall()
