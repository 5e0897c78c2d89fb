"""The register: ordinary cases and their clocks as rows, and how a case moves.

A case is written only over the status and the version that were read, with its history and its clocks, in one
transaction. Every function is given its transaction and never commits; `now` is an aware time. What may be said to a
case is in cases.lifecycle, and what each verb does besides in cases.acts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql

from cases import calendar, clocks, history, lifecycle, readable
from cases.history import Actor
from cases.lifecycle import CITIZEN, CLOCK, OPEN, Refused
from cases.readable import Message
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one


@dataclass(frozen=True, slots=True)
class Case:
    """One ordinary case and where it stands. Shows no words."""

    id: UUID
    code: str
    district_id: str
    timezone: str  # of the district
    contact_id: UUID
    lang: str
    category: str
    place_id: str | None
    draft: bool
    status: str
    may_message: bool | None  # None: not answered
    office_id: UUID | None  # None: nobody named yet
    assigned_to: UUID | None
    opened_at: datetime
    resolved_at: datetime | None
    outcome: str | None
    outcome_values: dict[str, Any] | None
    decision: str | None  # upheld, partly, refused, withdrawn; None: not yet
    told_at: datetime | None  # since when its writer could know how it ended; None: not yet
    asked_at: datetime | None  # when they were last asked whether it is so; None: they were not
    ask_count: int
    wish_at: datetime | None  # to take it back
    wish_why: str | None
    wish_by: str | None
    version: int

    def disputable(self, now: datetime) -> bool:
        """Whether its writer may still say that it is not so."""
        return clocks.disputable(self.status, self.told_at, now)

    def day(self, moment: datetime) -> date:
        """The day that a moment falls on in the case's district."""
        return calendar.day_of(moment, self.timezone)


_CASE: LiteralString = """
SELECT c.id, c.code, c.district_id, d.timezone, c.contact_id, c.lang, c.category, c.place_id, c.draft, c.status,
       c.may_message, c.office_id, c.assigned_to, c.opened_at, c.resolved_at, c.outcome, c.outcome_values, c.decision,
       c.told_at, c.asked_at, c.ask_count, c.wish_at, c.wish_why, c.wish_by, c.version
FROM cases c JOIN districts d ON d.id = c.district_id WHERE c.contact_id IS NOT NULL AND """


def text_bound_to(case_id: UUID) -> str:
    """Where a typed place is bound to; see store.crypto."""
    return f"cases|place_text|{case_id}"


def line_bound_to(case_id: UUID) -> str:
    """Where a handler's own line about an outcome is bound to; see store.crypto."""
    return f"cases|outcome_line|{case_id}"


def open_last_said(keys: Keys, case_id: UUID, box: bytes | None) -> list[Message]:
    """What stands at a case's number, oldest first."""
    kept = keys.decrypt(box, _said_bound_to(case_id)).decode() if box else "[]"
    # Before messages were kept whole it was the words alone that somebody had typed.
    return json.loads(kept) if kept.startswith(('[{"', "[]")) else [{"says": [], "text": kept}]


def _said_bound_to(case_id: UUID) -> str:
    return f"cases|last_said|{case_id}"


async def read(conn: Conn, case_id: UUID) -> Case:
    """Raises `Refused` where there is no such case."""
    case = await by_id(conn, case_id)
    if case is None:
        raise Refused("case_unknown")
    return case


async def by_id(conn: Conn, case_id: UUID) -> Case | None:
    """The case with this id; None where it is a card's, or went behind the door."""
    return await fetch_one(conn, _CASE + "c.id = %s", (case_id,), of=Case)


async def find(conn: Conn, code: str, *, hold: bool = False) -> Case | None:
    """The case with this code, or whose words were joined to it under this code; None.

    `hold` keeps it as it is until the transaction ends, for who adds words: it may be on its way behind the door.
    """
    by_code = "(c.code = %(code)s OR c.id = (SELECT case_id FROM joined WHERE joined.code = %(code)s))"
    return await fetch_one(conn, _CASE + by_code + (" FOR SHARE OF c" if hold else ""), {"code": code}, of=Case)


async def of_contacts(conn: Conn, contact_ids: Sequence[UUID]) -> list[Case]:
    """The cases of these phones, newest first."""
    theirs = _CASE + "c.contact_id = ANY(%s) ORDER BY c.opened_at DESC, c.id"
    return await fetch_all(conn, theirs, (list(contact_ids),), of=Case)


