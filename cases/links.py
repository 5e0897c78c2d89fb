"""Links to an office: one message each, which opens what it tells of and nothing else.

The address holds a random token, of which the row has only a hash. Whoever has it still needs the code, which went the
other way, or the office's PIN; then a browser holds a session, and the address alone is worth nothing to anybody else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from cases import ways
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one, new_id

TOKEN_BYTES = 17  # 136 bits, in 23 letters of an SMS
LIVES = timedelta(days=30)  # at least; and so long after the day that was asked for
AFTER = timedelta(days=14)
SESSION = timedelta(hours=8)
WRONG_MOST = 5  # wrong codes that lock a link for good; the desk can send another
OFFICE_WRONG_MOST = 10  # wrong codes over all links of an office within a day: its PIN is the same for all of them
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Link:
    """One message to one office."""

    id: UUID
    office_id: UUID
    code_tag: bytes | None
    expires_at: datetime
    wrong: int
    locked_at: datetime | None
    revoked_at: datetime | None
    opened_at: datetime | None
    way_id: UUID | None
    outbox_id: UUID | None
    mail_id: UUID | None
    code_way_id: UUID | None
    code_outbox_id: UUID | None
    code_mail_id: UUID | None
    gathers: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """A new link: `token` is kept nowhere; `code` is "" where the office's PIN opens it."""

    id: UUID
    token: str
    code: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a browser holds that typed the code."""

    link: Link
    csrf: str


_COLUMNS: LiteralString = """links.id, links.office_id, links.code_tag, links.expires_at, links.wrong, links.locked_at,
    links.revoked_at, links.opened_at, links.way_id, links.outbox_id, links.mail_id, links.code_way_id,
    links.code_outbox_id, links.code_mail_id, links.gathers, links.at"""


class Shut(Exception):
    """A link that does not open. `reason` is `wrong`, which says nothing of what there is, or `ended`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _tag(keys: Keys, link_id: UUID, code: str) -> bytes:
    return keys.tag("link-code", str(link_id), code)


async def put(
    tx: Tx, keys: Keys, *, office_id: UUID, by_code: bool, gathers: bool, due: datetime, now: datetime
) -> Made:
    """A new link, which lives until some days after `due`. `by_code`: a code of its own opens it, else the PIN."""
    link_id, token = new_id(), secrets.token_urlsafe(TOKEN_BYTES)
    code = ways.new_code() if by_code else ""
    await tx.execute(
        "INSERT INTO links (id, office_id, token_hash, code_tag, gathers, at, expires_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            link_id,
            office_id,
            _hash(token),
            _tag(keys, link_id, code) if by_code else None,
            gathers,
            now,
            max(now + LIVES, due + AFTER),
        ),
    )
    return Made(link_id, token, code)


@dataclass(frozen=True, slots=True)
class Carrier:
    """The message that carries something by a way: a row of the outbox, or of the mails."""

    way_id: UUID
    outbox_id: UUID | None = None
    mail_id: UUID | None = None


async def carry(tx: Tx, link_id: UUID, carrier: Carrier, code: Carrier | None) -> None:
    """These messages carry the link and its code."""
    await tx.execute(
        "UPDATE links SET way_id = %s, outbox_id = %s, mail_id = %s, code_way_id = %s, code_outbox_id = %s,"
        " code_mail_id = %s WHERE id = %s",
        (
            carrier.way_id,
            carrier.outbox_id,
            carrier.mail_id,
            code and code.way_id,
            code and code.outbox_id,
            code and code.mail_id,
            link_id,
        ),
    )


async def claim_under_way(tx: Tx, most: int) -> list[Link]:
    """Those whose message has neither gone out nor failed, held. A letter's link has no message."""
    return await fetch_all(
        tx,
        f"SELECT {_COLUMNS} FROM links WHERE went_at IS NULL AND failed_at IS NULL AND way_id IS NOT NULL"  # noqa: S608 - columns of our own
        " ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED",
        (most,),
        of=Link,
    )


async def claim_come_back(tx: Tx, since: datetime, most: int) -> list[Link]:
    """Those whose message had gone out and then did not arrive, or whose code did not; held. Nobody has opened them."""
    return await fetch_all(
        tx,
        f"SELECT {_COLUMNS} FROM links WHERE went_at > %s AND failed_at IS NULL AND opened_at IS NULL"  # noqa: S608 - columns of our own
        " AND EXISTS (SELECT FROM outbox o WHERE o.id IN (links.outbox_id, links.code_outbox_id)"
        " AND o.state IN ('failed', 'undelivered')) ORDER BY went_at LIMIT %s FOR UPDATE OF links SKIP LOCKED",
        (since, most),
        of=Link,
    )


