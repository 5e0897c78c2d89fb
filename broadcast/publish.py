"""From a draft to everybody who asked: draft, approve by a second person, fan out in batches, stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from psycopg.types.json import Jsonb

from broadcast import audience, changes, edition, reached, renderings, week
from broadcast.changes import Edits, Sheet
from broadcast.edition import Item, Withheld
from broadcast.lint import inspect
from broadcast.renderings import Heading, Message
from broadcast.span import Span
from cases import calendar
from cases.districts import District
from cases.roles import who_may
from store import alarms, audit, outbox, sessions
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
    "victim": "somebody who was hurt",
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
    from_at: datetime
    until_at: datetime
    edits: dict[str, Any]  # of changes.Edits
    passed: dict[str, int]  # whom the fan-out passed over, by reason

    @property
    def span(self) -> Span:
        return Span(self.from_at, self.until_at)

    @property
    def sheet(self) -> Sheet:
        return Sheet(self.items, Edits(**self.edits))

    def heading(self, site: str = "") -> Heading:
        """`site`: the public address of this house, "" where it has none that a reader's phone could open."""
        link = f"{site}/updates/{self.week}?district={self.district.id}" if site else ""
        return Heading(self.district.names, self.span.last_day(self.district.timezone), link)


_FIND: LiteralString = """SELECT id, district_id, week, state, items, digest, drafted_by, drafted_at, approved_by,
 approved_at, send_after, sent_at, stopped_by, reached, from_at, until_at, edits, passed FROM editions WHERE id = %s"""


async def find(conn: Conn, edition_id: UUID, *, lock: bool = False) -> Edition:
    """Raises `Withheld` where there is none. `lock` holds the row until the transaction ends."""
    row = await fetch_one(conn, _FIND + " FOR UPDATE" if lock else _FIND, (edition_id,))
    if row is None:
        raise Withheld("there is no such edition")
    district = await week.find_district(conn, row.pop("district_id"))
    return Edition(district=district, **row)


async def find_week(conn: Conn, district_id: str, wanted: str) -> UUID | None:
    row = await fetch_one(conn, "SELECT id FROM editions WHERE district_id = %s AND week = %s", (district_id, wanted))
    return row["id"] if row else None


# ── drafting ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def compile_week(conn: Conn, district_id: str, wanted: str, now: datetime) -> tuple[edition.Draft, Span]:
    """What the week's edition would say now, what is held back with its reason, and of which span. Writes nothing."""
    district = await week.find_district(conn, district_id)
    span = await week.span(conn, district, wanted, now)
    return edition.build(await week.read(conn, district, span, now)), span


async def draft(tx: Tx, district_id: str, wanted: str, by: UUID | None, now: datetime) -> UUID:
    """Draft a district's week; `by` is None for the weekly clock. A week that still runs is cut off now: the next
    edition begins here. Raises `Withheld` where the week has an edition."""
    await _one_at_a_time(tx, district_id)
    made, span = await compile_week(tx, district_id, wanted, now)
    row = await fetch_one(
        tx,
        "INSERT INTO editions (id, district_id, week, items, digest, drafted_by, drafted_at, from_at, until_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (district_id, week) DO NOTHING RETURNING id",
        (
            new_id(),
            district_id,
            wanted,
            Jsonb(made.items),
            edition.digest(made.items),
            by,
            now,
            span.first,
            span.after,
        ),
    )
    if row is None:
        raise Withheld(f"{wanted} already has an edition", "editions.refused.exists")
    await audit.write(tx, _actor(by), "edition.draft", str(row["id"]))
    return UUID(str(row["id"]))


async def redraft(tx: Tx, edition_id: UUID, by: UUID | None, now: datetime) -> None:
    """Compile a draft again from the rows of now; what was done to its lines is carried on where they are still there.

    A week that still ran is told up to now, unless the next edition has begun where it was cut off.
    """
    held = await _held_draft(tx, edition_id)
    await _one_at_a_time(tx, held.district.id)
    made, span = await compile_week(tx, held.district.id, held.week, now)
    await tx.execute(
        "UPDATE editions SET from_at = %s, until_at = %s WHERE id = %s", (span.first, span.after, edition_id)
    )
    await _write(tx, edition_id, changes.carry_on(held.sheet, made.items), "redraft", by=by, now=now)


async def change(
    tx: Tx, edition_id: UUID, what: str, act: Callable[[Sheet], Sheet], *, by: UUID, now: datetime
) -> None:
    """Do one of `changes` to the lines of a draft; `what` names it in the audit. Raises `Withheld` as that does."""
    held = await _held_draft(tx, edition_id)
    await _write(tx, edition_id, act(held.sheet), what, by=by, now=now)


async def add_line(tx: Tx, edition_id: UUID, marked: str, *, line: str, lang: str, by: UUID, now: datetime) -> None:
    """Put one's own words beside a line of a draft ("" takes them away). Raises `Withheld` for what may not go out."""
    held = await _held_draft(tx, edition_id)
    await _inspect_lines(tx, held.district.id, [line])
    await _write(tx, edition_id, changes.put_line(held.sheet, marked, line, lang), "line", by=by, now=now)


