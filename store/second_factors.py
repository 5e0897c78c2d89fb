"""Second factors as rows: one secret for each person who needs one, and the last step of time that it was used in."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from store import totp
from store.crypto import Keys
from store.database import Conn, Tx, fetch_one


def bound_to(staff_id: UUID) -> str:
    """Where the secret is bound to; see store.crypto."""
    return f"second_factors|box|{staff_id}"


async def offer(tx: Tx, keys: Keys, staff_id: UUID) -> bool:
    """Make a new secret for who has answered with none yet: whoever saw an earlier one on a screen has nothing.

    Returns whether one was made; False where the person has a second factor.
    """
    made = await tx.execute(
        "INSERT INTO second_factors (staff_id, box) VALUES (%s, %s)"
        " ON CONFLICT (staff_id) DO UPDATE SET box = excluded.box, step = 0 WHERE second_factors.enrolled_at IS NULL",
        (staff_id, keys.encrypt(secrets.token_bytes(totp.SECRET), bound_to(staff_id))),
    )
    return made.rowcount == 1


async def offered(conn: Conn, keys: Keys, staff_id: UUID) -> bytes | None:
    """The secret that is to be shown; None where there is none, or it was answered with."""
    row = await fetch_one(
        conn, "SELECT box FROM second_factors WHERE staff_id = %s AND enrolled_at IS NULL", (staff_id,)
    )
    return keys.decrypt(row["box"], bound_to(staff_id)) if row else None


async def use(tx: Tx, keys: Keys, staff_id: UUID, code: str, now: datetime) -> bool:
    """Whether the code is right now and was not used yet; then it is used, and the secret is the person's."""
    row = await fetch_one(tx, "SELECT box, step FROM second_factors WHERE staff_id = %s FOR UPDATE", (staff_id,))
    if row is None:
        return False
    step = totp.find_step(keys.decrypt(row["box"], bound_to(staff_id)), code, now.timestamp())
    if step is None or step <= row["step"]:
        return False
    await tx.execute(
        "UPDATE second_factors SET step = %s, enrolled_at = coalesce(enrolled_at, %s) WHERE staff_id = %s",
        (step, now, staff_id),
    )
    return True


async def forget(tx: Tx, staff_id: UUID) -> bool:
    """Take the second factor away; the next login makes another. Returns whether there was one."""
    gone = await tx.execute("DELETE FROM second_factors WHERE staff_id = %s", (staff_id,))
    return gone.rowcount == 1
