"""Tries to sign in, counted before any slow hash: who guesses is stopped, and nobody can shut the door for another.

Five wrong passwords for one login from one source (or one device) in a quarter of an hour end its tries. All strangers
together, for one login or from one source, are only slowed: their tries are taken one after the other with a growing
pause, and one that would have to wait long is sent away. A device that this login was opened on before stands in
no such queue.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from store.crypto import Keys
from store.database import LOCKS, Tx, fetch_one

WINDOW = timedelta(minutes=15)
MOST_BY_PAIR = 5
FREE_BY_LOGIN, FREE_BY_SOURCE = 5, 20  # wrong ones that cost no pause
LONGEST_PAUSE = 16.0  # seconds
LONGEST_WAIT = 20.0  # seconds that a try may stand in line
MOST_CODES, CODES_IN = 5, timedelta(minutes=1)
KEPT = timedelta(days=1)


class TooMany(Exception):
    """Not looked at. `seconds`: when to come again; `alone`: for this login from here, by wrong passwords from here."""

    def __init__(self, seconds: float, *, alone: bool = False) -> None:
        super().__init__()
        self.seconds = int(seconds) + 1
        self.alone = alone


@dataclass(frozen=True, slots=True)
class Turn:
    """One that may be looked at, in `wait` seconds."""

    id: int
    wait: float


async def take(tx: Tx, keys: Keys, login: str, source: str, *, device: str, now: datetime) -> Turn:
    """Write the try down as failed. `device`: one this login was opened on before, or "". Raises `TooMany`.

    The login is kept as a keyed hash: people type passwords into the wrong field.
    """
    who = keys.tag("login", login).hex()
    where = keys.tag("device", device).hex() if device else keys.tag("source", network(source)).hex()
    await _one_at_a_time(tx, who, where)
    so_far: Any = await fetch_one(
        tx,
        "SELECT count(*) FILTER (WHERE login = %(who)s AND source = %(where)s) AS pair,"
        " count(*) FILTER (WHERE login = %(who)s) AS mine, max(at) FILTER (WHERE login = %(who)s) AS mine_at,"
        " count(*) FILTER (WHERE source = %(where)s) AS near, max(at) FILTER (WHERE source = %(where)s) AS near_at"
        " FROM login_attempts WHERE NOT ok AND at > %(since)s AND (login = %(who)s OR source = %(where)s)",
        {"since": now - WINDOW, "who": who, "where": where},
    )
    if so_far["pair"] >= MOST_BY_PAIR:
        raise TooMany(WINDOW.total_seconds() - 1, alone=True)
    at = now
    if not device:
        for tries, free, last in (
            (so_far["mine"], FREE_BY_LOGIN, so_far["mine_at"]),
            (so_far["near"], FREE_BY_SOURCE, so_far["near_at"]),
        ):
            if last is not None and tries >= free:
                at = max(at, last + timedelta(seconds=pause_after(tries - free)))
    wait = (at - now).total_seconds()
    if wait > LONGEST_WAIT:
        raise TooMany(wait)
    return Turn(await _put(tx, who, where, at), wait)


async def take_code(tx: Tx, keys: Keys, staff_id: UUID, now: datetime) -> Turn:
    """The same for a code of the second factor: five a minute for a person. Raises `TooMany`."""
    who = keys.tag("second", str(staff_id)).hex()
    await _one_at_a_time(tx, who)
    so_far: Any = await fetch_one(
        tx,
        "SELECT count(*) AS tries FROM login_attempts WHERE NOT ok AND at > %s AND login = %s",
        (now - CODES_IN, who),
    )
    if so_far["tries"] >= MOST_CODES:
        raise TooMany(CODES_IN.total_seconds() - 1)
    return Turn(await _put(tx, who, "", now), 0.0)


async def wrong_codes(tx: Tx, keys: Keys, staff_id: UUID, since: datetime) -> int:
    """How many codes of this person did not fit, since then."""
    who = keys.tag("second", str(staff_id)).hex()
    row: Any = await fetch_one(
        tx, "SELECT count(*) AS tries FROM login_attempts WHERE NOT ok AND at > %s AND login = %s", (since, who)
    )
    return int(row["tries"])


async def fit(tx: Tx, turn: Turn) -> None:
    """It was right: it counts against nobody."""
    await tx.execute("UPDATE login_attempts SET ok = true WHERE id = %s", (turn.id,))


async def forget(tx: Tx, now: datetime) -> int:
    """Let go of tries that no longer count. Returns how many."""
    gone = await tx.execute("DELETE FROM login_attempts WHERE at < %s", (now - KEPT,))
    return gone.rowcount


def pause_after(tries: int) -> float:
    """Seconds between two tries, after so many more wrong ones than are free: 1, 2, 4, 8, 16, 16 …"""
    return min(2.0 ** min(tries, 10), LONGEST_PAUSE)


def network(source: str) -> str:
    """What one guesser has of addresses: one, or in IPv6 the /64 that each line is given."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return source


async def _one_at_a_time(tx: Tx, *of: str) -> None:
    """Twenty at once for one login or source must not all see "four so far"."""
    for lock in sorted(set(of)):
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", (lock, LOCKS["login"]))


async def _put(tx: Tx, who: str, where: str, at: datetime) -> int:
    row: Any = await fetch_one(
        tx,
        "INSERT INTO login_attempts (login, source, ok, at) VALUES (%s, %s, false, %s) RETURNING id",
        (who, where, at),
    )
    return int(row["id"])