async def _one_at_a_time(tx: Tx, district_id: str) -> None:
    """Where one edition of a district ends the next begins: no two are drafted at once."""
    await tx.execute("SELECT 1 FROM districts WHERE id = %s FOR UPDATE", (district_id,))


async def _held_draft(tx: Tx, edition_id: UUID) -> Edition:
    held = await find(tx, edition_id, lock=True)
    if held.state != "draft":
        raise Withheld("the edition is frozen: it has been approved", "editions.refused.frozen")
    return held


async def _write(tx: Tx, edition_id: UUID, sheet: Sheet, what: str, *, by: UUID | None, now: datetime) -> None:
    # Whoever changed it last is the one who may not approve it.
    await tx.execute(
        "UPDATE editions SET items = %s, digest = %s, edits = %s, drafted_by = %s, drafted_at = %s WHERE id = %s",
        (Jsonb(sheet.items), edition.digest(sheet.items), Jsonb(asdict(sheet.edits)), by, now, edition_id),
    )
    await audit.write(tx, _actor(by), f"edition.{what}", str(edition_id))


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
    for shown in renderings.previews(held.items, held.heading()):  # an address is only there where it fits
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
    await reached.forget(tx, edition_id)
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
            made = await _fan_out_batch(tx, jawab, held, batch=batch, now=now or datetime.now(UTC), composed=composed)
        if made is None:
            return queued
        if made and not queued:
            jawab.bell.ring("broadcasts", "broadcasts")  # another worker may begin to send while this one queues
        queued += made


async def _fan_out_batch(
    tx: Tx, jawab: Jawab, held: Edition, *, batch: int, now: datetime, composed: dict[tuple[str, str], Message]
) -> int | None:
    """One batch; None when there is nothing (more) to do. `composed` keeps what is the same for many readers."""
    if held.state not in {"approved", "sending"} or held.send_after is None or held.send_after > now:
        return None
    if edition.digest(held.items) != held.digest:
        await tx.execute("UPDATE editions SET state = 'stopped' WHERE id = %s", (held.id,))
        await alarms.sound(tx, "edition_altered", held.district.id, edition=str(held.id))
        return None
    page = await audience.page(tx, jawab.keys, held.district.id, held.reached, batch)
    if page.last is None:
        await tx.execute("UPDATE editions SET state = 'sent', sent_at = %s WHERE id = %s", (now, held.id))
        await audit.write(tx, "clock", "edition.sent", str(held.id))
        return None
    heading = held.heading(jawab.settings.public_url)
    copies = []
    for reader in page.readers:
        lang = reader.lang or "ur"
        form = (lang, reader.kind)
        if form not in composed:
            composed[form] = renderings.compose(held.items, heading, lang, reader.kind)
        row_id = new_id()
        message = jawab.keys.put_json(composed[form], outbox.bound_to(row_id))
        copies.append(outbox.Copy(row_id, reader.contact_id, lang, message))
    made = await outbox.put_edition(tx, held.id, copies, now) if copies else 0
    await sessions.ask_many(tx, [copy.contact_id for copy in copies])
    passed = Counter(held.passed) + page.passed
    await tx.execute(
        "UPDATE editions SET state = 'sending', reached = %s, passed = %s WHERE id = %s",
        (page.last, Jsonb(passed), held.id),
    )
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


async def list_undrafted(conn: Conn, now: datetime) -> list[tuple[str, str]]:
    """(district, week) of every district where it is Thursday 09:00 or later and last week has no edition yet."""
    wanted = []
    for row in await fetch_all(conn, "SELECT id, timezone FROM districts ORDER BY id"):
        local = now.astimezone(ZoneInfo(row["timezone"]))
        begun = calendar.monday(calendar.week_of(local.date())) + timedelta(days=DRAFT_DAY)
        if local >= datetime.combine(begun, DRAFT_HOUR, local.tzinfo):
            wanted.append((row["id"], calendar.last_full(now, row["timezone"])))
    made = await fetch_all(
        conn,
        "SELECT district_id, week FROM editions JOIN unnest(%s::text[], %s::text[]) AS w (district_id, week)"
        " USING (district_id, week)",
        ([one for one, _ in wanted], [week for _, week in wanted]),
    )
    there = {(row["district_id"], row["week"]) for row in made}
    return [one for one in wanted if one not in there]


async def draft_due(jawab: Jawab, now: datetime) -> list[UUID]:
    """Draft what is not drafted yet, each district in a transaction of its own: what cannot be drafted holds back no
    other, and nobody waits for all of them."""
    made = []
    async with jawab.db.autocommit("console") as conn:
        wanted = await list_undrafted(conn, now)
    for district_id, missing in wanted:
        try:
            async with jawab.db.transaction("console") as tx:  # a second clock may be faster; its edition stays
                made.append(await draft(tx, district_id, missing, None, now))
        except Withheld:
            log.info("edition not drafted", district=district_id, week=missing)
    return made


def _actor(by: UUID | None) -> str:
    return str(by) if by else "clock"
