"""Contacts: one phone (or chat) on one number of ours. Found by a keyed hash; the address itself is encrypted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from store import sessions
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one

# Pieces of the statement that moves a conversation; see store.moves. Who writes to us can be written to.
SEE: LiteralString = """
    UPDATE contacts SET lang = %(lang)s, last_inbound_at = %(now)s, stopped_at = NULL
    FROM moved WHERE contacts.id = moved.contact_id"""
# Where `kept.id` is null nobody wrote: a session went quiet.
SEE_KEPT: LiteralString = """
    UPDATE contacts SET lang = %(lang)s,
        last_inbound_at = CASE WHEN kept.id IS NULL THEN last_inbound_at ELSE %(now)s END,
        stopped_at = CASE WHEN kept.id IS NULL THEN stopped_at END
    FROM kept WHERE contacts.id = %(contact_id)s"""
_MAKE: LiteralString = f"""
WITH made AS (
    INSERT INTO contacts (id, channel_id, address_tag, address_box) VALUES (%s, %s, %s, %s)
    ON CONFLICT (channel_id, address_tag) DO NOTHING RETURNING id
) {sessions.BEGIN}"""  # noqa: S608 - a piece of our own files


def tag(keys: Keys, kind: str, to: str, address: str) -> bytes:
    """What a contact is found by: the same phone on two numbers of ours is two contacts."""
    return keys.tag(kind, to, address)


def bound_to(contact_id: UUID) -> str:
    return f"contacts|address_box|{contact_id}"


async def make(conn: Conn, keys: Keys, *, id: UUID, channel_id: UUID, tag: bytes, address: str) -> None:
    """Make the contact and its empty session where there is none. One statement, safe in parallel."""
    await conn.execute(_MAKE, (id, channel_id, tag, keys.encrypt(address.encode(), bound_to(id))))


async def address(tx: Tx, keys: Keys, contact_id: UUID) -> str:
    row = await fetch_one(tx, "SELECT address_box FROM contacts WHERE id = %s", (contact_id,))
    if row is None:
        raise LookupError(contact_id)
    return keys.decrypt(row["address_box"], bound_to(contact_id)).decode()


# The other contacts of one person on one number of ours: under an id of theirs, and under a number.
_TWINS: LiteralString = """
    SELECT twin.id FROM contacts AS twin JOIN contacts AS one ON one.channel_id = twin.channel_id AND one.id <> twin.id
    WHERE one.id = %(id)s AND (twin.address_tag = one.person_tag OR twin.person_tag = one.address_tag)"""


async def note_reached(tx: Tx, keys: Keys, contact_id: UUID, *, tag: bytes, person: bytes | None, address: str) -> None:
    """This contact writes from this address now, whose tag this is; `person` is the tag of the provider's id of them.

    A number takes the place of an id, and an id never that of a number: it stands beside it. Both boxes are bound
    alike, since a message is sent to whichever is in use. Raises UniqueViolation where the number has its own contact.
    """
    box = keys.encrypt(address.encode(), bound_to(contact_id))
    await tx.execute(
        "UPDATE contacts SET person_tag = NULL WHERE person_tag = %(person)s AND id <> %(id)s AND channel_id ="
        " (SELECT channel_id FROM contacts WHERE id = %(id)s)",
        {"person": person, "id": contact_id},
    )
    await tx.execute(
        """
        UPDATE contacts SET
            person_tag = CASE WHEN %(person)s::bytea = address_tag AND %(tag)s = address_tag THEN person_tag
                ELSE coalesce(%(person)s, person_tag) END,
            address_tag = CASE WHEN promoted THEN %(tag)s ELSE address_tag END,
            address_box = CASE WHEN promoted THEN %(box)s ELSE address_box END,
            reached_tag = CASE WHEN NOT promoted AND address_tag <> %(tag)s THEN %(tag)s END,
            reached_box = CASE WHEN NOT promoted AND address_tag <> %(tag)s THEN %(box)s END
        FROM (SELECT id AS held, coalesce(address_tag = %(person)s AND %(person)s <> %(tag)s, false) AS promoted
              FROM contacts WHERE id = %(id)s FOR UPDATE) AS now
        WHERE id = now.held""",
        {"person": person, "tag": tag, "box": box, "id": contact_id},
    )


async def list_twins(tx: Tx, contact_id: UUID) -> list[UUID]:
    """The other contacts of the same person on the same number of ours."""
    return [row["id"] for row in await fetch_all(tx, _TWINS, {"id": contact_id})]


async def pass_on(tx: Tx, other: UUID, contact_id: UUID) -> None:
    """The subscription and the language of one of two contacts of a person are the other one's where it has none."""
    await tx.execute(
        "UPDATE contacts SET weekly_since = coalesce(contacts.weekly_since, other.weekly_since),"
        " lang = coalesce(nullif(contacts.lang, ''), other.lang)"
        " FROM contacts AS other WHERE contacts.id = %s AND other.id = %s",
        (contact_id, other),
    )
    await unsubscribe(tx, other)


