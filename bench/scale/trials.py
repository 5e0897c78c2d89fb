"""What only trouble shows: the claim after a fan-out that no statistics know of yet, and letting old rows go.

Each runs in one transaction that is rolled back, as the owner, with the statements of the running code.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import psycopg
from psycopg.rows import dict_row

from store.outbox import claims

FANNED, CLAIM = 5_000, 64
DELETED = 1_000
PATIENCE = "30s"


def run(url: str, key: float) -> None:
    with psycopg.connect(url, row_factory=dict_row) as conn:
        conn.execute(f"SET statement_timeout = '{PATIENCE}'".encode())
        for name, trial in (("claim after a fan-out", _claims), ("delete old messages", _delete)):
            try:
                print(f"  {name:<34}{trial(conn, key)}", flush=True)
            except psycopg.Error as refused:
                print(f"  {name:<34}  {type(refused).__name__}", flush=True)
            conn.rollback()


def _claims(conn: psycopg.Connection[Any], key: float) -> str:
    """As many copies of an edition as one batch of a fan-out writes, none of which was analyzed."""
    conn.execute(
        "INSERT INTO outbox (id, contact_id, lane, purpose, edition_id, lang, message)"
        " SELECT gen_random_uuid(), c.id, 'broadcasts', 'edition', e.id, 'ur', '' FROM (SELECT id, district_id FROM"
        " editions ORDER BY week DESC, district_id LIMIT 1) picked JOIN editions e ON e.id = picked.id"
        " JOIN channels h ON true JOIN contacts c ON c.channel_id = h.id WHERE c.weekly_since IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM outbox o WHERE o.edition_id = e.id AND o.contact_id = c.id) LIMIT %s",
        (FANNED,),
    )
    given = {"lane": "broadcasts", "full": [], "most": CLAIM}
    times, dropped = [], 0
    for number in range(40):
        if number == 20:
            done = conn.execute(("EXPLAIN (ANALYZE, FORMAT JSON) " + claims.CLAIM_DUE).encode(), given)
            dropped = _dropped(done.fetchone()["QUERY PLAN"][0]["Plan"])
        begun = time.perf_counter()
        conn.execute(claims.CLAIM_DUE, given)
        times.append(1000 * (time.perf_counter() - begun))
    first, last = statistics.median(times[:10]), statistics.median(times[-10:])
    took = f"{first:.1f} ms for {CLAIM} at the beginning, {last:.1f} ms later ({last / key:.0f} x)"
    return f"{took}; rows thrown away {dropped}"


def _dropped(plan: dict[str, Any]) -> int:
    """Rows that a plan read and did not want, in all its parts."""
    here = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Join Filter", 0)
    return int(here * plan.get("Actual Loops", 1)) + sum(map(_dropped, plan.get("Plans", [])))


def _delete(conn: psycopg.Connection[Any], _: float) -> str:
    rows = conn.execute("SELECT id FROM outbox WHERE edition_id IS NOT NULL LIMIT %s", (DELETED,)).fetchall()
    begun = time.perf_counter()
    gone = conn.execute("DELETE FROM outbox WHERE id = ANY(%s)", ([row["id"] for row in rows],))
    return f"{gone.rowcount} rows of editions in {time.perf_counter() - begun:.2f} s"
