"""The reading side of the protected room, for its named readers at the desk.

Every look is audited in the transaction that reads, before anything is returned: if the audit fails, so does the look.
The caller lets content leave only after that transaction has committed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from cases import calendar, clocks
from cases.lifecycle import Refused
from cases.protected import dropped, register, vault
from cases.roles import who_may
from store import alarms, audit
from store.crypto import Keys, Unopened, fingerprint, open_item, reader_of
from store.database import LOCKS, Conn, Tx, fetch_all, fetch_one

# Why a reader looks: a closed list, because a typed reason could hold what the seal is for.
REASONS = ("first_look", "follow_up", "handover", "review", "close")
MOST_OPENS = 20  # an hour; more looks like taking everything along
STOPPED = "opens_stopped"  # the refusal's reason
_STOPPED = (
    "SELECT l.staff_id AS id FROM sealed.looks l WHERE l.at > clock_timestamp() - interval '1 hour'"
    " AND l.at > coalesce((SELECT max(a.at) FROM sealed.agreed a WHERE a.staff_id = l.staff_id), '-infinity')"
    " GROUP BY l.staff_id HAVING count(*) >= %s"
)

# With the wrap for one key of a reader; what was sealed before keys were written down has "".
_ITEMS: LiteralString = (
    "SELECT i.id, i.blob, w.wrap FROM sealed.items i LEFT JOIN LATERAL (SELECT wrap FROM sealed.wraps"
    " WHERE item_id = i.id AND reader = %(reader)s AND key IN (%(key)s, '') ORDER BY key DESC LIMIT 1) w ON true"
    " WHERE i.case_id = %(case)s AND (%(item)s::uuid IS NULL OR i.id = %(item)s) ORDER BY i.seq"
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A protected case from outside: no words, no code, dates only."""

    id: UUID
    district_id: str
    opened_week: str
    due_acknowledge: date
    due_resolve: date
    status: str
    overdue: bool
    follow_up_on: date | None
    follow_up_late: bool
    words_on: date | None  # since when words wait that no reader has opened
    close_asked_by: UUID | None  # None also where it was asked too long ago
    next_on: date  # what the list is ordered by


Place = tuple[bool, date, UUID]  # in the list: whether it is closed, what is due next, its id

_LIST: LiteralString = """
SELECT c.id, c.district_id, c.opened_week, c.due_acknowledge, c.due_resolve, c.status, c.overdue, c.follow_up_on,
    c.follow_up_late, c.words_on, c.next_on,
    CASE WHEN c.close_asked_at > now() - %(stands)s THEN c.close_asked_by END AS close_asked_by
FROM (SELECT *, least(follow_up_on, words_on, CASE WHEN status = 'received' THEN due_acknowledge ELSE due_resolve END)
    AS next_on FROM sealed.cases) c
WHERE %(staff)s = ANY(c.recipients)"""
_AFTER: LiteralString = " AND (c.status = 'closed', c.next_on, c.id) > (%(closed)s, %(on)s, %(id)s)"
_ORDER: LiteralString = " ORDER BY c.status = 'closed', c.next_on, c.id LIMIT %(most)s"  # as `sealed_cases_next` has it
LIST: LiteralString = _LIST + _ORDER


async def list_for(conn: Conn, staff_id: UUID, *, after: Place | None = None, most: int | None = None) -> list[Sealed]:
    """The protected cases this person is a reader of, what is due next first: all, or so many after a place."""
    closed, on, last = after or (None, None, None)
    return await fetch_all(
        conn,
        _LIST + _AFTER + _ORDER if after else LIST,
        {"staff": staff_id, "stands": register.ASK_STANDS, "closed": closed, "on": on, "id": last, "most": most},
        of=Sealed,
    )


async def find_for(conn: Conn, staff_id: UUID, case_id: UUID) -> Sealed | None:
    """One of them; None for another's case and for none."""
    return await fetch_one(
        conn,
        _LIST + " AND c.id = %(case)s",
        {"staff": staff_id, "stands": register.ASK_STANDS, "case": case_id},
        of=Sealed,
    )