async def subscribe(tx: Tx, contact_id: UUID, now: datetime) -> None:
    """To the weekly update, from their first yes on."""
    await tx.execute("UPDATE contacts SET weekly_since = coalesce(weekly_since, %s) WHERE id = %s", (now, contact_id))


async def unsubscribe(tx: Tx, contact_id: UUID) -> None:
    await tx.execute("UPDATE contacts SET weekly_since = NULL WHERE id = %s", (contact_id,))


async def stop(tx: Tx, contact_id: UUID) -> bool:
    """Nothing goes there until they write, by whatever name. False where they had stopped us already."""
    done = await tx.execute(
        f"UPDATE contacts SET stopped_at = now(), stop_at = now(), weekly_since = NULL"  # noqa: S608 - a piece of our own
        f" WHERE (id = %(id)s OR id IN ({_TWINS})) AND stopped_at IS NULL",
        {"id": contact_id},
    )
    return done.rowcount > 0


async def note_told_of_file(tx: Tx, contact_id: UUID) -> bool:
    """A refused file is told to this person now; False where one was just told: an album is one thing to them."""
    done = await tx.execute(
        "UPDATE contacts SET file_told_at = now() WHERE id = %s"
        " AND (file_told_at IS NULL OR file_told_at < now() - interval '10 minutes')",
        (contact_id,),
    )
    return done.rowcount == 1


async def find_silent(tx: Tx, kind: str, to: str, tag: bytes, since: datetime) -> UUID | None:
    """Who writes to this number of ours from this address, if they have not since then; the row is held."""
    row = await fetch_one(
        tx,
        "SELECT c.id FROM contacts c JOIN channels h ON h.id = c.channel_id"
        " WHERE h.kind = %s AND h.address = %s AND c.address_tag = %s"
        " AND (c.last_inbound_at IS NULL OR c.last_inbound_at <= %s) FOR UPDATE OF c",
        (kind, to, tag, since),
    )
    return row["id"] if row else None


async def mark_invalid(conn: Conn, contact_id: UUID) -> None:
    """There is nobody at this address: nothing goes there until somebody writes from it."""
    await conn.execute("UPDATE contacts SET invalid_at = now() WHERE id = %s", (contact_id,))


async def knock(tx: Tx, contact_id: UUID) -> bool:
    """Somebody is told now that something waits for them; False where they were within a day. The row is held."""
    done = await tx.execute(
        "UPDATE contacts SET knocked_at = now() WHERE id = %s"
        " AND (knocked_at IS NULL OR knocked_at <= now() - interval '1 day')",
        (contact_id,),
    )
    return done.rowcount == 1


async def unknock(tx: Tx, contact_id: UUID) -> None:
    """They were not told after all."""
    await tx.execute("UPDATE contacts SET knocked_at = NULL WHERE id = %s", (contact_id,))


async def note_shut(tx: Tx, contact_id: UUID) -> None:
    """The provider says that this person may not be written to freely: so until they write, whatever we reckon."""
    await tx.execute("UPDATE contacts SET shut_at = now() WHERE id = %s", (contact_id,))


async def note_said(conn: Conn, contact_ids: Sequence[UUID]) -> None:
    """These have been written to just now: the same words from them again are no repeat."""
    await conn.execute("UPDATE contacts SET said_at = now() WHERE id = ANY(%s)", (list(contact_ids),))


async def said_at(conn: Conn, channel_id: UUID, tag: bytes) -> datetime | None:
    """When this address was last written to, as `note_said` noted it."""
    row = await fetch_one(
        conn, "SELECT said_at FROM contacts WHERE channel_id = %s AND address_tag = %s", (channel_id, tag)
    )
    return row["said_at"] if row else None


async def find_all(conn: Conn, tags: Sequence[bytes]) -> list[UUID]:
    """Whoever is found by one of these tags, by number or by the provider's id of them; and their twins."""
    rows = await fetch_all(
        conn,
        "SELECT id FROM contacts WHERE address_tag = ANY(%(tags)s) OR reached_tag = ANY(%(tags)s)"
        " OR person_tag = ANY(%(tags)s) UNION SELECT twin.id FROM contacts twin JOIN contacts one"
        " ON one.channel_id = twin.channel_id"
        " AND (one.person_tag = twin.address_tag OR one.address_tag = twin.person_tag)"
        " WHERE one.address_tag = ANY(%(tags)s) OR one.person_tag = ANY(%(tags)s)",
        {"tags": list(tags)},
    )
    return [row["id"] for row in rows]


async def erase(tx: Tx, contact_id: UUID) -> bool:
    """Nobody is found by this row any more and nothing goes to it; what points to it is counted on. False where so
    already."""
    done = await tx.execute(
        "UPDATE contacts SET address_tag = %(blank)s, address_box = '', person_tag = NULL, reached_tag = NULL,"
        " reached_box = NULL, weekly_since = NULL, lang = '', stopped_at = coalesce(stopped_at, now())"
        " WHERE id = %(id)s AND address_box <> ''",
        {"blank": b"erased" + contact_id.bytes, "id": contact_id},
    )
    return done.rowcount == 1
