"""Who gets an edition: everybody who asked for it, has not ended it, can be reached, and each person once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from store import contacts
from store.crypto import Keys
from store.database import Conn, fetch_all

# Subscribed, not opted out at the provider, not a number that does not exist.
REACHABLE = "c.weekly_since IS NOT NULL AND c.stopped_at IS NULL AND c.invalid_at IS NULL"


@dataclass(frozen=True, slots=True)
class Reader:
    """One person to send to; `lang` is "" where no language was chosen yet."""

    contact_id: UUID
    lang: str
    kind: str  # of channel
    wrote_at: datetime | None  # when they last wrote to us there


@dataclass(frozen=True, slots=True)
class Page:
    """The next people who asked for it. `passed`: how many of them are passed over, by reason: `doubles` (served on
    another number), `stopped`, `unreachable` (nobody is at that number). `last` is None where there are no more."""

    readers: list[Reader]
    passed: Counter[str]
    last: UUID | None


# A range of the partial index contacts_weekly for each channel, merged: the cost of a page does not grow with depth.
_PAGE: LiteralString = """SELECT c.*, ch.kind FROM channels ch CROSS JOIN LATERAL (
   SELECT c.id, c.lang, c.channel_id, c.address_box, c.weekly_since, c.last_inbound_at,
     c.stopped_at IS NOT NULL AS stopped, c.invalid_at IS NOT NULL AS unreachable FROM contacts c
   WHERE c.channel_id = ch.id AND c.weekly_since IS NOT NULL AND (%(after)s::uuid IS NULL OR c.id > %(after)s)
   ORDER BY c.id LIMIT %(limit)s) c
 WHERE ch.district_id = %(district)s AND ch.retired_at IS NULL ORDER BY c.id LIMIT %(limit)s"""

_SAME_PERSON = f"""SELECT c.id, c.channel_id, c.address_tag, c.weekly_since FROM contacts c
 JOIN unnest(%s::uuid[], %s::bytea[]) AS t (channel_id, tag) ON c.channel_id = t.channel_id AND c.address_tag = t.tag
 WHERE {REACHABLE}"""  # noqa: S608 - no value from outside


async def page(conn: Conn, keys: Keys, district_id: str, after: UUID | None, limit: int) -> Page:
    """The next people by contact id.

    The same phone on several of the district's numbers is one person, served where it subscribed last: two messages
    to one phone are money and trust lost. Addresses are compared by their keyed hash on each of our numbers.
    """
    rows = await fetch_all(conn, _PAGE, {"district": district_id, "after": after, "limit": limit})
    if not rows:
        return Page([], Counter(), None)
    channels = await fetch_all(
        conn, "SELECT id, kind, address FROM channels WHERE district_id = %s AND retired_at IS NULL", (district_id,)
    )
    owners: dict[tuple[UUID, bytes], list[UUID]] = {}  # a tag elsewhere -> the contacts of this page it may double
    for row in rows if len(channels) > 1 else ():
        address = keys.decrypt(row["address_box"], contacts.bound_to(row["id"])).decode()
        for channel in channels:
            if channel["id"] != row["channel_id"]:
                tag = contacts.tag(keys, channel["kind"], channel["address"], address)
                owners.setdefault((channel["id"], tag), []).append(row["id"])
    since = {row["id"]: (row["weekly_since"], row["id"]) for row in rows if not (row["stopped"] or row["unreachable"])}
    doubles: set[UUID] = set()
    if owners:
        ids, tags = zip(*owners, strict=True)
        for other in await fetch_all(conn, _SAME_PERSON, (list(ids), list(tags))):
            later = (other["weekly_since"], other["id"])
            for contact_id in owners[other["channel_id"], bytes(other["address_tag"])]:
                if contact_id not in since or since[contact_id] < later:
                    doubles.add(contact_id)
    why = [next((reason for reason, so in _why(row, doubles) if so), "") for row in rows]
    readers = [
        Reader(row["id"], row["lang"], row["kind"], row["last_inbound_at"])
        for row, reason in zip(rows, why, strict=True)
        if not reason
    ]
    return Page(readers, Counter(filter(None, why)), rows[-1]["id"])


def _why(row: dict[str, Any], doubles: set[UUID]) -> tuple[tuple[str, bool], ...]:
    return ("doubles", row["id"] in doubles), ("stopped", row["stopped"]), ("unreachable", row["unreachable"])
