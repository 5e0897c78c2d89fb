"""Texts that a provider was asked to approve, and what it said: one row for each account, purpose and language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from store.database import Conn, Tx, fetch_all

OPEN = ("made", "received", "pending", "paused", "doubted")  # states that the provider has yet to say more about


@dataclass(slots=True)
class Kept:
    """One row; `digest` is of the text that was handed in, `content` the provider's id of it."""

    account: str
    name: str
    lang: str
    code: str
    digest: str
    content: str  # "" where it was not made
    state: str
    reason: str
    made_at: datetime
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ready:
    """A template that may be sent, as long as its text is still the one of this digest."""

    content: str
    digest: str


async def list_all(conn: Conn, account: str = "") -> list[Kept]:
    """Every row (of an account), by account, purpose and language."""
    return await fetch_all(
        conn,
        "SELECT * FROM templates WHERE %(account)s IN ('', account) ORDER BY account, name, lang",
        {"account": account},
        of=Kept,
    )


async def list_ready(conn: Conn, account: str) -> Mapping[tuple[str, str], Ready]:
    """What is approved of an account's, by purpose and language."""
    rows = await fetch_all(
        conn,
        "SELECT name, lang, content, digest FROM templates WHERE account = %s AND state = 'approved'",
        (account,),
    )
    return {(row["name"], row["lang"]): Ready(row["content"], row["digest"]) for row in rows}


async def put(tx: Tx, *, account: str, name: str, lang: str, code: str, digest: str, content: str, fault: str) -> None:
    """A text was made at the provider, or not, for a `fault`; it takes the place of the one before it."""
    await tx.execute(
        "INSERT INTO templates (account, name, lang, code, digest, content, state, reason)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (account, name, lang) DO UPDATE SET code = excluded.code, digest = excluded.digest,"
        " content = excluded.content, state = excluded.state, reason = excluded.reason, made_at = now(),"
        " checked_at = NULL",
        (account, name, lang, code, digest, content, "rejected" if fault else "made", fault[:500]),
    )


async def note(conn: Conn, content: str, state: str, reason: str) -> bool:
    """What the provider says of one now. True where that is news."""
    done = await conn.execute(
        "WITH was AS (SELECT content, state, reason FROM templates WHERE content = %(content)s FOR UPDATE)"
        " UPDATE templates SET state = %(state)s, reason = %(reason)s, checked_at = now() FROM was"
        " WHERE templates.content = was.content RETURNING (was.state, was.reason) <> (%(state)s, %(reason)s) AS news",
        {"content": content, "state": state, "reason": reason[:500]},
    )
    row = await done.fetchone()
    return row is not None and bool(row["news"])


async def doubt(tx: Tx, name: str, lang: str) -> None:
    """The provider did not take it, though it was approved: it is not sent again before it was asked after."""
    await tx.execute(
        "UPDATE templates SET state = 'doubted' WHERE name = %s AND lang = %s AND state = 'approved'", (name, lang)
    )
