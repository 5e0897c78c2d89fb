"""Claims: which outbox rows may go out now, taken by compare-and-set, and what is recorded once they were tried."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from store import channels
from store.database import Auto, Conn, Tx, fetch_all


@dataclass(slots=True, kw_only=True)
class Claimed(channels.Carried):
    """A row that is being sent, with all that its sending asks of its contact, channel, district and edition."""

    id: UUID
    contact_id: UUID
    lane: str
    purpose: str
    inbox_id: UUID | None
    case_id: UUID | None
    edition_id: UUID | None
    lang: str
    message: bytes
    attempts: int
    claimed_at: datetime
    created_at: datetime
    expired: bool
    expires_at: datetime
    template: str | None  # what it last went out as, in place of its own words: "purpose:language"
    freed_at: datetime | None  # when the person wrote, and its words were to follow
    now: datetime
    address_box: bytes
    last_inbound_at: datetime | None  # of its case, where it is news of one
    shut: bool  # the provider has said that their window is, since they wrote last
    stopped: bool
    weekly: bool
    invalid: bool
    quiet_from: time | None
    quiet_to: time | None
    clock: time  # now, in the district's own time
    edition_state: str | None


# News of a case goes by when that case was last heard of; whatever else its phone wrote moves nothing.
_HEARD: LiteralString = """
    CASE WHEN o.heard_at IS NULL THEN c.last_inbound_at ELSE greatest(o.heard_at, o.freed_at) END"""
_STOPPED: LiteralString = """
    (c.stopped_at IS NOT NULL OR (o.heard_at IS NOT NULL AND coalesce(c.stop_at > {heard}, false)))"""
_CLAIMED: LiteralString = (
    """
    o.id, o.contact_id, o.lane, o.purpose, o.inbox_id, o.case_id, o.edition_id, o.lang, o.message, o.attempts,
    o.claimed_at, o.created_at, o.expires_at <= now() AS expired, o.expires_at, o.template, o.freed_at, now() AS now,
    coalesce(c.reached_box, c.address_box) AS address_box, {heard} AS last_inbound_at,
    coalesce(c.shut_at > coalesce({heard}, '-infinity'), false) AS shut,
    {stopped} AS stopped, c.weekly_since IS NOT NULL AS weekly,
    c.invalid_at IS NOT NULL AND c.invalid_at > coalesce({heard}, '-infinity') AS invalid,
    d.quiet_from, d.quiet_to, (now() AT TIME ZONE d.timezone)::time AS clock, e.state AS edition_state,
    {channel}""".replace("{channel}", channels.CARRIED)
    .replace("{stopped}", _STOPPED)
    .replace("{heard}", _HEARD)
)
_OF: LiteralString = """
    JOIN contacts c ON c.id = due.contact_id JOIN channels h ON h.id = c.channel_id
    JOIN districts d ON d.id = h.district_id LEFT JOIN editions e ON e.id = due.edition_id"""

# What has to go to the same person first.
_BEFORE: LiteralString = """
            SELECT FROM outbox e WHERE e.contact_id = o.contact_id AND e.lane = o.lane
                AND (e.state IN ('queued', 'sending')) IS TRUE
                AND (e.inbox_id IS NOT NULL OR {free})
                AND CASE e.state
                    WHEN 'queued' THEN (e.due_at, e.created_at, e.id) < (o.due_at, o.created_at, o.id)
                    WHEN 'sending' THEN e.claimed_at > now() - interval '25 seconds'
                        AND (e.created_at, e.id) < (o.created_at, o.id)
                    ELSE false END OFFSET 0"""

# A pause of the sender holds what nobody waits for; an answer to a citizen is tried all the same. Where nobody answers
# at the provider all wait. One person's messages go in their order: each waits for those before it, unless these are
# held; one whose sending has no end is waited for as long as a send and its question may take. What was picked is
# locked, so that it is asked for by its id alone. OFFSET 0 keeps the order of the index: contact, channel and what goes
# before are looked up for each row until there are enough. Left free, the planner, whose statistics hear of a fan-out
# late, joined all that is queued with itself.
_CLAIM: LiteralString = """
WITH due AS MATERIALIZED (
    SELECT o.id, o.contact_id, o.edition_id FROM outbox o CROSS JOIN LATERAL (
        SELECT c.channel_id, h.away_since, h.paused_until FROM contacts c JOIN channels h ON h.id = c.channel_id
        WHERE c.id = o.contact_id OFFSET 0) c
    WHERE {which} AND o.state = 'queued' AND o.due_at <= now() AND c.away_since IS NULL
        AND NOT EXISTS ({before})
        AND (o.inbox_id IS NOT NULL OR {free})
    ORDER BY o.due_at LIMIT %(most)s FOR UPDATE OF o SKIP LOCKED
)
UPDATE outbox o
SET state = 'sending', claimed_at = clock_timestamp(), attempts = o.attempts + 1, provider_id = NULL, error = NULL
FROM due {of} WHERE o.id = due.id RETURNING {row}""".replace("{before}", _BEFORE).replace(
    "{free}",
    "(c.channel_id <> ALL(%(full)s::uuid[]) AND (c.paused_until IS NULL OR c.paused_until <= now()))",
)
CLAIM_DUE: LiteralString = (
    _CLAIM.replace("{of}", _OF).replace("{row}", _CLAIMED).replace("{which}", "o.lane = %(lane)s")
)
CLAIM_THESE: LiteralString = (
    _CLAIM.replace("{of}", _OF).replace("{row}", _CLAIMED).replace("{which}", "o.id = ANY(%(ids)s)")
)

# What may have gone out, or not: of a process that died, or after an answer that never came. Their `due_at` keeps two
# sweeps apart; `claimed_at` stays, because the provider is asked for what it took since then.
CLAIM_UNSURE: LiteralString = """
WITH due AS MATERIALIZED (
    SELECT o.id, o.contact_id, o.edition_id FROM outbox o
    JOIN contacts c ON c.id = o.contact_id JOIN channels h ON h.id = c.channel_id
    WHERE o.state = 'sending' AND o.due_at <= now() AND h.away_since IS NULL
        AND (o.claimed_at < now() - %(older_than)s OR o.error = 'unsure')
    ORDER BY o.claimed_at LIMIT %(most)s FOR UPDATE OF o SKIP LOCKED
)
UPDATE outbox o SET due_at = now() + interval '1 minute'
FROM due {of} WHERE o.id = due.id RETURNING {row}""".replace("{of}", _OF).replace("{row}", _CLAIMED)

# Arrays go in binary: as text psycopg looks through each element for what has to be quoted.
# Ours while our claim holds. A message that did go out is recorded whatever was decided about its row meanwhile, and a
# receipt that was faster than the answer to our own request keeps what it said.
_RECORD: LiteralString = """
UPDATE outbox o SET
    state = r.state, error = r.error, attempts = o.attempts - r.back,
    provider_id = coalesce(r.provider_id, o.provider_id),
    template = CASE WHEN r.untold THEN NULL ELSE o.template END,
    sent_at = CASE WHEN r.state = 'sent' THEN now() ELSE o.sent_at END,
    due_at = CASE WHEN r.due_in IS NULL THEN o.due_at ELSE now() + r.due_in * interval '1 second' END
