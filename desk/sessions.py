"""Sessions of the desk: rows in the database, a random token in the cookie, and never the one in the other."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from starlette.responses import Response

from desk.place import Place
from desk.roles import Staff
from store import desk_sessions, login_waits
from store.crypto import Unopened, lock_box, unlock_box
from store.database import Conn, Tx, fetch_one

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=8)
SECOND = timedelta(minutes=5)  # for the second factor, after the password
TOUCH = timedelta(seconds=30)  # how exactly idleness is measured: one write in 30 s, not one a page


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who has given the right password, and not yet the second factor."""

    staff_id: UUID
    login: str
    private_key: bytes | None
    token_hash: bytes


async def begin(tx: Tx, staff_id: UUID, private_key: bytes | None, now: datetime) -> str:
    """A new session with a new token, which is returned and kept nowhere.

    A protected handler's private key is boxed under a key that only the cookie holds: neither a dump nor a cookie
    alone opens anything.
    """
    token = secrets.token_urlsafe(32)
    await forget_ended(tx, now)
    await desk_sessions.put(
        tx,
        token_hash=_hash(token),
        staff_id=staff_id,
        csrf=secrets.token_urlsafe(24),
        key_box=lock_box(private_key, _box_key(token)) if private_key else None,
        now=now,
        longest=LONGEST,
    )
    return token


async def find(conn: Conn, token: str, *, demo: bool, now: datetime, touch: bool = True) -> Staff | None:
    """Who this cookie is, if the session lives; `touch` marks it as seen. Demo staff exist in demo mode only."""
    row = await fetch_one(
        conn,
        "SELECT s.csrf, s.seen_at, f.id, f.login, f.name, f.role, f.district_id,"
        " coalesce(d.timezone, 'Asia/Karachi') AS timezone"
        " FROM desk_sessions s JOIN staff f ON f.id = s.staff_id LEFT JOIN districts d ON d.id = f.district_id"
        " WHERE s.token_hash = %(hash)s AND s.expires_at > %(now)s AND s.seen_at > %(idle)s"
        " AND f.disabled_at IS NULL AND (%(demo)s OR NOT f.demo) AND s.place = desk_place()",
        {"hash": _hash(token), "now": now, "idle": now - IDLE, "demo": demo},
    )
    if row is None:
        return None
    if touch and now - row["seen_at"] > TOUCH:
        await desk_sessions.touch(conn, _hash(token), now)
    return Staff(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        role=row["role"],
        district_id=row["district_id"],
        timezone=row["timezone"],
        csrf=row["csrf"],
        session=_hash(token),
    )


async def begin_waiting(tx: Tx, staff_id: UUID, private_key: bytes | None, now: datetime) -> str:
    """Somebody has given the right password, and not yet the second factor: no session, and it opens nothing."""
    token = secrets.token_urlsafe(32)
    key_box = lock_box(private_key, _box_key(token)) if private_key else None
    await login_waits.put(tx, token_hash=_hash(token), staff_id=staff_id, key_box=key_box, until=now + SECOND)
    return token


async def find_waiting(conn: Conn, token: str, now: datetime) -> Waiting | None:
    row = await login_waits.find(conn, _hash(token), now)
    if row is None:
        return None
    try:
        private_key = unlock_box(row["key_box"], _box_key(token)) if row["key_box"] is not None else None
    except Unopened:
        private_key = None
    return Waiting(row["staff_id"], row["login"], private_key, _hash(token))


async def unlock(tx: Tx, token: str) -> bytes | None:
    """The private key of this session's protected handler, or None."""
    row = await fetch_one(tx, "SELECT key_box FROM desk_sessions WHERE token_hash = %s", (_hash(token),))
    if row is None or row["key_box"] is None:
        return None
    try:
        return unlock_box(row["key_box"], _box_key(token))
    except Unopened:
        return None


async def end(tx: Tx, token: str) -> None:
    await desk_sessions.end(tx, _hash(token))


async def forget_ended(tx: Tx, now: datetime) -> int:
    """Let go of sessions that are over, and of the boxed keys in them. Returns how many."""
    return await desk_sessions.end_idle(tx, now, IDLE) + await login_waits.forget(tx, now)


def give(response: Response, token: str, place: Place) -> None:
    """`__Host-` ties the cookie to one https host; browsers refuse it over plain http, so a local demo goes without."""
    secure = place.url.startswith("https://")
    response.set_cookie(place.cookie, token, path="/", httponly=True, samesite="strict", secure=secure)


def take_back(response: Response, place: Place) -> None:
    secure = place.url.startswith("https://")
    response.delete_cookie(place.cookie, path="/", httponly=True, samesite="strict", secure=secure)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _box_key(token: str) -> bytes:
    """Another hash than the stored one, so that the row does not hold its own key."""
    return hashlib.blake2b(token.encode(), digest_size=32, person=b"jawab-session").digest()
