"""Whom a district's next edition would go to: counted by the clock, kept for every page that asks.

Fifty thousand people are asked one by one how they could be reached. So what is shown was counted some minutes ago, and
says when; an edition that leaves asks each of them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from broadcast import audience
from locales.channels import CHANNELS
from store.crypto import Keys
from store.database import Conn, Tx, fetch_one

PAGE = 500  # people looked at in one piece: 20 ms of Python where a district has several numbers
STANDS = timedelta(minutes=10)  # while somebody may be about to approve
LONGEST, OLD = timedelta(days=1), timedelta(days=8)  # a draft that nobody has touched for so long is no longer followed


@dataclass(frozen=True, slots=True)
class Audience:
    """Who has asked for it, and who of them could be reached then; all subscriptions are the sum of its numbers."""

    counted_at: datetime
    now: int = 0  # their window is open, or their channel has none
    template: int = 0  # they wrote too long ago: nothing but an approved template reaches them
    sms: int = 0
    passed: Mapping[str, int] = field(default_factory=dict)  # doubles, stopped, unreachable; see audience.Page
    forms: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (kind of channel, language) -> people

    @property
    def people(self) -> int:
        """Who gets a message of their own."""
        return self.now + self.template + self.sms

    @property
    def subscriptions(self) -> int:
        return self.people + sum(self.passed.values())


async def find(conn: Conn, district_id: str) -> Audience | None:
    """As it was last counted; None where it never was."""
    row = await fetch_one(
        conn, "SELECT counted_at, ways, passed, forms FROM audiences WHERE district_id = %s", (district_id,)
    )
    if row is None:
        return None
    forms = {(kind, lang): people for kind, lang, people in row["forms"]}
    return Audience(row["counted_at"], **row["ways"], passed=Counter(row["passed"]), forms=forms)


async def keep(conn: Conn, keys: Keys, district_id: str, now: datetime) -> Audience:
    """Count it and keep that. Looks at everybody who asked: some 10 to 50 µs a person. Two at once do no harm."""
    counted = await _count(conn, keys, district_id, now)
    ways = {"now": counted.now, "template": counted.template, "sms": counted.sms}
    forms = [[kind, lang, people] for (kind, lang), people in counted.forms.items()]
    await conn.execute(
        "INSERT INTO audiences (district_id, counted_at, ways, passed, forms) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (district_id) DO UPDATE SET counted_at = excluded.counted_at, ways = excluded.ways,"
        " passed = excluded.passed, forms = excluded.forms WHERE audiences.counted_at <= excluded.counted_at",
        (district_id, now, Jsonb(ways), Jsonb(counted.passed), Jsonb(forms)),
    )
    return counted


async def keep_one(tx: Tx, keys: Keys, now: datetime) -> bool:
    """Count the district that is longest due and has an edition that has not begun to leave. True where others may."""
    row = await fetch_one(
        tx,
        "SELECT e.district_id FROM editions e LEFT JOIN audiences k USING (district_id)"
        " WHERE e.state IN ('draft', 'approved') AND coalesce(k.counted_at <= %(now)s - CASE"
        " WHEN coalesce(e.approved_at, e.drafted_at) > %(now)s - %(old)s THEN %(stands)s ELSE %(longest)s END, true)"
        " ORDER BY k.counted_at NULLS FIRST LIMIT 1",
        {"now": now, "old": OLD, "stands": STANDS, "longest": LONGEST},
    )
    if row is None:
        return False
    await keep(tx, keys, row["district_id"], now)
    return True


async def _count(conn: Conn, keys: Keys, district_id: str, now: datetime) -> Audience:
    ways: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    forms: Counter[tuple[str, str]] = Counter()
    after: UUID | None = None
    while (page := await audience.page(conn, keys, district_id, after, PAGE)).last is not None:
        after = page.last
        passed += page.passed
        for reader in page.readers:
            forms[reader.kind, reader.lang or "ur"] += 1
            ways[_way(reader, now)] += 1
    return Audience(now, **ways, passed=passed, forms=forms)


def _way(reader: audience.Reader, now: datetime) -> str:
    limits = CHANNELS[reader.kind]
    if limits.window_hours is None:
        return "sms" if limits.parts else "now"
    open_still = reader.wrote_at is not None and now - reader.wrote_at < timedelta(hours=limits.window_hours)
    return "now" if open_still else "template"
