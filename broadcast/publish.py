"""From a draft to everybody who asked: draft, approve by a second person, fan out in batches, stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from psycopg.types.json import Jsonb

import locales
from broadcast import audience, edition, renderings, week
from broadcast.edition import Item, Withheld
from broadcast.lint import inspect
from broadcast.renderings import Heading, Message
from cases import calendar
from cases.districts import District
from cases.roles import who_may
from locales.channels import CHANNELS
from store import alarms, audit, outbox, sessions
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one, new_id
from store.jawab import Jawab

log = structlog.get_logger()

BATCH = 500
DRAFT_DAY, DRAFT_HOUR = 3, time(9)  # Thursday 09:00 in the district's own time: a day to read it before Friday
FOUND = {
    "phone": "a phone number",
    "cnic": "an identity card number",
    "code": "a case code",
    "address": "an address",
    "name": "a person's name",
    "long": "too many letters",
}


@dataclass(frozen=True, slots=True)
class Edition:
    """One row of `editions`, with the district it belongs to."""

    id: UUID
    district: District
    week: str
    state: str
    items: list[Item]
    digest: str
    drafted_by: UUID | None
    drafted_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    send_after: datetime | None
    sent_at: datetime | None
    stopped_by: UUID | None
    reached: UUID | None

    @property
    def heading(self) -> Heading:
        """The day is the week's last, or the day of drafting where the week still ran."""
        drafted = calendar.day_of(self.drafted_at, self.district.timezone)
        return Heading(self.district.names, min(calendar.sunday(self.week), drafted).isoformat())


async def find(conn: Conn, edition_id: UUID, *, lock: bool = False) -> Edition:
    """Raises `Withheld` where there is none. `lock` holds the row until the transaction ends."""
    sql = "SELECT * FROM editions WHERE id = %s"
    row = await fetch_one(conn, sql + " FOR UPDATE" if lock else sql, (edition_id,))
    if row is None:
        raise Withheld("there is no such edition")
    district = await week.find_district(conn, row.pop("district_id"))
    return Edition(district=district, **row)


async def find_week(conn: Conn, district_id: str, wanted: str) -> UUID | None:
    row = await fetch_one(conn, "SELECT id FROM editions WHERE district_id = %s AND week = %s", (district_id, wanted))
    return row["id"] if row else None


# ── drafting ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def compile_week(conn: Conn, district_id: str, wanted: str, now: datetime) -> edition.Draft:
    """What the week's edition would say now, and what is held back with its reason. Writes nothing."""
    district = await week.find_district(conn, district_id)
    return edition.build(await week.read(conn, district, wanted, now))


async def draft(tx: Tx, district_id: str, wanted: str, by: UUID | None, now: datetime) -> UUID:
    """Draft a district's week; `by` is None for the weekly clock. Raises `Withheld` where the week has an edition."""
    made = await compile_week(tx, district_id, wanted, now)
    row = await fetch_one(
        tx,
        "INSERT INTO editions (id, district_id, week, items, digest, drafted_by, drafted_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (district_id, week) DO NOTHING RETURNING id",
        (new_id(), district_id, wanted, Jsonb(made.items), edition.digest(made.items), by, now),
    )
    if row is None:
        raise Withheld(f"{wanted} already has an edition", "editions.refused.exists")
    await audit.write(tx, _actor(by), "edition.draft", str(row["id"]))
    return UUID(str(row["id"]))


async def redraft(tx: Tx, edition_id: UUID, by: UUID | None, now: datetime) -> None:
    """Compile a draft again from the rows of now; lines of somebody's own stay on the items that are still there."""
    held = await _held_draft(tx, edition_id)
    made = await compile_week(tx, held.district.id, held.week, now)
    own = {_claim(item): item for item in held.items if item.get("line")}
    items = [
        item | {name: own[_claim(item)][name] for name in ("line", "line_lang")} if _claim(item) in own else item
        for item in made.items
    ]
    await _write_items(tx, edition_id, items, by, now)


async def add_line(tx: Tx, edition_id: UUID, index: int, *, line: str, lang: str, by: UUID, now: datetime) -> None:
    """Put one's own line on an item of a draft ("" takes it away). Raises `Withheld` for what may not go out."""
    held = await _held_draft(tx, edition_id)
    await _inspect_lines(tx, held.district.id, [line])
    await _write_items(tx, edition_id, edition.add_line(held.items, index, line, lang), by, now)


async def _held_draft(tx: Tx, edition_id: UUID) -> Edition:
    held = await find(tx, edition_id, lock=True)
    if held.state != "draft":
        raise Withheld("the edition is frozen: it has been approved", "editions.refused.frozen")
    return held


