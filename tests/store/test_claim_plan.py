"""The claim of a handful stays the same however many are queued, also where no statistics know of them yet."""

from __future__ import annotations

from typing import Any

from store.outbox import claims
from tests.conftest import Owner

QUEUED, HANDFUL = 600, 64
MANY = """
WITH channel AS (
    INSERT INTO channels (kind, provider, address, district_id) VALUES ('try', 'simulator', 'many', 'pishin')
    RETURNING id
), people AS (
    INSERT INTO contacts (id, channel_id, address_tag, address_box)
    SELECT gen_random_uuid(), channel.id, decode(md5(n::text), 'hex'), '' FROM channel, generate_series(1, %(people)s) n
    RETURNING id
)
INSERT INTO outbox (id, contact_id, lane, purpose, lang, message, state)
SELECT gen_random_uuid(), id, 'broadcasts', 'edition', 'ur', '', %(state)s FROM people"""


async def test_a_claim_reads_its_handful_and_not_all_that_is_queued_once_for_each(demo: object, owner: Owner) -> None:
    """Of a fan-out that nothing has analyzed: the planner believes that nobody waits."""
    await owner.execute("ALTER TABLE outbox SET (autovacuum_enabled = false)")
    await owner.execute(MANY, {"people": 3000, "state": "delivered"})
    await owner.execute("ANALYZE outbox")
    await owner.execute(MANY.replace("'many'", "'more'"), {"people": QUEUED, "state": "queued"})
    given = {"lane": "broadcasts", "full": [], "most": HANDFUL}
    done = await owner.execute(("EXPLAIN (ANALYZE, FORMAT JSON) " + claims.CLAIM_DUE).encode(), given)
    row: Any = await done.fetchone()
    plan = row[0][0]["Plan"]
    assert plan["Actual Rows"] == HANDFUL
    assert dropped(plan) < 10 * QUEUED, "rows that were read and not wanted"


def dropped(plan: dict[str, Any]) -> float:
    """Rows that a plan read and did not want, in all its parts and loops."""
    here: float = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Join Filter", 0)
    loops: float = plan["Actual Loops"]
    return here * loops + sum(map(dropped, plan.get("Plans", [])))
