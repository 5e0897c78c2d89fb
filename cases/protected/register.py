"""The sealed register: protected cases as rows, without words, people or times.

A case is known from outside by the hash of its code. The citizen's side may insert and look one up; where a case
stands is written by the desk's side only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from cases import clocks
from cases.calendar import day_of
from cases.lifecycle import Refused
from cases.protected import recipients
from store.crypto import Keys, fingerprint
from store.database import Tx, fetch_all, fetch_one

_SINCE = date(2000, 1, 1)
ASK_STANDS = timedelta(days=30)  # what a reader said of a case then may no longer be so


# Where a protected case begins that was an ordinary one. What was called done there is looked at again.
_STANDS = {"received": "received", "acknowledged": "seen", "closed": "closed"}


async def put(
    tx: Tx,
    keys: Keys,
    *,
    code_hash: bytes,
    district_id: str,
    now: datetime,
    readers: Mapping[UUID, bytes],
    stood: str = "received",
    there: UUID | None = None,
    case_id: UUID | None = None,
) -> UUID:
    """A new case, of which its week and those of two dates are all that is told. Returns its id. Raises `Refused`.

    `readers` are bound to it with the keys that they have now. Nothing is written where the case is `there`. `stood` is
    where it stood as an ordinary case, so that whoever asks with its code is told the same as before.
    """
    case_id = case_id or uuid4()  # random: an id that sorts by time would say when somebody wrote
    acknowledge_due, resolve_due = clocks.due(now)
    listed = recipients.of_keys(readers)
    done = await tx.execute(
        "INSERT INTO sealed.cases (id, district_id, opened_week, due_acknowledge, due_resolve, code_hash, day_box,"
        " recipients, recipient_keys, recipients_mac, status)"
        " SELECT %(id)s, d.id, to_char(%(now)s::timestamptz AT TIME ZONE d.timezone, 'IYYY-\"W\"IW'),"
        " date_trunc('week', %(acknowledge)s::timestamptz AT TIME ZONE d.timezone)::date + 6,"
        " date_trunc('week', %(resolve)s::timestamptz AT TIME ZONE d.timezone)::date + 6, %(code_hash)s, %(day_box)s,"
        " %(recipients)s, %(marks)s, %(mac)s, %(status)s"
        " FROM districts d WHERE d.id = %(district)s AND %(there)s::uuid IS NULL",
        {
            "id": case_id,
            "now": now,
            "acknowledge": acknowledge_due,
            "resolve": resolve_due,
            "code_hash": mark(code_hash),
            "day_box": _turn_day(code_hash, day_of(resolve_due)),
            "recipients": list(listed),
            "marks": list(listed.values()),
            "mac": recipients.bind(keys, case_id, listed),
            "district": district_id,
            "status": _STANDS.get(stood, "in_progress"),
            "there": there,
        },
    )
    if there is not None:
        return there
    if done.rowcount != 1:
        raise Refused("district_unknown")
    return case_id


async def put_code(tx: Tx, case_id: UUID, code_hash: bytes, begun: datetime) -> None:
    """One more code that opens a case: words of its phone were joined to it under that one."""
    await tx.execute(
        "INSERT INTO sealed.codes (code_hash, case_id, day_box) VALUES (%s, %s, %s)",
        (mark(code_hash), case_id, _turn_day(code_hash, day_of(begun + clocks.RESOLVE))),
    )


def mark(code_hash: bytes) -> bytes:
    """What a case is found by: another hash than the one that opens its day."""
    return hashlib.sha256(b"code" + code_hash).digest()


def open_day(code_hash: bytes, box: bytes) -> date:
    """The day by which an answer is owed, for whoever has the code; the row itself tells the week."""
    return _SINCE + timedelta(days=int.from_bytes(_mask(code_hash, box), "big", signed=True))


def _turn_day(code_hash: bytes, due: date) -> bytes:
    return _mask(code_hash, (due - _SINCE).days.to_bytes(4, "big", signed=True))


def _mask(code_hash: bytes, day: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(day, hashlib.sha256(b"day" + code_hash).digest(), strict=False))


async def renumber(tx: Tx, case_id: UUID, code_hash: bytes, due: date) -> None:
    """Another number opens a case from now on. Those before show nothing, and what stood at them is gone."""
    await tx.execute("SELECT sealed.renumber(%s, %s, %s)", (case_id, mark(code_hash), _turn_day(code_hash, due)))


# ── who reads it, and where it stands: for the desk's side only ──────────────────────────────────────────────────────
async def set_recipients(tx: Tx, keys: Keys, case_id: UUID, listed: Mapping[UUID, str]) -> None:
    """Who reads a case from now on, bound to it."""
    await tx.execute(
        "UPDATE sealed.cases SET recipients = %s, recipient_keys = %s, recipients_mac = %s WHERE id = %s",
        (list(listed), list(listed.values()), recipients.bind(keys, case_id, listed), case_id),
    )


async def bind_old(tx: Tx, keys: Keys) -> int:
    """Bind the cases of before there was such a thing to the keys that their readers have. Returns how many."""
    marks = {
        row["id"]: fingerprint(bytes(row["public_key"]))
        for row in await fetch_all(tx, "SELECT id, public_key FROM staff WHERE public_key IS NOT NULL")
    }
    rows = await fetch_all(tx, "SELECT id, recipients FROM sealed.cases WHERE recipients_mac IS NULL FOR UPDATE")
    for row in rows:
        await set_recipients(tx, keys, row["id"], {one: marks.get(one, "") for one in row["recipients"]})
    return len(rows)


async def count_fresh(tx: Tx) -> int:
    """How many rows of the room were written since it was mixed."""
    row = await fetch_one(tx, "SELECT sealed.fresh() AS fresh")
    return int(row["fresh"]) if row else 0


async def is_larger(tx: Tx, than: int) -> bool:
    """Whether the room has more boxes than that."""
    row = await fetch_one(tx, "SELECT count(*) AS n FROM (SELECT FROM sealed.items LIMIT %s) AS boxes", (than + 1,))
    return row is not None and row["n"] > than


async def mix(tx: Tx) -> None:
    """Write the whole room anew in an order drawn by lot."""
    await tx.execute("SELECT sealed.mix()")


async def turn_log(tx: Tx) -> None:
    """Let the database's log of what was written before go. Once the room was mixed, and that is committed."""
    await tx.execute("SELECT sealed.turn_log()")