def _claim(item: Item) -> tuple[Any, ...]:
    """What an item says of what, without its numbers: the same after a redraft."""
    values = item["values"]
    category = locales.current(values.get("category", {}).get("key", ""))  # a draft may be older than its name
    return item["key"], item.get("commitment"), category, str(values.get("outcome"))


async def _write_items(tx: Tx, edition_id: UUID, items: list[Item], by: UUID | None, now: datetime) -> None:
    # Whoever changed it last is the one who may not approve it.
    await tx.execute(
        "UPDATE editions SET items = %s, digest = %s, drafted_by = %s, drafted_at = %s WHERE id = %s",
        (Jsonb(items), edition.digest(items), by, now, edition_id),
    )
    await audit.write(tx, _actor(by), "edition.redraft", str(edition_id))


async def _inspect_lines(tx: Tx, district_id: str, lines: Sequence[str]) -> None:
    rows = await fetch_all(tx, "SELECT name FROM staff WHERE district_id = %s AND NOT demo", (district_id,))
    for line in lines:
        if found := inspect(line, [row["name"] for row in rows]):
            told = ", ".join(sorted({FOUND[finding.kind] for finding in found}))
            raise Withheld(
                f"this line may not go out, it holds {told}: {line}", f"editions.refused.line.{found[0].kind}"
            )


# ── approval ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def approve(tx: Tx, edition_id: UUID, by: UUID, now: datetime, *, seen: str | None = None) -> None:
    """Freeze an edition. `seen` is the digest of what the approver read.

    Raises `Withheld`: not an approver of this district, the drafter, other items than those read, a line that
    may not go out, an SMS over its budget in any language.
    """
    held = await _held_draft(tx, edition_id)
    staff = await fetch_one(tx, "SELECT role, district_id FROM staff WHERE id = %s AND disabled_at IS NULL", (by,))
    if staff is None or staff["role"] not in who_may("approve") or staff["district_id"] != held.district.id:
        raise Withheld("only an approver of this district may approve", "editions.refused.role")
    if by == held.drafted_by:
        raise Withheld("who drafted an edition may not approve it: a second person must", "editions.refused.same")
    if edition.digest(held.items) != held.digest or (seen is not None and seen != held.digest):
        raise Withheld("the edition has changed since it was read: read it again", "editions.refused.changed")
    edition.check(held.items)
    await _inspect_lines(tx, held.district.id, [item["line"] for item in held.items if item.get("line")])
    for shown in renderings.previews(held.items, held.heading):
        if not shown.fits:
            raise Withheld(
                f"the SMS in {shown.lang} has {shown.sms_parts} parts, over {renderings.MOST_PARTS}",
                "editions.refused.parts",
                parts=shown.sms_parts,
                most=renderings.MOST_PARTS,
            )
    await tx.execute(
        "UPDATE editions SET state = 'approved', approved_by = %s, approved_at = %s, send_after = %s WHERE id = %s",
        (by, now, now + held.district.approval_hold, edition_id),
    )
    await audit.write(tx, _actor(by), "edition.approve", f"{edition_id} {held.digest}")


async def stop(tx: Tx, edition_id: UUID, by: UUID | None, now: datetime) -> int:
    """Stop an edition wherever it is and withdraw what has not left. Returns how many messages were withdrawn."""
    held = await find(tx, edition_id, lock=True)
    if held.state in {"draft", "stopped"}:
        raise Withheld("this edition is not being sent", "editions.refused.idle")
    await tx.execute("UPDATE editions SET state = 'stopped', stopped_by = %s WHERE id = %s", (by, edition_id))
    withdrawn = await outbox.withdraw_edition(tx, edition_id)
    await audit.write(tx, _actor(by), "edition.stop", str(edition_id))
    log.info("edition stopped", edition=str(edition_id), withdrawn=withdrawn, at=now.isoformat())
    return withdrawn


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def fan_out(jawab: Jawab, edition_id: UUID, *, batch: int = BATCH, now: datetime | None = None) -> int:
    """Queue an edition for its audience, one transaction for each batch. Returns how many rows this call queued.

    May be called again at any moment, by any number of workers: the row of the edition is locked for a batch, its
    cursor moves with the batch, and (edition, contact) is unique. Does nothing before the hold is over.
    """
    queued = 0
    composed: dict[tuple[str, str], Message] = {}
    while True:
        async with jawab.db.transaction("console") as tx:
            held = await find(tx, edition_id, lock=True)
            made = await _fan_out_batch(
                tx, jawab.keys, held, batch=batch, now=now or datetime.now(UTC), composed=composed
            )
        if made is None:
            return queued
        if made and not queued:
            jawab.bell.ring("broadcasts", "broadcasts")  # another worker may begin to send while this one queues
        queued += made