async def due_at(tx: Tx, case_id: UUID, kind: str) -> datetime:
    """When one of a case's clocks ("acknowledge", "resolve") is due."""
    row = await fetch_one(tx, "SELECT due_at FROM clocks WHERE case_id = %s AND kind = %s", (case_id, kind))
    assert row is not None  # noqa: S101 - every case has both clocks from its first moment
    due: datetime = row["due_at"]
    return due


async def role_of(conn: Conn, actor: Actor, district_id: str) -> str:
    """What the actor is to a case of this district: "citizen", "clock" or a role. Raises `Refused` for strangers.

    The page has checked too; a second look here means that a page which forgot it moves no case.
    """
    if actor in {CITIZEN, CLOCK}:
        return str(actor)
    row = await fetch_one(
        conn,
        "SELECT role FROM staff WHERE id = %s AND disabled_at IS NULL AND coalesce(district_id, %s) = %s",
        (str(actor), district_id, district_id),
    )
    if row is None:
        raise Refused("not_allowed")
    return str(row["role"])


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def put(
    tx: Tx,
    *,
    id: UUID,
    code: str,
    district_id: str,
    contact_id: UUID,
    channel: str,
    lang: str,
    category: str,
    place_id: str | None,
    place_text: bytes | None,
    draft: bool,
    may_message: bool | None,
    office_id: UUID | None,
    opened_at: datetime,
    now: datetime,
) -> None:
    """A new case, its two clocks counted from `opened_at`, and the first line of its history."""
    acknowledge_due, resolve_due = clocks.due(opened_at)
    await tx.execute(
        "INSERT INTO cases (id, code, district_id, contact_id, channel, lang, category, place_id, place_text, draft,"
        " may_message, office_id, opened_at, next_due)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            id,
            code,
            district_id,
            contact_id,
            channel,
            lang,
            category,
            place_id,
            place_text,
            draft,
            may_message,
            office_id,
            opened_at,
            acknowledge_due,
        ),
    )
    await tx.execute(
        "INSERT INTO clocks (case_id, kind, due_at) VALUES (%s, 'acknowledge', %s), (%s, 'resolve', %s)",
        (id, acknowledge_due, id, resolve_due),
    )
    data = {"office": str(office_id) if office_id else None, "draft": draft}
    await history.write(tx, id, "open", actor=CITIZEN, now=now, was=None, became="received", data=data)


async def move(
    tx: Tx,
    case_id: UUID,
    verb: str,
    *,
    actor: Actor,
    now: datetime,
    version: int | None = None,
    data: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    decision: str = "",
) -> Case:
    """Say one verb to a case. Returns the case as it was read.

    `version` is the one a page has shown: a case that moved since is not moved by an old page. `columns` are written
    along. Raises `Refused`; the transaction must then be left by the exception or hold nothing else.
    """
    case = await read(tx, case_id)
    if version is not None and version != case.version:
        raise Refused("changed")
    role = await role_of(tx, actor, case.district_id)
    became = lifecycle.move(case.status, verb, role, decision)
    meets, resumes = list(lifecycle.MEETS.get(verb, ())), list(lifecycle.RESUMES.get(verb, ()))
    written = {**(columns or {}), "status": became}
    done = await tx.execute(
        sql.SQL(
            "UPDATE cases SET {columns}, version = version + 1, next_due = (SELECT min(due_at) FROM clocks"
            " WHERE case_id = cases.id AND NOT %(stops)s AND CASE WHEN kind = ANY(%(meets)s) THEN false"
            " WHEN kind = ANY(%(resumes)s) THEN true ELSE met_at IS NULL END)"
            " WHERE id = %(id)s AND status = %(was)s AND version = %(version)s"
        ).format(
            columns=sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(f"new_{name}")) for name in written
            )
        ),
        {
            **{f"new_{name}": value for name, value in written.items()},
            "id": case_id,
            "was": case.status,
            "version": case.version,
            "meets": meets,
            "resumes": resumes,
            "stops": verb in lifecycle.STOPS,
        },
    )
    if done.rowcount != 1:
        raise Refused("changed")
    if meets or resumes:
        await tx.execute(
            "UPDATE clocks SET met_at = CASE WHEN kind = ANY(%(meets)s) THEN coalesce(met_at, %(now)s) END"
            " WHERE case_id = %(id)s AND kind = ANY(%(kinds)s)",
            {"meets": meets, "now": now, "id": case_id, "kinds": meets + resumes},
        )
    if verb in lifecycle.STOPS:
        await _stop_clocks(tx, case_id, now)
    await history.write(tx, case_id, verb, actor=actor, now=now, was=case.status, became=became, data=data)
    return case


