"""Contacts: one phone (or chat) on one number of ours. Found by a keyed hash; the address itself is encrypted."""

from __future__ import annotations

from uuid import UUID

from store.crypto import Keys
from store.database import Conn, Tx, fetch_one


def tag(keys: Keys, kind: str, to: str, address: str) -> bytes:
    """What a contact is found by: the same phone on two numbers of ours is two contacts."""
    return keys.tag(kind, to, address)


def bound_to(contact_id: UUID) -> str:
    return f"contacts|address_box|{contact_id}"


async def make(conn: Conn, keys: Keys, *, id: UUID, channel_id: UUID, tag: bytes, address: str) -> None:
    """Make the contact and its empty session where there is none. One statement, safe in parallel."""
    await conn.execute(
        "WITH made AS (INSERT INTO contacts (id, channel_id, address_tag, address_box) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (channel_id, address_tag) DO NOTHING RETURNING id)"
        " INSERT INTO sessions (contact_id) SELECT id FROM made",
        (id, channel_id, tag, keys.encrypt(address.encode(), bound_to(id))),
    )


async def address(tx: Tx, keys: Keys, contact_id: UUID) -> str:
    row = await fetch_one(tx, "SELECT address_box FROM contacts WHERE id = %s", (contact_id,))
    if row is None:
        raise LookupError(contact_id)
    return keys.decrypt(row["address_box"], bound_to(contact_id)).decode()
