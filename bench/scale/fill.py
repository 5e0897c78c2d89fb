"""Fill an empty migrated database with a province of so many cases; see fill.sql.

Words are boxed for open cases alone, so that each case of the queue can be opened; those of the others hold nothing.
Addresses are boxed for these and for all subscribers, who are looked up on each number of their district.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from broadcast import edition
from cases import districts, seed, thread
from cases.outcomes import DATA
from flows.categories import CATEGORIES, OFFERED
from store import contacts
from store.crypto import Keys
from store.database import Database

FILL = Path(__file__).with_name("fill.sql")
STORY = {"text": "تین دن سے نلکے میں پانی نہیں آ رہا ہے"}
SAID = {"says": [["case.acknowledged", {}]]}
PLACE = "\n-- ── "


async def base(db: Database, keys: Keys) -> list[dict[str, str]]:
    """The demo district with its people, and the other districts with their tehsils. Returns the demo's logins."""
    logins = await seed.seed_demo(db, keys)
    with (DATA / "districts.csv").open(encoding="utf-8", newline="") as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    async with db.transaction("console") as tx:
        for district_id in ids:
            if district_id != "pishin":
                await districts.add(tx, district_id)
    return logins


@dataclass(frozen=True, slots=True)
class Plan:
    """How many cases, by which dice, until which moment."""

    cases: int
    seed: int
    now: datetime


def fill(url: str, keys: Keys, plan: Plan, tell: Callable[[str], None] = lambda _: None) -> None:
    """As superuser, after `base`. Secondary indexes are taken away meanwhile and made again. Blocking."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")  # triggers and checks of keys sleep
        conn.execute("SET synchronous_commit = off")
        conn.execute("SET work_mem = '256MB'")
        conn.execute("SET maintenance_work_mem = '512MB'")
        conn.execute("SET timezone = 'UTC'")
        indexes = conn.execute(
            "SELECT schemaname, indexname, indexdef FROM pg_indexes JOIN pg_class c ON c.relname = indexname"
            " AND c.relnamespace = schemaname::regnamespace WHERE schemaname IN ('public', 'sealed')"
            " AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid)"
        ).fetchall()
        for schema, name, _ in indexes:
            conn.execute(f'DROP INDEX "{schema}"."{name}"'.encode())
        said = [*CATEGORIES, *OFFERED[::2], OFFERED[0]]  # some of them are said twice as often, the first three times
        given = {
            "<<cases>>": str(plan.cases),
            "<<seed>>": str(plan.seed),
            "<<now>>": plan.now.isoformat(),
            "<<categories>>": ",".join(said),
            "<<of>>": str(len(said)),
        }
        text = FILL.read_text(encoding="utf-8")
        for mark, value in given.items():
            text = text.replace(mark, value)
        for part in text.split(PLACE)[1:]:
            _timed(tell, part.splitlines()[0], partial(conn.execute, ("-- " + part).encode()))
        _timed(tell, "digests", lambda: _digests(conn))
        _timed(tell, "words of open cases", lambda: _box(conn, keys))
        conn.execute("DROP SCHEMA seed CASCADE")
        _timed(tell, "indexes", lambda: [conn.execute(made.encode()) for _, _, made in indexes])
        _timed(tell, "vacuum and analyze", lambda: conn.execute("VACUUM ANALYZE"))
        conn.execute("CHECKPOINT")


def _timed(tell: Callable[[str], None], what: str, work: Callable[[], Any]) -> None:
    begun = time.monotonic()
    work()
    tell(f"  {time.monotonic() - begun:6.1f} s  {what.strip(' ─')}")


def _digests(conn: psycopg.Connection[Any]) -> None:
    rows = conn.execute("SELECT id, items FROM editions WHERE digest = ''").fetchall()
    with conn.cursor() as cursor:
        cursor.executemany(
            "UPDATE editions SET digest = %s WHERE id = %s", [(edition.digest(items), one) for one, items in rows]
        )


def _box(conn: psycopg.Connection[Any], keys: Keys) -> None:
    """Put real boxes where a page of an open case would open them."""
    items = conn.execute(
        "SELECT i.id, i.kind FROM case_items i JOIN seed.cases c ON c.id = i.case_id"
        " WHERE c.is_open AND i.body IS NOT NULL"
    ).fetchall()
    phones = conn.execute(
        "SELECT contact_id FROM seed.cases WHERE is_open UNION SELECT id FROM contacts WHERE weekly_since IS NOT NULL"
    ).fetchall()
    boxes = [
        *(
            ("item", one, keys.put_json(SAID if kind == "said" else STORY, thread.body_bound_to(one)))
            for one, kind in items
        ),
        *(("contact", one, _address(keys, one)) for (one,) in phones),
    ]
    conn.execute("CREATE TEMP TABLE boxes (what text, id uuid, box bytea)")
    with conn.cursor().copy("COPY boxes FROM STDIN") as copy:
        for row in boxes:
            copy.write_row(row)
    conn.execute("ANALYZE boxes")
    conn.execute("UPDATE case_items SET body = box FROM boxes WHERE what = 'item' AND case_items.id = boxes.id")
    conn.execute("UPDATE contacts SET address_box = box FROM boxes WHERE what = 'contact' AND contacts.id = boxes.id")


def _address(keys: Keys, contact_id: UUID) -> bytes:
    return keys.encrypt(f"+92{contact_id.int % 10**10:010}".encode(), contacts.bound_to(contact_id))