FROM unnest(%(id)b::uuid[], %(claimed_at)b::timestamptz[], %(state)b::text[], %(error)b::text[], %(back)b::int[],
            %(provider_id)b::text[], %(due_in)b::float8[], %(untold)b::bool[])
    AS r(id, claimed_at, state, error, back, provider_id, due_in, untold)
WHERE o.id = r.id AND (
    (o.state = 'sending' AND o.claimed_at = r.claimed_at)
    OR (r.state = 'sent' AND o.state IN ('queued', 'sending', 'parked') AND o.provider_id IS NULL))"""

_STILL: LiteralString = """
SELECT o.id FROM outbox o JOIN contacts c ON c.id = o.contact_id LEFT JOIN editions e ON e.id = o.edition_id
WHERE o.id = ANY(%b) AND NOT {stopped}
    AND (o.edition_id IS NULL OR (c.weekly_since IS NOT NULL AND e.state <> 'stopped'))""".replace(
    "{stopped}", _STOPPED
).replace("{heard}", _HEARD)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one claimed row. `due_in` is in seconds; `back` gives an attempt back that was none.

    `said_to` is the contact, where the channel has no message ids: what they write from now on is no repeat.
    `untold`: no template of it stands between the person and its words.
    """

    id: UUID
    claimed_at: datetime
    state: str
    error: str | None = None
    provider_id: str | None = None
    due_in: float | None = None
    back: int = 0
    said_to: UUID | None = None
    untold: bool = False


