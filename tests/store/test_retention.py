"""Old rows go by class, and only what nothing is counted from; what points at them can be looked up."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from store import retention
from store.database import Database
from tests.conftest import Owner

OLD, YOUNG, LATELY = timedelta(days=500), timedelta(days=300), timedelta(days=30)
POINTED_AT = ("outbox", "inbox", "media", "alarms", "cases", "links", "mails", "referrals", "editions", "copies")
UNINDEXED = """
SELECT k.conrelid::regclass::text, a.attname FROM pg_constraint k
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND k.confrelid = ANY(%s::regclass[]) AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1]
        AND coalesce(pg_get_expr(i.indpred, i.indrelid), format('(%%s IS NOT NULL)', a.attname))
            = format('(%%s IS NOT NULL)', a.attname))"""


class Rows:
    """What the tests lay down, by name."""

    def __init__(self, owner: Owner, contact: UUID) -> None:
        self.owner, self.contact = owner, contact
        self.ids: dict[str, UUID] = {}

    async def message(self, name: str, age: timedelta, *, state: str = "done", body: bytes | None = None) -> UUID:
        self.ids[name] = one = uuid4()
        await self.owner.execute(
            "INSERT INTO inbox (id, provider, provider_id, contact_id, received_at, state, body)"
            " VALUES (%s, 'twilio', %s, %s, %s, %s, %s)",
            (one, str(one), self.contact, datetime.now(UTC) - age, state, body),
        )
        return one

    async def reply(self, name: str, age: timedelta, *, state: str = "withdrawn", purpose: str = "reply") -> UUID:
        self.ids[name] = one = uuid4()
        await self.owner.execute(
            "INSERT INTO outbox (id, contact_id, lane, purpose, lang, message, state, error, created_at)"
            " VALUES (%s, %s, 'replies', %s, 'ur', '', %s, 'replaced', %s)",
            (one, self.contact, purpose, state, datetime.now(UTC) - age),
        )
        return one

    async def left(self, *tables: str) -> set[str]:
        there: set[UUID] = set()
        for table in tables:
            there |= {one for (one,) in await (await self.owner.execute(f"SELECT id FROM {table}".encode())).fetchall()}
        return {name for name, one in self.ids.items() if one in there}


@pytest.fixture
async def rows(demo: object, owner: Owner) -> Rows:
    contact = uuid4()
    await owner.execute(
        "INSERT INTO contacts (id, channel_id, address_tag, address_box)"
        " SELECT %s, id, 'tag', 'box' FROM channels WHERE kind = 'sms' LIMIT 1",
        (contact,),
    )
    return Rows(owner, contact)


async def let_go(db: Database, *, dry: bool = False) -> dict[str, int]:
    async with db.autocommit("console") as auto:
        return {one.kind.name: one.rows for one in await retention.let_go(auto, datetime.now(UTC), dry=dry) if one.rows}


async def test_husks_go_and_what_still_says_something_stays(rows: Rows, db: Database, owner: Owner) -> None:
    await rows.message("husk", OLD)
    await rows.message("another", OLD)
    await rows.message("young", YOUNG)
    await rows.message("undone", OLD, state="undone", body=b"words")
    await rows.message("dead", OLD, state="dead")
    await rows.message("with words", OLD, body=b"words")
    agreed, copied = await rows.message("agreed by it", OLD), await rows.message("at the provider", OLD)
    await owner.execute(
        "INSERT INTO consents (contact_id, topic, granted, method, inbox_id) VALUES (%s, 'weekly', true, 'word', %s)",
        (rows.contact, agreed),
    )
    await owner.execute(
        "INSERT INTO copies (id, channel_id, kind, state) SELECT %s, channel_id, 'message', 'kept' FROM contacts"
        " WHERE id = %s",
        (copied, rows.contact),
    )
    assert await let_go(db, dry=True) == {"husks of messages": 2}
    assert await rows.left("inbox") == set(rows.ids)
    assert await let_go(db) == {"husks of messages": 2}
    assert await rows.left("inbox") == set(rows.ids) - {"husk", "another"}
    assert await let_go(db) == {}


async def test_replies_that_never_left_go_and_no_other_message(rows: Rows, db: Database, owner: Owner) -> None:
    await rows.reply("replaced", OLD)
    await rows.reply("replaced lately", LATELY)
    await rows.reply("left", OLD, state="delivered")
    await rows.reply("failed", OLD, state="failed")
    await rows.reply("of a case", OLD, purpose="case")
    told = await rows.reply("in a thread", OLD)
    case = uuid4()
    await owner.execute(
        "INSERT INTO cases (id, code, district_id, contact_id, channel, lang, category, opened_at)"
        " VALUES (%s, '1234567890123', 'pishin', %s, 'sms', 'ur', 'water', now())",
        (case, rows.contact),
    )
    await owner.execute(
        "INSERT INTO case_items (id, case_id, author, kind, outbox_id)"
        " VALUES (gen_random_uuid(), %s, 'staff', 'answer', %s)",
        (case, told),
    )
    assert await let_go(db) == {"replies that never left": 1}
    assert await rows.left("outbox") == set(rows.ids) - {"replaced"}


async def test_alarms_that_are_over_go_and_open_ones_never(rows: Rows, db: Database, owner: Owner) -> None:
    for kind, cleared in (("over", OLD), ("over lately", YOUNG), ("open", None)):
        await owner.execute(
            "INSERT INTO alarms (kind, at, cleared_at) VALUES (%s, now() - interval '600 days', now() - %s::interval)",
            (kind, cleared),
        )
    await owner.execute(
        "INSERT INTO supervisors_told (staff_id, day, cases) SELECT id, day, 3 FROM staff,"
        " unnest(ARRAY[current_date - 500, current_date]) day WHERE login = 'demo-supervisor'"
    )
    assert await let_go(db) == {"alarms that are over": 1, "what supervisors were told": 1}
    kinds = await (await owner.execute("SELECT kind FROM alarms ORDER BY kind")).fetchall()
    assert [kind for (kind,) in kinds] == ["open", "over lately"]


async def test_a_run_goes_in_batches_and_two_at_once_take_each_row_once(
    rows: Rows, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    for number in range(10):
        await rows.message(str(number), OLD)
    gone = await asyncio.gather(let_go(db), let_go(db))
    assert sum(one.get("husks of messages", 0) for one in gone) == 10
    monkeypatch.setattr(retention, "MOST", 1)
    for number in range(10):
        await rows.message(f"more {number}", OLD)
    async with db.autocommit("console") as auto:
        bounded = await retention.let_go(auto, datetime.now(UTC))
    told = retention.tell(bounded, dry=False)
    assert (told[0]["went"], told[0]["more"]) == (3, True)
    assert json.dumps(told)


async def test_a_wrong_period_takes_nothing_that_is_young(rows: Rows, db: Database) -> None:
    await rows.message("young", timedelta(days=80))
    await rows.reply("young too", timedelta(days=80))
    now = {"before": datetime.now(UTC) + timedelta(days=1), "most": 100, "dry": False}
    async with db.autocommit("console") as auto:
        for kind in retention.KINDS:
            if kind.call:
                row: Any = await (await auto.execute(kind.call, now)).fetchone()
                assert row["n"] == 0, kind.name
        for table in ("inbox", "outbox", "alarms"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await auto.execute(f"DELETE FROM {table}".encode())
    assert await rows.left("inbox", "outbox") == {"young", "young too"}


def test_every_class_says_why() -> None:
    assert all(kind.why and (kind.call is None) == (kind.period is None) for kind in retention.KINDS)
    assert all(kind.period is None or kind.period >= timedelta(days=90) for kind in retention.KINDS)


async def test_what_points_at_rows_that_may_go_can_be_looked_up(owner: Owner) -> None:
    """Else deleting one row reads the whole table that might point at it."""
    found = await (await owner.execute(UNINDEXED, (list(POINTED_AT),))).fetchall()
    assert found == []