async def call_done(tx: Tx, code: str, now: datetime) -> None:
    """As if it were done and its writer told: for a case that is rehearsed with, and taken back."""
    await tx.execute("UPDATE cases SET status = 'resolved', told_at = %s WHERE code = %s", (now, code))


async def keep_said(tx: Tx, keys: Keys, case_id: UUID, message: Message) -> None:
    """Let one more message stand at the case's number. The version is no other: no page has to be read again for it."""
    row = await fetch_one(tx, "SELECT last_said FROM cases WHERE id = %s FOR UPDATE", (case_id,))
    kept = [*(open_last_said(keys, case_id, row["last_said"]) if row else ()), message][-readable.MOST :]
    box = keys.encrypt(json.dumps(kept, ensure_ascii=False).encode(), _said_bound_to(case_id))
    await tx.execute("UPDATE cases SET last_said = %s WHERE id = %s", (box, case_id))


async def _stop_clocks(tx: Tx, case_id: UUID, now: datetime) -> None:
    """No clock runs on. One that was late stays so until now; one that was not is neither met in time nor ever late."""
    await tx.execute(
        "UPDATE clocks SET met_at = greatest(%s, due_at) WHERE case_id = %s AND met_at IS NULL", (now, case_id)
    )


async def hollow(tx: Tx, case_id: UUID, now: datetime) -> None:
    """Let go of all that could tell whose case this was; what is counted of it stays, and no clock runs on."""
    await tx.execute(
        "UPDATE cases SET code = NULL, contact_id = NULL, place_text = NULL, outcome_values = NULL,"
        " outcome_line = NULL, last_said = NULL, assigned_to = NULL, next_due = NULL,"
        " version = version + 1 WHERE id = %s",
        (case_id,),
    )
    await _stop_clocks(tx, case_id, now)


_NAME: LiteralString = """
WITH named AS (
    UPDATE cases SET office_id = %s, version = version + 1
    WHERE district_id = %s AND category = %s AND office_id IS NULL
        AND status NOT IN ('withdrawn', 'closed') RETURNING id, status
)
{history} SELECT id, now(), 'operator', 'amend', status, status, '{"changed": ["office_id"]}' FROM named
""".replace("{history}", history.INTO)


async def name_office(tx: Tx, district_id: str, category: str, office_id: UUID) -> None:
    """Give the office to the cases of this category that had nobody named; all others stay where they are."""
    await tx.execute(_NAME, (office_id, district_id, category))


# OFFSET 0: a case is looked up for each late clock. Joined, the planner gathered all that is open for a handful.
_MARK: LiteralString = """
WITH late AS (
    SELECT k.case_id, k.kind FROM clocks k
    CROSS JOIN LATERAL (SELECT status FROM cases WHERE cases.id = k.case_id OFFSET 0) c
    WHERE k.met_at IS NULL AND k.overdue_at IS NULL AND k.due_at <= %(now)s AND c.status = ANY(%(open)s)
    ORDER BY k.due_at LIMIT %(batch)s FOR UPDATE OF k SKIP LOCKED
)
UPDATE clocks SET overdue_at = %(now)s FROM late
WHERE clocks.case_id = late.case_id AND clocks.kind = late.kind AND clocks.overdue_at IS NULL
RETURNING clocks.case_id, clocks.kind
"""
_TOP: LiteralString = """
WITH late AS (
    SELECT k.case_id FROM clocks k
    CROSS JOIN LATERAL (SELECT status FROM cases WHERE cases.id = k.case_id OFFSET 0) c
    WHERE k.kind = 'resolve' AND k.met_at IS NULL AND k.overdue_at IS NOT NULL AND k.topped_at IS NULL
        AND k.due_at <= %(by)s AND c.status = ANY(%(open)s)
    ORDER BY k.due_at LIMIT %(batch)s FOR UPDATE OF k SKIP LOCKED
)
UPDATE clocks SET topped_at = %(now)s FROM late
WHERE clocks.case_id = late.case_id AND clocks.kind = 'resolve' AND clocks.topped_at IS NULL
RETURNING clocks.case_id
"""