def outcome(row: Claimed, state: str, error: str | None = None, **more: Any) -> Outcome:
    return Outcome(row.id, row.claimed_at, state, error, **more)


async def claim(conn: Conn, lane: str, ids: Sequence[UUID] | None, full: Collection[UUID], most: int) -> list[Claimed]:
    """Take up to `most` due rows of a lane, or of `ids`, oldest first. What others hold is passed over."""
    what: dict[str, Any] = {"lane": lane, "full": list(full), "most": most}
    if ids is not None:
        return await fetch_all(conn, CLAIM_THESE, {**what, "ids": list(ids)}, of=Claimed)
    return await fetch_all(conn, CLAIM_DUE, what, of=Claimed)


async def claim_unsure(conn: Conn, older_than: timedelta, most: int) -> list[Claimed]:
    """Rows that were being sent and were never recorded, oldest first."""
    rows = await fetch_all(conn, CLAIM_UNSURE, {"older_than": older_than, "most": most}, of=Claimed)
    return sorted(rows, key=lambda row: (row.claimed_at, row.created_at))


async def expire(conn: Conn) -> int:
    """Let go of what waited for a window that did not open in time. Returns how many."""
    done = await conn.execute(
        "UPDATE outbox SET state = 'failed', error = 'not_reached:expired'"
        " WHERE state = 'parked' AND expires_at <= now()"
    )
    return done.rowcount


async def wake(conn: Conn) -> int:
    """What is parked and may have another way now is due again. Returns how many."""
    done = await conn.execute("UPDATE outbox SET state = 'queued' WHERE state = 'parked' AND due_at <= now()")
    return done.rowcount


async def look_again(conn: Conn) -> None:
    """What was parked for want of a template is looked at again: one was approved."""
    await conn.execute(
        "UPDATE outbox SET due_at = now() WHERE state = 'parked' AND due_at > now() AND error LIKE 'not_reached:%'"
    )


async def note_template(tx: Tx, row: Claimed, name: str, lang: str) -> None:
    """This claim goes out as a template: written before it does, so that whoever asks after it knows."""
    done = await tx.execute(
        "UPDATE outbox SET template = %s WHERE id = %s AND state = 'sending' AND claimed_at = %s",
        (f"{name}:{lang}", row.id, row.claimed_at),
    )
    if done.rowcount != 1:
        raise LookupError(row.id)  # the claim is another's by now


async def still(conn: Conn, outbox_ids: Collection[UUID]) -> frozenset[UUID]:
    """Which of the rows that had to wait for their turn are still wanted: STOP works mid-run."""
    return frozenset(row["id"] for row in await fetch_all(conn, _STILL, (list(outbox_ids),)))


async def others(conn: Conn, provider_ids: Sequence[str], outbox_id: UUID) -> set[str]:
    """Which of these ids belong to other rows."""
    rows = await fetch_all(
        conn,
        "SELECT provider_id FROM outbox WHERE provider_id = ANY(%s) AND id <> %s",
        (list(provider_ids), outbox_id),
    )
    return {row["provider_id"] for row in rows}


async def record(auto: Auto, outcomes: Sequence[Outcome]) -> None:
    """Write what became of claimed rows. In autocommit: after a row that clashed the others are written one by one."""
    try:
        await auto.execute(_RECORD, _columns(outcomes))
    except psycopg.errors.UniqueViolation:
        # Two equal texts to one person, one of them found by asking after a crash: the id went to the other row.
        if len(outcomes) == 1:
            await auto.execute(_RECORD, _columns([_without_id(outcomes[0])]))
            return
        for one in outcomes:
            await record(auto, [one])


def _without_id(one: Outcome) -> Outcome:
    return Outcome(one.id, one.claimed_at, one.state, one.error, None, one.due_in, one.back)


def _columns(outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    names = ("id", "claimed_at", "state", "error", "back", "provider_id", "due_in", "untold")
    return {name: [getattr(one, name) for one in outcomes] for name in names}