@dataclass(frozen=True, slots=True)
class Stopped:
    """A reader whose looks are stopped until another reader agrees."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """One opened item. What this key does not open (one made anew after a lost password) is of kind "unreadable"."""

    id: UUID
    kind: str
    at: datetime | None
    data: dict[str, Any]


async def open_items(
    tx: Tx, keys: Keys, case_id: UUID, *, staff_id: UUID, private_key: bytes, reason: str, now: datetime
) -> list[Item]:
    """Open a case with a reader's unlocked private key, oldest item first, with what came into its drops since.

    Raises `Refused` for who is no reader, gives no reason of REASONS, or has looked too often in an hour (`STOPPED`).
    """
    if reason not in REASONS:
        raise Refused("reason_missing")
    await require_reader(tx, case_id, staff_id)
    await _count_open(tx, staff_id)
    await audit.write(tx, str(staff_id), f"protected.open:{reason}", str(case_id))
    await tx.execute(
        "INSERT INTO sealed.openings (case_id, staff_id, at) VALUES (%s, %s, clock_timestamp())"
        " ON CONFLICT (case_id, staff_id) DO UPDATE SET at = excluded.at",
        (case_id, staff_id),
    )
    await register.come_back(tx, case_id, calendar.day_of(now))
    items = await read_items(tx, case_id, staff_id, private_key)
    if await dropped.collect(tx, keys, case_id, dropped.of([(item.kind, item.data) for item in items])):
        items = await read_items(tx, case_id, staff_id, private_key)
    return items


async def read_items(tx: Tx, case_id: UUID, staff_id: UUID, private_key: bytes) -> list[Item]:
    """Open a case's items for an act that has been written down, oldest first. It is no look: nothing is shown."""
    rows = await fetch_all(
        tx,
        _ITEMS,
        {"case": case_id, "item": None, "reader": str(staff_id), "key": fingerprint(reader_of(private_key))},
    )
    opened = [open_row(row, case_id, private_key) for row in rows]
    return [one for one in opened if one.kind != vault.BLANK]


def days(items: Sequence[Item]) -> dict[str, date]:
    """The two dates of a case to the day, as its opened seal tells them: from outside their weeks are known.

    {} where this key opens nothing that has a time.
    """
    begun = next((item.at for item in items if item.at is not None), None)
    if begun is None:
        return {}
    acknowledge, resolve = clocks.due(begun)
    return {"due_acknowledge": calendar.day_of(acknowledge), "due_resolve": calendar.day_of(resolve)}


async def require_reader(tx: Tx, case_id: UUID, staff_id: UUID) -> dict[str, Any]:
    """Where a case stands, for one of its readers. Raises `Refused`, the same for another's case and for none."""
    row = await fetch_one(
        tx,
        "SELECT c.status, c.district_id, c.due_resolve, c.close_asked_by, c.close_asked_at"
        " FROM sealed.cases c JOIN staff s ON s.id = %(staff)s"
        " WHERE c.id = %(case)s AND s.id = ANY(c.recipients) AND s.role = ANY(%(roles)s) AND s.disabled_at IS NULL",
        {"case": case_id, "staff": staff_id, "roles": list(who_may("unseal"))},
    )
    if row is None:
        raise Refused("not_allowed")
    return row


async def open_file(
    tx: Tx, case_id: UUID, item_id: UUID, *, staff_id: UUID, private_key: bytes, reason: str
) -> Item | None:
    """Open one item of a case again, for its photo or voice note; None where there is no such item. Raises `Refused`.

    Each time is audited, under the item. It is no look at a case of its own: what an item is called is told by a look.
    """
    if reason not in REASONS:
        raise Refused("reason_missing")
    await require_reader(tx, case_id, staff_id)
    await audit.write(tx, str(staff_id), f"protected.media:{reason}", str(item_id))
    row = await fetch_one(
        tx,
        _ITEMS,
        {
            "case": case_id,
            "item": item_id,
            "reader": str(staff_id),
            "key": fingerprint(reader_of(private_key)),
        },
    )
    return None if row is None else open_row(row, case_id, private_key)


