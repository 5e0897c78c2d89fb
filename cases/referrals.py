"""Referrals: what an office is told of a case. A handler hands it over with a date, the clock reminds and escalates.

Each is a row with its own times: written · told (a message has gone out) · seen (somebody
there opened it) · answered · silent. They stop no clock of the case.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from cases.lifecycle import OPEN, Refused
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one, new_id

REFERENCE_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Referral:
    """One thing that one office is told of one case. Shows no words."""

    id: UUID
    case_id: UUID
    office_id: UUID
    kind: str  # refer, remind, escalate
    rung: int | None  # of an escalation: 14 or 21
    of_id: UUID | None
    reference: str  # what the office knows it by
    due_on: date
    by_staff: UUID | None
    at: datetime
    link_id: UUID | None
    bad_ways: list[UUID]
    told_at: datetime | None
    unreached_at: datetime | None
    seen_at: datetime | None
    answered_at: datetime | None
    silent_at: datetime | None
    done_at: datetime | None
    summary: bytes | None

    @property
    def state(self) -> str:
        """The furthest it has come, for people."""
        for state in ("answered", "silent", "seen", "told", "unreached"):
            if getattr(self, f"{state}_at") is not None:
                return state
        return "written"


_COLUMNS: LiteralString = """id, case_id, office_id, kind, rung, of_id, reference, due_on, by_staff, at, link_id,
    bad_ways, told_at, unreached_at, seen_at, answered_at, silent_at, done_at, summary"""
_READ: LiteralString = f"SELECT {_COLUMNS} FROM referrals WHERE "  # noqa: S608 - columns of our own


def bound_to(referral_id: UUID) -> str:
    """Where a handler's summary is bound to; see store.crypto."""
    return f"referrals|summary|{referral_id}"


def read_summary(keys: Keys, referral: Referral) -> str:
    return keys.decrypt(referral.summary, bound_to(referral.id)).decode() if referral.summary is not None else ""


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def of_case(conn: Conn, case_id: UUID) -> list[Referral]:
    return await fetch_all(conn, _READ + "case_id = %s ORDER BY at, id", (case_id,), of=Referral)


async def of_link(conn: Conn, link_id: UUID) -> list[Referral]:
    """What one message to an office was about."""
    return await fetch_all(conn, _READ + "link_id = %s ORDER BY due_on, id", (link_id,), of=Referral)


async def hold(tx: Tx, case_id: UUID, referral_id: UUID) -> Referral:
    """One of a case, held until the transaction ends. Raises `Refused` where the case has none such."""
    found = await fetch_one(tx, _READ + "case_id = %s AND id = %s FOR UPDATE", (case_id, referral_id), of=Referral)
    if found is None:
        raise Refused("referral_unknown")
    return found


async def claim_written(tx: Tx, *, gathers: bool, since: datetime, most: int) -> list[Referral]:
    """Those that wait for a message to their office, held; another process takes others.

    `gathers`: what goes out once a day, of offices that have not had that since then; else what goes at once.
    """
    which: LiteralString = (
        "kind <> 'refer' AND NOT EXISTS (SELECT FROM links k WHERE k.office_id = referrals.office_id AND k.gathers"
        " AND k.failed_at IS NULL AND k.at >= %(since)s)"
        if gathers
        else "kind = 'refer'"
    )
    return await fetch_all(
        tx,
        _READ + which + " AND link_id IS NULL AND told_at IS NULL AND unreached_at IS NULL AND done_at IS NULL"
        " ORDER BY at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED",
        {"since": since, "most": most},
        of=Referral,
    )


async def claim_unanswered(tx: Tx, kind: str, due_by: date, most: int) -> list[Referral]:
    """Told and not answered, of open cases, due on this day or before; held.

    `kind` is "remind" for those nobody was reminded of, "silent" for those whose day has passed unmarked.
    """
    more: LiteralString = (
        " AND kind <> 'remind' AND NOT EXISTS (SELECT FROM referrals r WHERE r.of_id = referrals.id)"
        if kind == "remind"
        else " AND kind <> 'remind'"
    )
    return await fetch_all(
        tx,
        _READ + "told_at IS NOT NULL AND answered_at IS NULL AND done_at IS NULL AND silent_at IS NULL"
        " AND due_on <= %s AND EXISTS (SELECT FROM cases c WHERE c.id = case_id AND c.status = ANY(%s))"
        + more
        + " ORDER BY due_on, id LIMIT %s FOR UPDATE SKIP LOCKED",
        (due_by, list(OPEN), most),
        of=Referral,
    )


