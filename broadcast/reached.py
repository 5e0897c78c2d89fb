"""How many an edition reached: what may be said of it, at the desk and in public.

Counted from its rows, and kept for as long as little can have changed: minutes while it leaves, a week when it is old.
Where nothing is kept that still stands, whoever asks counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from broadcast.edition import FEW
from cases.suppression import FEWEST
from store.database import Conn, Tx, fetch_all, fetch_one

# States of an edition's messages, as people would ask for them.
LEFT, LEAVING, HELD = ("sent", "delivered", "read"), ("queued", "sending"), ("parked",)


def standing(state: str, messages: Mapping[str, int]) -> str:
    """What may be said of an edition: its state, but that "sent" is said of none that still leaves or reached nobody.

    `messages` are its messages by state. Of a frozen edition whose people were all looked at: `sending` while some
    still leave, `nobody` where nobody had asked for it, `unreached` where none could be told, else `sent`.
    """
    if state != "sent":
        return state
    if any(messages.get(one) for one in LEAVING):
        return "sending"
    if any(messages.get(one) for one in LEFT):
        return "sent"
    return "unreached" if messages else "nobody"


@dataclass(frozen=True, slots=True)
class Reached:
    """How many had asked for an edition, and what became of their copies; None under FEWEST, else in fives."""

    asked: int | None
    reached: int | None
    waiting: int | None
    unreached: int | None

    def say(self) -> tuple[str, dict[str, Any]]:
        """The text key and values of the sentence that tells it."""
        if self.asked is None:
            return "public.updates.reach_few", {}
        numbers = {name: getattr(self, name) for name in self.__slots__}
        return "public.updates.reach", {name: FEW if number is None else number for name, number in numbers.items()}


_COUNT: LiteralString = """
SELECT o.state, coalesce(o.error, '') AS why, ch.kind, o.lang, count(*) AS n
FROM outbox o JOIN contacts c ON c.id = o.contact_id JOIN channels ch ON ch.id = c.channel_id
WHERE o.edition_id = %s GROUP BY 1, 2, 3, 4"""
LEAST, LONGEST = timedelta(minutes=2), timedelta(days=7)
TWENTIETH = 20  # of its age: so much later what became of it is counted again


@dataclass(frozen=True, slots=True)
class Kept:
    """What was counted of an edition: its messages by state, and [{"state", "why", "kind", "lang", "n"}, …]."""

    messages: dict[str, int]
    parts: list[dict[str, Any]]


async def find_kept(conn: Conn, edition_id: UUID | str, now: datetime) -> Kept | None:
    return await fetch_one(
        conn, "SELECT messages, parts FROM reaches WHERE edition_id = %s AND until > %s", (edition_id, now), of=Kept
    )


async def keep_one(tx: Tx, now: datetime) -> bool:
    """Count the edition that is longest due. True where others may be. Two at once do no harm."""
    row = await fetch_one(
        tx,
        "SELECT e.id, coalesce(e.sent_at, e.send_after, %(now)s) AS since FROM editions e"
        " LEFT JOIN reaches k ON k.edition_id = e.id WHERE e.state IN ('sending', 'sent', 'stopped')"
        " AND coalesce(k.until <= %(soon)s, true) ORDER BY k.until NULLS FIRST, e.week DESC LIMIT 1",
        {"now": now, "soon": now + timedelta(minutes=1)},
    )
    if row is None:
        return False
    parts = await fetch_all(tx, _COUNT, (row["id"],))
    messages: Counter[str] = Counter()
    for part in parts:
        messages[part["state"]] += part["n"]
    await tx.execute(
        "INSERT INTO reaches (edition_id, messages, parts, until) VALUES (%s, %s, %s, %s) ON CONFLICT (edition_id)"
        " DO UPDATE SET messages = excluded.messages, parts = excluded.parts, until = excluded.until",
        (row["id"], Jsonb(messages), Jsonb(parts), now + _stands(now - row["since"])),
    )
    return True


def _stands(age: timedelta) -> timedelta:
    return min(LONGEST, max(LEAST, age / TWENTIETH))


async def forget(tx: Tx, edition_id: UUID) -> None:
    """What was counted of it does not stand any more."""
    await tx.execute("DELETE FROM reaches WHERE edition_id = %s", (edition_id,))


async def count(conn: Conn, edition_id: UUID | str) -> Reached:
    """As kept, else counted. Who took their wish back before it left had not asked."""
    row = await fetch_one(
        conn,
        "SELECT coalesce((e.passed->>'unreachable')::int, 0) AS unreachable, coalesce(k.messages, m.messages, '{}')"
        " AS messages FROM editions e LEFT JOIN reaches k ON k.edition_id = e.id AND k.until > now()"
        " LEFT JOIN LATERAL (SELECT jsonb_object_agg(s.state, s.n) AS messages FROM (SELECT o.state, count(*) AS n"
        "   FROM outbox o WHERE o.edition_id = e.id AND k.edition_id IS NULL GROUP BY o.state) s) m ON true"
        " WHERE e.id = %s",
        (edition_id,),
    )
    if row is None:
        return Reached(None, None, None, None)
    messages = Counter[str](row["messages"])
    gone, waiting = (sum(messages[one] for one in states) for states in (LEFT, (*LEAVING, *HELD)))
    asked = messages.total() - messages["withdrawn"] + row["unreachable"]
    return Reached(*(_in_fives(number) for number in (asked, gone, waiting, asked - gone - waiting)))


def _in_fives(number: int) -> int | None:
    """It runs on while messages leave: of an exact one, two readings would show a single person."""
    return number - number % FEWEST if number >= FEWEST else None