async def note(tx: Tx, keys: Keys, case_id: UUID, *, staff_id: UUID, text: str, now: datetime) -> UUID:
    """Seal a reader's own line to the same readers. Returns the item's id."""
    if not text.strip():
        raise Refused("text_missing")
    await require_reader(tx, case_id, staff_id)
    await audit.write(tx, str(staff_id), "protected.note", str(case_id))
    return await vault.append(tx, keys, case_id=case_id, kind="note", data={"text": text, "by": str(staff_id)}, now=now)


async def unask_close(tx: Tx, case_id: UUID, *, staff_id: UUID) -> None:
    """Who has asked to close takes it back. Raises `Refused` for anybody else, and once it is closed."""
    await require_reader(tx, case_id, staff_id)
    if not await register.unask_close(tx, case_id, staff_id):
        raise Refused("unknown_move")
    await audit.write(tx, str(staff_id), "protected.unask_close", str(case_id))


async def sweep(tx: Tx, today: date) -> int:
    """Mark the cases whose date has passed, once, and sound one alarm that names none of them. Returns how many."""
    marked = await register.mark_overdue(tx, today)
    if marked:
        await alarms.sound(tx, "protected_overdue")
    late = await register.mark_follow_ups(tx, today)
    if late:
        await alarms.sound(tx, "protected_follow_up")
    return marked + late


async def forget_looks(tx: Tx) -> int:
    """Let go of looks that no longer count; the audit keeps them for good. Returns how many."""
    row = await fetch_one(tx, "SELECT sealed.forget_looks() AS gone")
    return int(row["gone"]) if row else 0


async def _count_open(tx: Tx, staff_id: UUID) -> None:
    """One more look. Raises `Refused` where there were as many as fit into an hour, since a second reader agreed."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", (str(staff_id), LOCKS["looks"]))
    if staff_id in await _stopped(tx):
        raise Refused(STOPPED)
    await tx.execute("INSERT INTO sealed.looks (staff_id) VALUES (%s)", (staff_id,))


async def tell_stopped(tx: Tx, staff_id: UUID) -> None:
    """Write down that somebody was stopped, and call for a person: in a transaction of its own, the look has none."""
    await audit.write(tx, str(staff_id), "protected.stopped", str(staff_id))
    await alarms.sound(tx, "protected_opens", once=["staff"], staff=str(staff_id))


async def list_stopped(conn: Conn, staff_id: UUID) -> list[Stopped]:
    """The other readers who are stopped now."""
    others = list(await _stopped(conn) - {staff_id})
    return await fetch_all(
        conn,
        "SELECT id, name FROM staff WHERE id = ANY(%s) AND disabled_at IS NULL ORDER BY name",
        (others,),
        of=Stopped,
    )


async def agree(tx: Tx, other: UUID, *, staff_id: UUID) -> None:
    """A second reader has spoken with the first: their looks go on. Raises `Refused` for who is not stopped."""
    if other not in {one.id for one in await list_stopped(tx, staff_id)}:
        raise Refused("not_stopped")
    await tx.execute("INSERT INTO sealed.agreed (staff_id, agreed_by) VALUES (%s, %s)", (other, staff_id))
    await audit.write(tx, str(staff_id), "protected.agree", str(other))


async def _stopped(conn: Conn) -> set[UUID]:
    return {row["id"] for row in await fetch_all(conn, _STOPPED, (MOST_OPENS,))}


def open_row(row: dict[str, Any], case_id: UUID, private_key: bytes) -> Item:
    """An item's row (id, blob, wrap) laid open; of kind "unreadable" where this key opens it not."""
    unreadable = Item(row["id"], "unreadable", None, {})
    if row["wrap"] is None:
        return unreadable
    try:
        opened = json.loads(open_item(row["blob"], row["wrap"], private_key, str(case_id), str(row["id"])))
    except Unopened:
        return unreadable
    at = datetime.fromisoformat(opened["at"]) if opened["at"] else None
    return Item(row["id"], opened["kind"], at, opened["data"])