async def mark_gone(tx: Tx, link_id: UUID, at: datetime) -> None:
    await tx.execute("UPDATE links SET went_at = %s WHERE id = %s", (at, link_id))


async def mark_failed(tx: Tx, link_id: UUID, now: datetime) -> None:
    """Its message did not go out: it opens nothing."""
    await tx.execute(
        "UPDATE links SET failed_at = %(now)s, revoked_at = %(now)s WHERE id = %(id)s", {"now": now, "id": link_id}
    )


async def revoke(tx: Tx, link_id: UUID, now: datetime) -> None:
    """Nobody opens it any more, nor goes on where it was opened."""
    await tx.execute("UPDATE links SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s", (now, link_id))
    await tx.execute("DELETE FROM link_sessions WHERE link_id = %s", (link_id,))


# ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def enter(tx: Tx, keys: Keys, token: str, code: str, now: datetime) -> tuple[Link, str]:
    """Open a link with its code. Returns it and the token of a new session, which is kept nowhere.

    Raises `Shut`; the wrong try is counted all the same, so the transaction must be kept. One try at a time: a hundred
    at once are a hundred tries.
    """
    link = await fetch_one(
        tx,
        f"SELECT {_COLUMNS} FROM links WHERE token_hash = %s FOR UPDATE",  # noqa: S608 - columns of our own
        (_hash(token),),
        of=Link,
    )
    if link is None or link.locked_at is not None or link.wrong >= WRONG_MOST:
        raise Shut("wrong")
    office = await fetch_one(tx, "SELECT pin_tag FROM offices WHERE id = %s FOR NO KEY UPDATE", (link.office_id,))
    tries = await fetch_one(
        tx,
        "SELECT coalesce(sum(wrong), 0) AS n FROM links WHERE office_id = %s AND wrong_at > %s",
        (link.office_id, now - DAY),
    )
    if office is None or tries is None or tries["n"] >= OFFICE_WRONG_MOST:
        raise Shut("wrong")
    fits = (
        hmac.compare_digest(bytes(link.code_tag), _tag(keys, link.id, code))
        if link.code_tag is not None
        else office["pin_tag"] is not None
        and hmac.compare_digest(bytes(office["pin_tag"]), ways.tag_pin(keys, link.office_id, code))
    )
    if not fits:
        await tx.execute(
            "UPDATE links SET wrong = wrong + 1, wrong_at = %(now)s,"
            " locked_at = CASE WHEN wrong + 1 >= %(most)s THEN %(now)s END WHERE id = %(id)s",
            {"now": now, "most": WRONG_MOST, "id": link.id},
        )
        raise Shut("wrong")
    if link.revoked_at is not None or link.expires_at <= now:
        raise Shut("ended")
    session = secrets.token_urlsafe(32)
    await tx.execute(
        "INSERT INTO link_sessions (token_hash, link_id, csrf, created_at, expires_at) VALUES (%s, %s, %s, %s, %s)",
        (_hash(session), link.id, secrets.token_urlsafe(24), now, now + SESSION),
    )
    await tx.execute("UPDATE links SET opened_at = coalesce(opened_at, %s), wrong = 0 WHERE id = %s", (now, link.id))
    return link, session


async def find_opened(conn: Conn, token: str, session: str, now: datetime) -> Opened | None:
    """The link of this address, for the browser that holds this session; None where it may not see it (any more)."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS}, s.csrf FROM links JOIN link_sessions s ON s.link_id = links.id"  # noqa: S608 - columns of our own
        " WHERE links.token_hash = %s AND s.token_hash = %s AND s.expires_at > %s AND links.expires_at > %s"
        " AND links.revoked_at IS NULL",
        (_hash(token), _hash(session), now, now),
    )
    if row is None:
        return None
    csrf = row.pop("csrf")
    return Opened(Link(**row), csrf)


async def forget_ended(tx: Tx, now: datetime) -> int:
    """Let go of browsers' sessions that are over. Returns how many."""
    gone = await tx.execute("DELETE FROM link_sessions WHERE expires_at <= %s", (now,))
    return gone.rowcount
