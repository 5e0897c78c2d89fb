"""Letters to offices: printed for one referral, handed over by somebody, and told from that day on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one, new_id


@dataclass(frozen=True, slots=True)
class Letter:
    """One print of a letter. Shows nobody's name."""

    id: UUID
    referral_id: UUID
    link_id: UUID | None
    printed_at: datetime
    handed_on: date | None
    handed_to: bytes | None


_READ: LiteralString = "SELECT id, referral_id, link_id, printed_at, handed_on, handed_to FROM letters WHERE "


def bound_to(letter_id: UUID) -> str:
    """Where the name of who took it is bound to; see store.crypto."""
    return f"letters|handed_to|{letter_id}"


def read_taker(keys: Keys, letter: Letter) -> str:
    """Who took it; "" before."""
    return keys.decrypt(letter.handed_to, bound_to(letter.id)).decode() if letter.handed_to is not None else ""


async def of_case(conn: Conn, case_id: UUID) -> dict[UUID, Letter]:
    """The last letter of each referral of a case, by the referral's id."""
    found = await fetch_all(
        conn,
        _READ + "EXISTS (SELECT FROM referrals r WHERE r.id = referral_id AND r.case_id = %s) ORDER BY printed_at, id",
        (case_id,),
        of=Letter,
    )
    return {one.referral_id: one for one in found}


async def last(conn: Conn, referral_id: UUID) -> Letter | None:
    """The last letter that was printed for this referral."""
    statement = _READ + "referral_id = %s ORDER BY printed_at DESC, id DESC LIMIT 1"
    return await fetch_one(conn, statement, (referral_id,), of=Letter)


async def put(tx: Tx, referral_id: UUID, link_id: UUID | None, *, by: UUID, now: datetime) -> None:
    """A letter was printed."""
    await tx.execute(
        "INSERT INTO letters (id, referral_id, link_id, printed_at, printed_by) VALUES (%s, %s, %s, %s, %s)",
        (new_id(), referral_id, link_id, now, by),
    )


async def hand(tx: Tx, keys: Keys, letter_id: UUID, *, on: date, to: str, by: UUID, now: datetime) -> None:
    """Somebody took it on that day."""
    await tx.execute(
        "UPDATE letters SET handed_on = %s, handed_to = %s, handed_by = %s, written_at = %s WHERE id = %s",
        (on, keys.encrypt(to.encode(), bound_to(letter_id)), by, now, letter_id),
    )
