"""A turn: read the session, step, write everything or nothing."""

from __future__ import annotations

import dataclasses
import secrets
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import structlog

from bot.channels import Inbound
from bot.intake import district, effects, keeping, lookups
from bot.intake.district import District
from flows import codes
from flows.book import Book
from flows.engine import step
from flows.load import load_book
from flows.model import Event, Known, Media, Reply, Session, Step
from flows.sessions import dump, restore
from store import contacts, inbox, outbox
from store.database import Conn, Tx, fetch_one, new_id
from store.jawab import Jawab

log = structlog.get_logger()

MOST_LOOKUPS = 3  # in one turn; a flow that asks more often is broken
MOST_RACES = 8  # how often one message may find that another moved the session first
MOST_A_MINUTE = 30  # messages of one phone; more are kept and taken up later
MOST_AN_HOUR = 200  # more are kept for a person to look at and never answered, so that a loop of two robots dies

_book = cache(load_book)  # 0.1 s of YAML: once in a process

_READ = """
SELECT channels.id AS channel_id, channels.district_id, contacts.id AS contact_id, contacts.lang,
       contacts.weekly_since IS NOT NULL AS weekly, sessions.version, sessions.state,
       contacts.stopped_at IS NULL AND contacts.invalid_at IS NULL
           AND contacts.last_inbound_at > now() - interval '5 minutes' AS settled,
       EXISTS (SELECT FROM inbox WHERE provider = %(provider)s AND provider_id = %(provider_id)s) AS repeat,
       (SELECT count(*) FROM inbox WHERE inbox.contact_id = contacts.id
           AND received_at > now() - interval '1 minute') AS minute,
       (SELECT count(*) FROM inbox WHERE inbox.contact_id = contacts.id
           AND received_at > now() - interval '1 hour') AS hour,
       EXISTS (SELECT FROM channels AS ours WHERE ours.kind = %(kind)s AND ours.address = %(address)s) AS ours,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(code, status) ORDER BY opened_at DESC), '[]')
           FROM cases WHERE cases.contact_id = contacts.id AND status <> 'closed') AS cases,
       (SELECT code FROM cases WHERE cases.contact_id = contacts.id AND status = 'resolved'
           AND resolved_at > contacts.last_inbound_at AND may_message IS NOT FALSE
           ORDER BY resolved_at DESC LIMIT 1) AS confirm
FROM channels
LEFT JOIN contacts ON contacts.channel_id = channels.id AND contacts.address_tag = %(tag)s
LEFT JOIN sessions ON sessions.contact_id = contacts.id
WHERE channels.kind = %(kind)s AND channels.address = %(to)s
"""


def _fresh_code() -> str:
    return codes.complete(f"{secrets.randbelow(10**12):012d}")


@dataclass(slots=True)
class Turn:
    """One message (or silence) on its way through."""

    jawab: Jawab
    contact_id: uuid.UUID
    district: District
    channel: str
    lang: str
    now: datetime
    inbox_id: uuid.UUID | None
    kind: str  # new, again or quiet; see store.inbox.move
    rings: list[tuple[str, str, tuple[str, ...]]] = dataclasses.field(default_factory=list)
    code: str = dataclasses.field(default_factory=_fresh_code)
    hashes: dict[str, bytes] = dataclasses.field(default_factory=dict)  # of case codes looked up or sealed under


async def take(jawab: Jawab, message: Inbound) -> str:
    """Take one message. Returns taken, repeat, unrouted, undone or flooded; each of them is a 200 to the provider.

    Raises psycopg.OperationalError when the database cannot be reached, so that the provider tries again.
    """
    before: Mapping[str, Any] | None = None
    for _ in range(MOST_RACES):
        before = await _read(jawab, message)
        if before is None:
            return await keeping.keep_unrouted(jawab, message)
        if (kept := await _turn_away(jawab, message, before)) is not None:
            return kept
        outcome = await _attempt(jawab, message, before, new_id(), "new")
        if outcome != "stale":
            return outcome
    # Never seen with one phone behind a number; the sweep has the patience that a web hook has not.
    contact = before["contact_id"] if before else None
    return await keeping.keep_undone(jawab, message, contact, "", "races", answer=False)