async def note_words(tx: Tx, case_id: UUID) -> None:
    """Words have come by the number: a case that was read shows that, until a reader opens it again."""
    await tx.execute("SELECT sealed.note_words(%s)", (case_id,))


async def dispute(tx: Tx, case_id: UUID) -> None:
    """Whoever has the number says that it is not so: a closed case is open again, for thirty days after it closed."""
    await tx.execute("SELECT sealed.dispute(%s)", (case_id,))


async def set_status(tx: Tx, case_id: UUID, status: str, before: Collection[str]) -> bool:
    """Write what a case has become over one of `before`. False where it stands elsewhere by now."""
    done = await tx.execute(
        "UPDATE sealed.cases SET status = %s WHERE id = %s AND status = ANY(%s)", (status, case_id, list(before))
    )
    return done.rowcount == 1


async def mark_overdue(tx: Tx, today: date) -> int:
    """Mark the cases whose date has passed, once. Returns how many."""
    done = await tx.execute(
        "UPDATE sealed.cases SET overdue = true WHERE NOT overdue AND status <> 'closed'"
        " AND (due_resolve < %(today)s OR (status = 'received' AND due_acknowledge < %(today)s))",
        {"today": today},
    )
    return done.rowcount


async def mark_follow_ups(tx: Tx, today: date) -> int:
    """Mark the cases whose follow-up day has passed and nobody has come back to, once. Returns how many."""
    done = await tx.execute(
        "UPDATE sealed.cases SET follow_up_late = true WHERE NOT follow_up_late AND least(follow_up_on, words_on) < %s",
        (today,),
    )
    return done.rowcount


async def come_back(tx: Tx, case_id: UUID, today: date) -> None:
    """A reader has opened it: words that came are read, and a day that has come is kept.

    What was closed is looked at once more when nobody may say any longer that it is not so.
    """
    await tx.execute(
        "UPDATE sealed.cases SET words_on = NULL, follow_up_late = false,"
        " follow_up_on = CASE WHEN follow_up_on > %(today)s THEN follow_up_on"
        " WHEN status = 'closed' AND closed_on + %(stands)s > %(today)s THEN closed_on + %(stands)s END"
        " WHERE id = %(case)s",
        {"today": today, "case": case_id, "stands": clocks.DISPUTE.days + 1},
    )


async def set_follow_up(tx: Tx, case_id: UUID, on: date | None) -> None:
    """The day on which a reader means to come back to it; None once they have."""
    await tx.execute("UPDATE sealed.cases SET follow_up_on = %s, follow_up_late = false WHERE id = %s", (on, case_id))


async def ask_close(tx: Tx, case_id: UUID, staff_id: UUID) -> bool:
    """Write down who says that the case can be closed. False where another has asked, or it cannot be now."""
    done = await tx.execute(
        "UPDATE sealed.cases SET close_asked_by = %(staff)s, close_asked_at = now() WHERE id = %(case)s"
        " AND status IN ('seen', 'in_progress', 'disputed') AND (close_asked_by IS NULL OR close_asked_by = %(staff)s"
        " OR close_asked_at <= now() - %(stands)s)",
        {"case": case_id, "staff": staff_id, "stands": ASK_STANDS},
    )
    return done.rowcount == 1


async def unask_close(tx: Tx, case_id: UUID, staff_id: UUID) -> bool:
    """False where this person has not asked, or it is closed."""
    done = await tx.execute(
        "UPDATE sealed.cases SET close_asked_by = NULL, close_asked_at = NULL"
        " WHERE id = %s AND close_asked_by = %s AND status <> 'closed'",
        (case_id, staff_id),
    )
    return done.rowcount == 1


async def close(tx: Tx, case_id: UUID, staff_id: UUID, today: date) -> bool:
    """Close what another has asked to close. False where nobody has, or too long ago, or it cannot be now."""
    done = await tx.execute(
        "UPDATE sealed.cases SET status = 'closed', closed_on = %(today)s"
        " WHERE id = %(case)s AND status IN ('seen', 'in_progress', 'disputed')"
        " AND close_asked_by <> %(staff)s AND close_asked_at > now() - %(stands)s",
        {"case": case_id, "staff": staff_id, "stands": ASK_STANDS, "today": today},
    )
    return done.rowcount == 1
