"""How far an edition has come while it goes, and what it costs: the desk's side of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from broadcast import reached, renderings
from broadcast.edition import Item
from broadcast.reached import LEAVING, LEFT
from broadcast.renderings import Heading
from locales.channels import CHANNELS
from store.database import Conn, fetch_all

LATELY = timedelta(minutes=1)  # over which a pace is measured


def sms_parts(items: Sequence[Item], heading: Heading, forms: Mapping[tuple[str, str], int]) -> int:
    """SMS parts that this many copies cost."""
    return sum(
        number * renderings.parts(renderings.compose(items, heading, lang, kind), lang, kind)
        for (kind, lang), number in forms.items()
        if CHANNELS[kind].parts
    )


# ── while it runs ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Progress:
    """How far an edition has come: its messages by state, by form, and why some wait or failed."""

    messages: dict[str, int]
    reasons: dict[tuple[str, str], int]  # (state, what was noted) -> messages
    forms: dict[tuple[str, str], int]  # (kind of channel, language) -> messages
    leaving: dict[str, int]  # kind of channel -> messages that are due or on their way
    lately: dict[str, int]  # kind of channel -> messages that left within LATELY

    @property
    def total(self) -> int:
        return sum(self.messages.values())

    @property
    def gone(self) -> int:
        """How many messages have left us."""
        return sum(self.messages.get(one, 0) for one in LEFT)

    @property
    def pace(self) -> int:
        """Messages that left within LATELY."""
        return sum(self.lately.values())

    def minutes_left(self) -> int:
        """Until the last of those that may leave now has left: at the pace seen, else at the channel's own rate."""
        longest = 0.0
        for kind, number in self.leaving.items():
            seen = self.lately.get(kind, 0) / LATELY.total_seconds()
            longest = max(longest, number / (seen or CHANNELS[kind].rate))
        return max(1, round(longest / 60)) if longest else 0


async def progress(conn: Conn, edition_id: UUID, now: datetime) -> Progress:
    """As kept where all have left; else counted: a pace is of the last minute."""
    kept = await reached.find_kept(conn, edition_id, now)
    stands = kept is not None and not any(kept.messages.get(one) for one in LEAVING)
    rows = kept.parts if kept is not None and stands else await _count(conn, edition_id, now)
    messages, reasons, forms = Counter[str](), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    leaving, lately = Counter[str](), Counter[str]()
    for row in rows:
        messages[row["state"]] += row["n"]
        forms[row["kind"], row["lang"]] += row["n"]
        leaving[row["kind"]] += row.get("due", 0)
        lately[row["kind"]] += row.get("lately", 0)
        if row["why"] and row["state"] not in LEFT:
            reasons[row["state"], row["why"]] += row["n"]
    return Progress(dict(messages), dict(reasons), dict(forms), dict(+leaving), dict(+lately))


async def _count(conn: Conn, edition_id: UUID, now: datetime) -> list[dict[str, Any]]:
    return await fetch_all(
        conn,
        "SELECT o.state, coalesce(o.error, '') AS why, ch.kind, o.lang, count(*) AS n,"
        " count(*) FILTER (WHERE o.sent_at > %(since)s) AS lately,"
        " count(*) FILTER (WHERE o.state = ANY(%(leaving)s) AND o.due_at <= %(now)s) AS due"
        " FROM outbox o JOIN contacts c ON c.id = o.contact_id JOIN channels ch ON ch.id = c.channel_id"
        " WHERE o.edition_id = %(edition)s GROUP BY 1, 2, 3, 4",
        {"edition": edition_id, "since": now - LATELY, "now": now, "leaving": list(LEAVING)},
    )