async def _fan_out_batch(
    tx: Tx, keys: Keys, held: Edition, *, batch: int, now: datetime, composed: dict[tuple[str, str], Message]
) -> int | None:
    """One batch; None when there is nothing (more) to do. `composed` keeps what is the same for many readers."""
    if held.state not in {"approved", "sending"} or held.send_after is None or held.send_after > now:
        return None
    if edition.digest(held.items) != held.digest:
        await tx.execute("UPDATE editions SET state = 'stopped' WHERE id = %s", (held.id,))
        await alarms.sound(tx, "edition_altered", held.district.id, edition=str(held.id))
        return None
    readers, reached = await audience.page(tx, keys, held.district.id, held.reached, batch)
    if reached is None:
        await tx.execute("UPDATE editions SET state = 'sent', sent_at = %s WHERE id = %s", (now, held.id))
        await audit.write(tx, "clock", "edition.sent", str(held.id))
        return None
    copies = []
    for reader in readers:
        lang = reader.lang or "ur"
        form = (lang, reader.kind)
        if form not in composed:
            composed[form] = renderings.compose(held.items, held.heading, lang, reader.kind)
        row_id = new_id()
        message = keys.put_json(composed[form], outbox.bound_to(row_id))
        copies.append(outbox.Copy(row_id, reader.contact_id, lang, message))
    made = await outbox.put_edition(tx, held.id, copies, now) if copies else 0
    await sessions.ask_many(tx, [copy.contact_id for copy in copies])
    await tx.execute("UPDATE editions SET state = 'sending', reached = %s WHERE id = %s", (reached, held.id))
    return made


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
async def due(tx: Tx, now: datetime) -> list[UUID]:
    """Editions whose hold has passed and whose fan-out has not ended, oldest first."""
    rows = await fetch_all(
        tx,
        "SELECT id FROM editions WHERE state IN ('approved', 'sending') AND send_after <= %s ORDER BY send_after",
        (now,),
    )
    return [row["id"] for row in rows]


async def draft_due(tx: Tx, now: datetime) -> list[UUID]:
    """Draft last week's edition of every district where it is Thursday 09:00 or later and there is none yet."""
    made = []
    for row in await fetch_all(tx, "SELECT id, timezone FROM districts ORDER BY id"):
        local = now.astimezone(ZoneInfo(row["timezone"]))
        begun = calendar.monday(calendar.week_of(local.date())) + timedelta(days=DRAFT_DAY)
        if local < datetime.combine(begun, DRAFT_HOUR, local.tzinfo):
            continue
        wanted = calendar.last_full(now, row["timezone"])
        if await find_week(tx, row["id"], wanted) is None:
            try:
                async with tx.transaction():  # a second tick may be faster; its edition stays
                    made.append(await draft(tx, row["id"], wanted, None, now))
            except Withheld:
                log.info("edition not drafted", district=row["id"], week=wanted)
    return made


LEFT, LEAVING = ("sent", "delivered", "read"), ("queued", "sending")


def standing(state: str, messages: Mapping[str, int]) -> str:
    """What may be said of an edition: its state, but that "sent" is said of none that still leaves or reached nobody.

    `messages` are its messages by state. Of a frozen edition whose people were all looked at: `sending` while some
    still leave, `nobody` where nobody had asked for it, `unreached` where none could be told, else `sent`.
    """
    if state != "sent":
        return state
    if any(messages.get(one) for one in LEAVING):
        return "sending"
    if any(messages.get(one) for one in LEFT):
        return "sent"
    return "unreached" if messages else "nobody"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an edition has come: messages by state; subscribed contacts by kind of channel and language."""

    messages: dict[str, int]
    subscribers: dict[tuple[str, str], int]

    @property
    def gone(self) -> int:
        """How many messages have left us."""
        return sum(self.messages.get(one, 0) for one in LEFT)

    def sms_parts(self, held: Edition) -> int:
        """SMS parts that the whole edition costs, counted per subscriber's language."""
        return sum(
            number * renderings.parts(renderings.compose(held.items, held.heading, lang, kind), lang, kind)
            for (kind, lang), number in self.subscribers.items()
            if CHANNELS[kind].parts
        )


async def progress(conn: Conn, held: Edition) -> Progress:
    rows = await fetch_all(
        conn, "SELECT state, count(*) AS n FROM outbox WHERE edition_id = %s GROUP BY state", (held.id,)
    )
    return Progress({row["state"]: row["n"] for row in rows}, await audience.count(conn, held.district.id))


def _actor(by: UUID | None) -> str:
    return str(by) if by else "clock"