async def count(conn: Conn, district_id: str | None = None) -> list[dict[str, Any]]:
    """{"office", "names", "written", "unreached", "told", "seen", "answered", "silent"} of each office that was ever to
    be told of a case of the district; None: of any. Each is counted where it has come to, reminders apart."""
    return await fetch_all(
        conn,
        "SELECT r.office_id AS office, o.names,"
        " count(*) FILTER (WHERE r.told_at IS NULL AND r.unreached_at IS NULL) AS written,"
        " count(*) FILTER (WHERE r.told_at IS NULL AND r.unreached_at IS NOT NULL) AS unreached,"
        " count(*) FILTER (WHERE r.told_at IS NOT NULL) AS told, count(*) FILTER (WHERE r.seen_at IS NOT NULL) AS seen,"
        " count(*) FILTER (WHERE r.answered_at IS NOT NULL) AS answered,"
        " count(*) FILTER (WHERE r.silent_at IS NOT NULL AND r.answered_at IS NULL) AS silent"
        " FROM referrals r JOIN offices o ON o.id = r.office_id JOIN cases c ON c.id = r.case_id"
        " WHERE r.kind <> 'remind' AND (%(district)s::text IS NULL OR c.district_id = %(district)s)"
        " GROUP BY 1, 2 ORDER BY o.names->>'en'",
        {"district": district_id},
    )


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def put(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    office_id: UUID,
    due_on: date,
    by: UUID | None,
    now: datetime,
    kind: str = "refer",
    rung: int | None = None,
    of: Referral | None = None,
    summary: str = "",
) -> UUID:
    """Write down what an office is to be told. A reminder, and a case that is handed on, keep the words and number."""
    referral_id = new_id()
    words = summary.strip() or (read_summary(keys, of) if of else "")
    await tx.execute(
        "INSERT INTO referrals (id, case_id, office_id, kind, rung, of_id, reference, due_on, by_staff, at, summary)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (
            referral_id,
            case_id,
            office_id,
            kind,
            rung,
            of.id if of and kind == "remind" else None,
            of.reference if of and kind == "remind" else f"{secrets.randbelow(10**REFERENCE_DIGITS):08}",
            due_on,
            by,
            now,
            keys.encrypt(words.encode(), bound_to(referral_id)) if words else None,
        ),
    )
    return referral_id


async def put_under(tx: Tx, ids: list[UUID], link_id: UUID) -> None:
    """A message about these is on its way."""
    await tx.execute("UPDATE referrals SET link_id = %s WHERE id = ANY(%s)", (link_id, ids))


async def release(tx: Tx, link_id: UUID, bad_way: UUID) -> None:
    """The message did not go out by this way: those that wait for it are written down again, and go another one."""
    await tx.execute(
        "UPDATE referrals SET link_id = NULL, bad_ways = bad_ways || %s WHERE link_id = %s AND told_at IS NULL",
        (bad_way, link_id),
    )


async def take_back(tx: Tx, link_id: UUID) -> None:
    """The message about these came back: nobody was told by it."""
    await tx.execute(
        "UPDATE referrals SET told_at = NULL, silent_at = NULL"
        " WHERE link_id = %s AND seen_at IS NULL AND answered_at IS NULL AND done_at IS NULL",
        (link_id,),
    )


async def send_again(tx: Tx, referral_id: UUID) -> None:
    """As if nobody had been told: from the first way on."""
    await tx.execute(
        "UPDATE referrals SET link_id = NULL, bad_ways = '{}', told_at = NULL, unreached_at = NULL,"
        " seen_at = NULL, silent_at = NULL WHERE id = %s",
        (referral_id,),
    )


async def mark_told(tx: Tx, link_id: UUID, now: datetime) -> list[Referral]:
    """The message has gone out. Returns those that it told first."""
    return await fetch_all(
        tx,
        f"UPDATE referrals SET told_at = %s, unreached_at = NULL WHERE link_id = %s AND told_at IS NULL"  # noqa: S608 - columns of our own
        f" RETURNING {_COLUMNS}",
        (now, link_id),
        of=Referral,
    )


async def mark_handed(tx: Tx, referral_id: UUID, at: datetime) -> None:
    """Its letter was taken."""
    await tx.execute("UPDATE referrals SET told_at = %s, unreached_at = NULL WHERE id = %s", (at, referral_id))


async def mark_unreached(tx: Tx, ids: list[UUID], now: datetime) -> None:
    """No way leads to the office."""
    await tx.execute("UPDATE referrals SET unreached_at = %s WHERE id = ANY(%s)", (now, ids))


async def mark_seen(tx: Tx, link_id: UUID, now: datetime) -> None:
    """Somebody at the office has opened the message: all that this office was told of these cases is seen."""
    await tx.execute(
        "UPDATE referrals SET seen_at = %(now)s FROM referrals seen"
        " WHERE seen.link_id = %(link)s AND referrals.seen_at IS NULL AND referrals.case_id = seen.case_id"
        " AND referrals.office_id = seen.office_id AND (referrals.link_id = %(link)s OR referrals.told_at IS NOT NULL)",
        {"now": now, "link": link_id},
    )


async def mark_answered(tx: Tx, case_id: UUID, office_id: UUID, now: datetime) -> None:
    """The office has answered: whatever it was told of this case."""
    await tx.execute(
        "UPDATE referrals SET answered_at = %s WHERE case_id = %s AND office_id = %s AND answered_at IS NULL"
        " AND (told_at IS NOT NULL OR seen_at IS NOT NULL)",
        (now, case_id, office_id),
    )


async def mark_silent(tx: Tx, ids: list[UUID], now: datetime) -> None:
    await tx.execute("UPDATE referrals SET silent_at = %s WHERE id = ANY(%s)", (now, ids))


async def forget(tx: Tx, case_id: UUID) -> None:
    """To whom a case was handed that went behind the protected door: their links open nothing any more."""
    await tx.execute("DELETE FROM referrals WHERE case_id = %s", (case_id,))


async def settle(tx: Tx, case_id: UUID, now: datetime) -> None:
    """The case is resolved: whatever it was referred for is done."""
    await tx.execute("UPDATE referrals SET done_at = %s WHERE case_id = %s AND done_at IS NULL", (now, case_id))