async def _turn_away(jawab: Jawab, message: Inbound, before: Mapping[str, Any]) -> str | None:
    """What became of a message that gets no turn; None for one that does."""
    contact_id = before["contact_id"]
    if before["repeat"]:
        return "repeat"
    if message.system or before["ours"]:
        return await keeping.keep_robot(jawab, message, contact_id)
    if before["hour"] >= MOST_AN_HOUR:
        return await keeping.keep_flood(jawab, message, contact_id, tell=before["hour"] == MOST_AN_HOUR)
    if before["minute"] >= MOST_A_MINUTE:
        return await keeping.keep_undone(jawab, message, contact_id, "", "flood", answer=False)
    return None


async def take_again(jawab: Jawab, inbox_id: uuid.UUID, message: Inbound) -> str:
    """Try an undone message once more. Returns taken, repeat (somebody else did) or undone."""
    for _ in range(MOST_RACES):
        before = await _read(jawab, message)
        if before is None or before["hour"] > MOST_AN_HOUR:
            return "undone"
        outcome = await _attempt(jawab, message, before, inbox_id, "again")
        if outcome != "stale":
            return outcome
    return "undone"


async def pass_quietly(jawab: Jawab, contact_id: uuid.UUID) -> str:
    """Let a session that went quiet end as its flow says. Returns taken, stale or undone."""
    async with jawab.db.autocommit("intake") as connection:
        row = await fetch_one(
            connection,
            "SELECT channels.district_id, channels.kind, contacts.id AS contact_id, contacts.lang,"
            " contacts.weekly_since IS NOT NULL AS weekly, sessions.version, sessions.state, '[]'::jsonb AS cases,"
            " NULL AS confirm"
            " FROM sessions JOIN contacts ON contacts.id = sessions.contact_id"
            " JOIN channels ON channels.id = contacts.channel_id"
            " WHERE contact_id = %s AND quiet_at <= now()",
            (contact_id,),
        )
    if row is None:
        return "stale"
    turn = await _turn(jawab, row, row["kind"], None, "quiet")
    return await _run(turn, row, Event("quiet", _known(turn, row)), None)


async def _read(jawab: Jawab, message: Inbound) -> Mapping[str, Any] | None:
    tag = contacts.tag(jawab.keys, message.channel, message.to, message.address)
    what = {
        "provider": message.provider,
        "provider_id": message.provider_id,
        "tag": tag,
        "kind": message.channel,
        "to": message.to,
        "address": message.address,
    }
    async with jawab.db.autocommit("intake") as connection:
        row = await fetch_one(connection, _READ, what)
        if row is None and jawab.settings.demo and await _adopt(connection, message):
            row = await fetch_one(connection, _READ, what)
        if row is not None and not jawab.settings.demo and (await district.get(jawab.db, row["district_id"])).demo:
            return None  # its keys and its people are the demo's: outside demo mode such a number is nobody's
        if row is not None and row["contact_id"] is None:
            await contacts.make(
                connection, jawab.keys, id=new_id(), channel_id=row["channel_id"], tag=tag, address=message.address
            )
            row = await fetch_one(connection, _READ, what)
    return row


async def _adopt(connection: Conn, message: Inbound) -> bool:
    """In demo mode any number of ours that a provider names belongs to the demo district."""
    done = await connection.execute(
        "INSERT INTO channels (kind, provider, address, district_id)"
        " SELECT %s, %s, %s, id FROM districts WHERE demo ORDER BY id LIMIT 1 ON CONFLICT (kind, address) DO NOTHING",
        (message.channel, message.provider, message.to),
    )
    return done.rowcount >= 0


async def _turn(jawab: Jawab, before: Mapping[str, Any], channel: str, inbox_id: uuid.UUID | None, kind: str) -> Turn:
    return Turn(
        jawab=jawab,
        contact_id=before["contact_id"],
        district=await district.get(jawab.db, before["district_id"]),
        channel=channel,
        lang=before["lang"],
        now=datetime.now(UTC),
        inbox_id=inbox_id,
        kind=kind,
    )


def _known(turn: Turn, before: Mapping[str, Any]) -> Known:
    return Known(
        at=turn.now.timestamp(),
        code=turn.code,
        channel=turn.channel,
        places=turn.district.places,
        cases=tuple((code, status) for code, status in before["cases"]),
        confirm=before["confirm"] or "",
        weekly=before["weekly"],
        trial=turn.jawab.settings.trial,
        round=turn.district.round,
        outside=turn.district.outside,
    )


async def _attempt(jawab: Jawab, message: Inbound, before: Mapping[str, Any], inbox_id: uuid.UUID, kind: str) -> str:
    turn = await _turn(jawab, before, message.channel, inbox_id, kind)
    event = Event(
        "message",
        _known(turn, before),
        text=message.opt_out or message.text,  # a provider that acted on the word knows which word it was
        choice=message.choice,
        media=tuple(Media(item.url, item.content_type) for item in message.media),
        location=message.location,
    )
    return await _run(turn, before, event, message)


