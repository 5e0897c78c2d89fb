"""What `make bench-scale` fills a database with: its rows belong together, and every page stands on them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app import pages_of
from bench.scale import fill, look, places
from store.crypto import Keys
from store.jawab import Jawab

CASES = 700
POINTERS = """
SELECT conrelid::regclass::text, confrelid::regclass::text, a.attname, b.attname FROM pg_constraint k
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]
WHERE k.contype = 'f' AND cardinality(k.conkey) = 1"""


async def test_rows_belong_together_and_every_page_stands(
    jawab: Jawab, demo: object, database_url: str, addresses: tuple[str, str], keys: Keys
) -> None:
    await fill.base(jawab.db, keys)
    url = make_conninfo(addresses[1], dbname=conninfo_to_dict(database_url)["dbname"])
    fill.fill(url, keys, fill.Plan(CASES, 1, datetime.now(UTC)))
    with psycopg.connect(url) as conn:
        lost = [
            (table, column)
            for table, other, column, its in conn.execute(POINTERS).fetchall()
            if conn.execute(
                sql.SQL(
                    "SELECT 1 FROM {} a WHERE {a} IS NOT NULL AND NOT EXISTS (SELECT FROM {} b WHERE {b} = {a})"
                ).format(sql.SQL(table), sql.SQL(other), a=sql.Identifier("a", column), b=sql.Identifier("b", its))
            ).fetchone()
        ]
        counted = conn.execute("SELECT count(*) FROM cases").fetchone()
    assert lost == []
    assert counted == (CASES,)
    application = pages_of(dataclasses.replace(jawab))
    for asked in await places.of(jawab):
        cookie = f"{application.state.place.cookie}={await look.enter(jawab, asked.login)}" if asked.login else ""
        status, body = await look.ask(application, asked, cookie)
        assert status == 200, asked.path
        assert body, asked.path
