"""How many an edition reached: what may be said of it, at the desk and in public. Counted from its rows every time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from broadcast.edition import FEW
from cases.suppression import FEWEST
from store.database import Conn, fetch_one

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


async def count(conn: Conn, edition_id: UUID | str) -> Reached:
    """Counted from its rows. Who took their wish back before it left had not asked."""
    row = await fetch_one(
        conn,
        "SELECT coalesce((e.passed->>'unreachable')::int, 0) AS unreachable, coalesce(m.kept, 0) AS kept,"
        " coalesce(m.reached, 0) AS reached, coalesce(m.waiting, 0) AS waiting FROM editions e"
        " LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE o.state <> 'withdrawn') AS kept,"
        "   count(*) FILTER (WHERE o.state = ANY(%(left)s)) AS reached,"
        "   count(*) FILTER (WHERE o.state = ANY(%(waiting)s)) AS waiting"
        "   FROM outbox o WHERE o.edition_id = e.id) m ON true WHERE e.id = %(edition)s",
        {"edition": edition_id, "left": list(LEFT), "waiting": [*LEAVING, *HELD]},
    )
    if row is None:
        return Reached(None, None, None, None)
    asked = row["kept"] + row["unreachable"]
    rest = asked - row["reached"] - row["waiting"]
    return Reached(*(_in_fives(number) for number in (asked, row["reached"], row["waiting"], rest)))


def _in_fives(number: int) -> int | None:
    """It runs on while messages leave: of an exact one, two readings would show a single person."""
    return number - number % FEWEST if number >= FEWEST else None