async def _run(turn: Turn, before: Mapping[str, Any], event: Event, message: Inbound | None) -> str:
    """One try at a turn. A failure of ours keeps the message alone; a failure of the database is the caller's."""
    jawab = turn.jawab
    try:
        outcome = await _step_and_write(turn, before, event, message)
    except psycopg.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever broke, the citizen's words are kept and a person is told
        log.error("turn failed", error=type(error).__name__, at=_where(error), inbox=str(turn.inbox_id))
        if message is None or turn.kind == "again":
            return "undone"
        return await keeping.keep_undone(
            jawab, message, turn.contact_id, turn.lang, type(error).__name__, answer=True, id=turn.inbox_id
        )
    if outcome == "moved":
        for lane, job, ids in turn.rings:
            jawab.bell.ring(lane, job, *ids)
        return "taken"
    return outcome


async def _step_and_write(turn: Turn, before: Mapping[str, Any], event: Event, message: Inbound | None) -> str:
    book = _book()
    session = _session(turn, before)
    first = step(book, session, event)
    if not first.effects:
        async with turn.jawab.db.autocommit("intake") as connection:
            return await inbox.move(connection, _move(turn, before, first, message), turn.kind)
    await lookups.hash_codes(turn, first)
    async with turn.jawab.db.transaction("intake") as tx:
        last = await _look_up(tx, turn, book, event, first)
        outcome = await inbox.move(tx, _move(turn, before, last, message), turn.kind)
        if outcome == "moved":
            for effect in last.effects:
                await effects.perform(tx, turn, effect)
        return outcome  # "stale" and "repeat" wrote nothing


async def _look_up(tx: Tx, turn: Turn, book: Book, event: Event, first: Step) -> Step:
    """Answer look_up effects as further events of the same turn; gather the other effects in order."""
    now, gathered, sealed = first, [], first.sealed
    for _ in range(MOST_LOOKUPS + 1):
        asked = [effect for effect in now.effects if effect.kind == "look_up"]
        gathered += [effect for effect in now.effects if effect.kind != "look_up"]
        if not asked:
            return Step(now.session, now.reply, tuple(gathered), sealed)
        found = await lookups.find(tx, turn, asked[0].data)
        now = step(book, now.session, dataclasses.replace(event, kind="found", found=found))
        sealed = sealed or now.sealed
    raise RuntimeError("a flow looks things up without end")


def _session(turn: Turn, before: Mapping[str, Any]) -> Session:
    if before["state"] is None:
        return Session(lang=before["lang"])
    return restore(turn.jawab.keys.get_json(before["state"], f"sessions|state|{turn.contact_id}"))


def _move(turn: Turn, before: Mapping[str, Any], done: Step, message: Inbound | None) -> inbox.Move:
    keys, session = turn.jawab.keys, done.session
    outbox_id = new_id() if done.reply is not None else None
    lang = session.lang or turn.lang
    body = None
    if message is not None and not done.sealed:
        body = keys.put_json(message.as_dict(), inbox.bound_to(turn.inbox_id or uuid.UUID(int=0)))
    if outbox_id is not None:
        turn.rings.append(("replies", "replies", (str(outbox_id),)))
    return inbox.Move(
        contact_id=turn.contact_id,
        version=before["version"],
        state=keys.put_json(dump(session), f"sessions|state|{turn.contact_id}"),
        lang=lang,
        now=turn.now,
        quiet_at=turn.now + timedelta(seconds=session.quiet_after) if session.quiet_after else None,
        seen=turn.kind != "new" or not before["settled"] or before["confirm"] is not None or lang != before["lang"],
        inbox_id=turn.inbox_id,
        provider=message.provider if message else None,
        provider_id=message.provider_id if message else None,
        body=body,
        outbox_id=outbox_id,
        outbox_lang=lang or "ur",
        message=keys.put_json(message_of(done.reply), outbox.bound_to(outbox_id)) if done.reply and outbox_id else None,
    )


def message_of(reply: Reply) -> dict[str, Any]:
    """A reply in the shape that is stored: keys and values, no sentence."""
    return {
        "says": [[say.key, say.values] for say in reply.says],
        "options": [[option.digit, option.say.key, option.say.values] for option in reply.options],
    }


def _where(error: Exception) -> str:
    """The lines it went through. Never the error's own sentence: it may quote what a person wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