async def mark_late(tx: Tx, now: datetime, batch: int) -> list[tuple[UUID, str]]:
    """Mark up to `batch` clocks that ran out, once; two at once do no harm. Returns (case, kind of clock), in order."""
    rows = await fetch_all(tx, _MARK, {"now": now, "open": list(OPEN), "batch": batch})
    return sorted((row["case_id"], row["kind"]) for row in rows)


async def mark_topped(tx: Tx, now: datetime, after: timedelta, batch: int) -> list[UUID]:
    """The same for cases that are late by so much more than their fourteenth day."""
    rows = await fetch_all(tx, _TOP, {"now": now, "by": now - after, "open": list(OPEN), "batch": batch})
    return sorted(row["case_id"] for row in rows)


async def note_escalated(tx: Tx, case_id: UUID, office_id: UUID) -> None:
    """Whom the late case goes to; whether they were told is in its referral."""
    await tx.execute(
        "UPDATE clocks SET escalated_to = %s WHERE case_id = %s AND kind = 'resolve'", (office_id, case_id)
    )


async def renumber(tx: Tx, case_id: UUID, code: str) -> None:
    """Another number opens a case from now on, and none that it had before."""
    await tx.execute("SELECT end_numbers(%s)", (case_id,))
    await tx.execute("UPDATE cases SET code = %s WHERE id = %s", (code, case_id))


async def pass_on(tx: Tx, other: UUID, contact_id: UUID) -> None:
    """The cases of one of two contacts of a person are the other one's."""
    await tx.execute("UPDATE cases SET contact_id = %s WHERE contact_id = %s", (contact_id, other))


# What became of the messages that told how a case ended: out and not called back within the hour (as words, or as the
# template that asks "is it done?"), or read by nobody any more. Who is not reached could know of it since it ended.
_NOTE_TOLD: LiteralString = """
WITH message AS (
    SELECT id, state, sent_at, missed AND coalesce(template, '') NOT LIKE 'done:%%' AS unread FROM outbox_of_cases
    WHERE id IN (SELECT asked_by FROM cases WHERE asked_by IS NOT NULL AND contact_id IS NOT NULL)
), fate AS (
    SELECT id, CASE WHEN state IN ('sent', 'delivered', 'read') AND NOT unread THEN sent_at END AS told_at FROM message
    WHERE state IN ('undelivered', 'failed', 'withdrawn') OR (state IN ('delivered', 'read') AND NOT unread)
        OR (state = 'sent' AND NOT unread AND sent_at <= %(now)s - interval '1 hour')
        OR (unread AND sent_at <= %(now)s - interval '7 days')
)
UPDATE cases SET asked_by = NULL, asked_at = coalesce(fate.told_at, asked_at),
    told_at = CASE WHEN asked_at IS NULL AND fate.told_at IS NOT NULL THEN fate.told_at
        ELSE coalesce(cases.told_at, fate.told_at, resolved_at, %(now)s) END
FROM fate WHERE fate.id = cases.asked_by
"""


def asked(outbox_id: UUID | None, now: datetime, *, count: int) -> dict[str, Any]:
    """The columns of a case whose writer is told how it ended by this message, asked for the `count`th time: since when
    they know its fate tells; where nothing may be sent it stands at their number from now."""
    return {"asked_by": outbox_id, "told_at": None if outbox_id else now, "ask_count": count if outbox_id else 0}


async def note_told(tx: Tx, now: datetime) -> None:
    """Since when people know how their case ended, and when they were last asked whether it is so."""
    await tx.execute(_NOTE_TOLD, {"now": now})


async def to_ask(tx: Tx, now: datetime, batch: int) -> list[UUID]:
    """Up to `batch` cases whose writers are to be asked once more. Two at once do no harm: a case is locked by one."""
    first, second = clocks.ASKED_AGAIN
    rows = await fetch_all(
        tx,
        "SELECT id FROM cases WHERE status IN ('resolved', 'cannot') AND ask_count IN (1, 2) AND asked_by IS NULL"
        " AND may_message AND contact_id IS NOT NULL AND told_at <= %s"
        " AND told_at + CASE ask_count WHEN 1 THEN %s ELSE %s END <= %s"
        " ORDER BY told_at LIMIT %s FOR UPDATE SKIP LOCKED",
        (now - min(first, second), first, second, now, batch),
    )
    return [row["id"] for row in rows]
