"""Who may be sealed to: the protected handlers of the province, with their public keys."""

from __future__ import annotations

from uuid import UUID

from store.database import Conn, fetch_all


async def readers(conn: Conn, district_id: str = "") -> dict[UUID, bytes]:
    """The live readers by id, each with the public key that is sealed to.

    Without a district everybody; with one, the demo's own only where it is the demo's.
    """
    rows = await fetch_all(conn, "SELECT id, public_key FROM sealed.roster(%s)", (district_id,))
    return {row["id"]: bytes(row["public_key"]) for row in rows}
