"""The audit chain: who did what to which object, in the same transaction as the act; and its heads, which go out.

The database settles who acted: by the secret of the session, which only the browser and this request hold, or by the
role that is connected. The name given here is checked against that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from store import alarms
from store.database import Conn, Tx, fetch_all, fetch_one

SESSION = timedelta(hours=8)  # the longest that anybody is signed in
LATE = timedelta(minutes=5)  # a page that was under way when the session ended
HEAD = re.compile(r"\b[0-9a-f]{64}\b")

_secret: ContextVar[str] = ContextVar("secret", default="")


@contextmanager
def speaking(secret: str) -> Iterator[None]:
    """What is written inside is written in this session: the token of a cookie, "" for nobody's."""
    before = _secret.set(secret)
    try:
        yield
    finally:
        _secret.reset(before)


def session() -> str:
    """The secret in which is written now; "" for nobody's."""
    return _secret.get()


async def write(tx: Tx, actor: str, action: str, obj: str) -> None:
    """Add one link. If this fails the act fails: nothing is done or read unseen.

    `actor` is a staff id, `office:<id>`, or the house: `operator`, `clock`, `intake`. Raises psycopg's
    InsufficientPrivilege where this session is not theirs. A staff id that an operator's command or the clock gives is
    written as `operator:<id>`, `clock:<id>`: for whom, and by whom.
    """
    await tx.execute("SELECT audit_write(%s, %s, %s, %s)", (actor, action, obj, _secret.get() or None))


# ── whether it holds ─────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk along the chain found. `links` hold before the fault, of which `at` names the link or the head.

    `fault` is "" or: `altered` (the link is not what was written), `nobody` (in the name of somebody who was not signed
    in), `cut` (a head that was given out is no link of this chain).
    """

    links: int
    fault: str = ""
    at: str = ""


async def verify(conn: Conn, heads: Collection[str] = ()) -> Walk:
    """Walk the chain, and look for every head: those that were kept here each day, and `heads` (hexadecimal)."""
    lost = {head.lower() for head in heads} | set(await _kept_heads(conn))
    last, links, bound = b"", 0, False
    signed_in: dict[str, datetime] = {}
    async with conn.cursor() as cursor:
        await cursor.execute(
            "SELECT id, at, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') AS written, actor, action,"
            " object, prev, hash, action = 'desk.login' AS signs_in,"
            " (actor, action) = ('migration', 'audit.bound') AS binds FROM audit ORDER BY id"
        )
        async for row in cursor:
            fields = json.dumps([row["written"], row["actor"], row["action"], row["object"]], ensure_ascii=False)
            if bytes(row["prev"]) != last or hashlib.sha256(last + fields.encode()).digest() != bytes(row["hash"]):
                return Walk(links, "altered", str(row["id"]))
            if row["signs_in"]:
                signed_in[row["actor"]] = row["at"]
            elif bound and _is_person(row["actor"]):
                since = signed_in.get(row["actor"])
                if since is None or row["at"] - since > SESSION + LATE:
                    return Walk(links, "nobody", str(row["id"]))
            bound = bound or row["binds"]
            last = bytes(row["hash"])
            lost.discard(last.hex())
            links += 1
    return Walk(links, "cut", min(lost)) if lost else Walk(links)


def _is_person(actor: str) -> bool:
    try:
        return str(UUID(actor)) == actor
    except ValueError:
        return False


# ── heads ────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def head(conn: Conn) -> tuple[datetime, str] | None:
    """When the last link was written, and its hash in hexadecimal; None of an empty chain."""
    row = await fetch_one(conn, "SELECT at, encode(hash, 'hex') AS hash FROM audit ORDER BY id DESC LIMIT 1")
    return (row["at"], row["hash"]) if row else None


async def _kept_heads(conn: Conn) -> list[str]:
    return [row["hash"] for row in await fetch_all(conn, "SELECT encode(hash, 'hex') AS hash FROM audit_heads")]


async def keep_head(tx: Tx, day: date) -> Walk:
    """Look whether the chain holds, sound the alarm where it does not, and keep the head of a day that is over."""
    walk = await verify(tx)
    if walk.fault:
        await alarms.sound(tx, "audit_broken", fault=walk.fault, link=walk.at)
    await tx.execute("SELECT audit_keep_head(%s)", (day,))
    return walk
