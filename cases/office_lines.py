"""What offices write about a case: for the handlers, and never to a citizen by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cases.lifecycle import Refused
from cases.referrals import Referral
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one

ACKNOWLEDGE, ANSWER, ASK, DATE, NOT_OURS = KINDS = ("acknowledge", "answer", "ask", "date", "not_ours")
WORDS_NEEDED = frozenset({ANSWER, ASK, NOT_OURS})
ANSWERS = frozenset(KINDS) - {ACKNOWLEDGE}  # what ends the wait for an answer


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that an office wrote; `late`: the case was not open any more."""

    id: UUID
    referral_id: UUID
    at: datetime
    kind: str
    day: date | None
    late: bool
    passed_at: datetime | None
    passed_by: str | None
    office: dict[str, str]
    typed_by: str | None  # of an answer on paper: who at the desk typed it
    text: str


def bound_to(line_id: UUID) -> str:
    """Where an office's words are bound to; see store.crypto."""
    return f"office_lines|body|{line_id}"


async def put(
    tx: Tx,
    keys: Keys,
    referral: Referral,
    *,
    id: UUID,
    kind: str,
    text: str,
    day: date | None,
    late: bool,
    now: datetime,
    typed_by: UUID | None = None,
) -> bool:
    """Keep what an office wrote, or what somebody at the desk typed from its paper.

    False where this very form has come before. Raises `Refused` for what says nothing.
    """
    if kind not in KINDS:
        raise Refused("line_unknown")
    if kind in WORDS_NEEDED and not text.strip():
        raise Refused("text_missing")
    if kind == DATE and day is None:
        raise Refused("date_missing")
    done = await tx.execute(
        "INSERT INTO office_lines (id, case_id, referral_id, at, kind, body, day, late, typed_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
        (
            id,
            referral.case_id,
            referral.id,
            now,
            kind,
            keys.encrypt(text.strip().encode(), bound_to(id)) if text.strip() else None,
            day if kind == DATE else None,
            late,
            typed_by,
        ),
    )
    return done.rowcount == 1


async def of_case(conn: Conn, keys: Keys, case_id: UUID, *, office_id: UUID | None = None) -> list[Line]:
    """What offices wrote about a case, oldest first; of one office alone for its own page."""
    rows: list[dict[str, Any]] = await fetch_all(
        conn,
        "SELECT l.id, l.referral_id, l.at, l.kind, l.body, l.day, l.late, l.passed_at, s.name AS passed_by,"
        " y.name AS typed_by, o.names AS office FROM office_lines l JOIN referrals r ON r.id = l.referral_id"
        " JOIN offices o ON o.id = r.office_id LEFT JOIN staff s ON s.id = l.passed_by"
        " LEFT JOIN staff y ON y.id = l.typed_by"
        " WHERE l.case_id = %(case)s AND (%(office)s::uuid IS NULL OR r.office_id = %(office)s) ORDER BY l.at, l.id",
        {"case": case_id, "office": office_id},
    )
    lines = []
    for row in rows:
        box = row.pop("body")
        lines.append(Line(**row, text=keys.decrypt(box, bound_to(row["id"])).decode() if box is not None else ""))
    return lines


async def mark_passed(tx: Tx, case_id: UUID, line_id: UUID, *, by: UUID, now: datetime) -> dict[str, str]:
    """A handler passes it on. Returns the names of the office. Raises `Refused` where the case has none such."""
    row = await fetch_one(
        tx,
        "UPDATE office_lines l SET passed_at = %s, passed_by = %s FROM referrals r JOIN offices o ON o.id = r.office_id"
        " WHERE l.id = %s AND l.case_id = %s AND r.id = l.referral_id RETURNING o.names",
        (now, by, line_id, case_id),
    )
    if row is None:
        raise Refused("line_unknown")
    names: dict[str, str] = row["names"]
    return names


async def forget(tx: Tx, case_id: UUID) -> None:
    """What was written about a case that went behind the protected door."""
    await tx.execute("DELETE FROM office_lines WHERE case_id = %s", (case_id,))
