"""Who gets an edition: everybody who asked for it, has not ended it, can be reached, and each person once."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from store import contacts
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all

# Subscribed, not opted out at the provider, not a number that does not exist.
REACHABLE = "c.weekly_since IS NOT NULL AND c.stopped_at IS NULL AND c.invalid_at IS NULL"


@dataclass(frozen=True, slots=True)
class Reader:
    """One person to send to; `lang` is "" where no language was chosen yet."""

    contact_id: UUID
    lang: str
    kind: str  # of channel


# A range of the partial index contacts_weekly for each channel, merged: the cost of a page does not grow with depth.
_PAGE = f"""SELECT c.*, ch.kind FROM channels ch CROSS JOIN LATERAL (
   SELECT c.id, c.lang, c.channel_id, c.address_box, c.weekly_since FROM contacts c
   WHERE c.channel_id = ch.id AND {REACHABLE} AND (%(after)s::uuid IS NULL OR c.id > %(after)s)
   ORDER BY c.id LIMIT %(limit)s) c
 WHERE ch.district_id = %(district)s AND ch.retired_at IS NULL ORDER BY c.id LIMIT %(limit)s"""  # noqa: S608 - no value from outside

_SAME_PERSON = f"""SELECT c.id, c.channel_id, c.address_tag, c.weekly_since FROM contacts c
 JOIN unnest(%s::uuid[], %s::bytea[]) AS t (channel_id, tag) ON c.channel_id = t.channel_id AND c.address_tag = t.tag
 WHERE {REACHABLE}"""  # noqa: S608 - no value from outside


async def page(
    tx: Tx, keys: Keys, district_id: str, after: UUID | None, limit: int
) -> tuple[list[Reader], UUID | None]:
    """The next readers by contact id, and the last contact looked at (None: there are no more).

    The same phone on several of the district's numbers is one person, served where it subscribed last: two messages
    to one phone are money and trust lost. Addresses are compared by their keyed hash on each of our numbers.
    """
    rows = await fetch_all(tx, _PAGE, {"district": district_id, "after": after, "limit": limit})
    if not rows:
        return [], None
    channels = await fetch_all(
        tx, "SELECT id, kind, address FROM channels WHERE district_id = %s AND retired_at IS NULL", (district_id,)
    )
    owners: dict[tuple[UUID, bytes], list[UUID]] = {}  # a tag elsewhere -> the contacts of this page it may double
    for row in rows if len(channels) > 1 else ():
        address = keys.decrypt(row["address_box"], contacts.bound_to(row["id"])).decode()
        for channel in channels:
            if channel["id"] != row["channel_id"]:
                tag = contacts.tag(keys, channel["kind"], channel["address"], address)
                owners.setdefault((channel["id"], tag), []).append(row["id"])
    since = {row["id"]: (row["weekly_since"], row["id"]) for row in rows}
    doubles: set[UUID] = set()
    if owners:
        ids, tags = zip(*owners, strict=True)
        for other in await fetch_all(tx, _SAME_PERSON, (list(ids), list(tags))):
            later = (other["weekly_since"], other["id"])
            for contact_id in owners[other["channel_id"], bytes(other["address_tag"])]:
                if since[contact_id] < later:
                    doubles.add(contact_id)
    readers = [Reader(row["id"], row["lang"], row["kind"]) for row in rows if row["id"] not in doubles]
    return readers, rows[-1]["id"]


async def count(conn: Conn, district_id: str) -> dict[tuple[str, str], int]:
    """Subscribed contacts by (kind of channel, language); a person on two of our numbers counts twice here."""
    rows = await fetch_all(
        conn,
        "SELECT ch.kind, coalesce(nullif(c.lang, ''), 'ur') AS lang, count(*) AS n"  # noqa: S608 - parts of this file
        " FROM contacts c JOIN channels ch ON ch.id = c.channel_id"
        f" WHERE ch.district_id = %s AND ch.retired_at IS NULL AND {REACHABLE} GROUP BY 1, 2 ORDER BY 1, 2",
        (district_id,),
    )
    return {(row["kind"], row["lang"]): row["n"] for row in rows}
