"""A district with people in it: somebody who writes, and ready-made cases."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, LiteralString
from uuid import UUID

import pytest

from cases import acts, endings, register
from cases.register import Case
from store import contacts
from store.crypto import Keys
from store.database import Database
from tests.cheap import cheap_numbers, open_private

__all__ = ["cheap_numbers"]

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)  # a Wednesday, 14:00 in Pishin
TODAY = date(2026, 11, 18)

_codes = itertools.count(100_000_000_000)
_numbers = itertools.count(5_550_000)  # of telephones: of two drawn alike the second is nobody


def fresh_code() -> str:
    """13 digits; the check digit is the flows' affair, not this room's."""
    return f"{next(_codes)}7"


@pytest.fixture
async def place(db: Database, demo: SimpleNamespace) -> SimpleNamespace:
    """The demo district with what tests ask for most: `staff` by role, `channel`, `offices` by department."""
    async with db.autocommit("console") as conn:
        staff = await (await conn.execute("SELECT id, role FROM staff ORDER BY login DESC")).fetchall()
        channel = await (await conn.execute("SELECT id FROM channels WHERE kind = 'sms'")).fetchone()
        offices = await (
            await conn.execute("SELECT id, department, above_id FROM offices WHERE district_id = 'pishin'")
        ).fetchall()
    assert channel is not None
    return SimpleNamespace(
        id=demo.district,
        logins=demo.logins,
        staff={row["role"]: row["id"] for row in staff},
        channel=channel["id"],
        offices={row["department"]: row["id"] for row in offices},
        above={row["department"]: row["above_id"] for row in offices},
    )


@pytest.fixture
def person(db: Database, keys: Keys, place: SimpleNamespace) -> Callable[..., Awaitable[UUID]]:
    """Makes a contact and returns its id."""

    async def make(address: str = "", lang: str = "ur") -> UUID:
        contact_id = uuid.uuid4()
        address = address or f"+92300{next(_numbers):07}"
        async with db.transaction("intake") as tx:
            tag = contacts.tag(keys, "sms", "+15005550006", address)
            await contacts.make(tx, keys, id=contact_id, channel_id=place.channel, tag=tag, address=address)
            await tx.execute("UPDATE contacts SET lang = %s WHERE id = %s", (lang, contact_id))
        return contact_id

    return make


@pytest.fixture
def opened(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]]
) -> Callable[..., Awaitable[UUID]]:
    """Opens a case as the citizen's side does and returns its id."""

    async def make(category: str = "water", at: datetime = NOW, **more: Any) -> UUID:
        contact_id = more.pop("contact_id", None) or await person()
        async with db.transaction("intake") as tx:
            return await acts.open(
                tx,
                keys,
                code=fresh_code(),
                district_id=more.pop("district_id", place.id),
                contact_id=contact_id,
                channel="sms",
                lang=more.pop("lang", "ur"),
                category=category,
                opened_at=at,
                now=at,
                **{"story": "پانی نہیں آتا", "may_message": True, **more},
            )

    return make


@pytest.fixture
def row(db: Database) -> Callable[..., Awaitable[dict[str, Any]]]:
    """One row, read as the desk reads it, or custody what is sealed."""

    async def read(statement: LiteralString, *values: Any) -> dict[str, Any]:
        async with db.autocommit("custody" if "sealed." in statement else "console") as conn:
            found = await (await conn.execute(statement, values)).fetchone()
        assert found is not None
        return found

    return read


@pytest.fixture
def code_hash(keys: Keys) -> bytes:
    return keys.hash_code(fresh_code())


@pytest.fixture
async def readers(db: Database, demo: SimpleNamespace) -> list[SimpleNamespace]:
    """The two protected handlers, with their unlocked private keys."""
    passwords = {row["user"]: row["password"] for row in demo.all}
    async with db.autocommit("console") as conn:
        rows = await (
            await conn.execute(
                "SELECT id, login, private_box, key_salt FROM staff WHERE role = 'protected' ORDER BY login"
            )
        ).fetchall()
    return [
        SimpleNamespace(
            id=row["id"],
            login=row["login"],
            key=open_private(row["private_box"], passwords[row["login"]], bytes(row["key_salt"])),
        )
        for row in rows
    ]


@pytest.fixture
def desk(db: Database, keys: Keys, place: SimpleNamespace) -> SimpleNamespace:
    """The acts of this test, each in its own transaction: `do(verb, case, role, …)`, `say(case, verdict)`."""

    async def do(verb: str, case_id: UUID, role: str = "handler", *, now: datetime = NOW, **more: Any) -> Any:
        needs_keys = {"resolve", "step", "close", "withdraw", "commit", "start", "refer"}
        given = [keys] if verb in needs_keys else []
        if verb in {"resolve", "step"}:
            more.setdefault("done_on", TODAY)
        async with db.transaction("console") as tx:
            return await getattr(acts, verb)(tx, *given, case_id, actor=place.staff[role], now=now, **more)

    async def say(case_id: UUID, verdict: Any, *, now: datetime = NOW, by_code: bool = False) -> None:
        async with db.transaction("intake") as tx:
            await acts.say_done(tx, await register.read(tx, case_id), verdict, by_code=by_code, now=now)

    async def read(case_id: UUID) -> Case:
        async with db.autocommit("console") as conn:
            return await register.read(conn, case_id)

    async def sweep(now: datetime) -> list[UUID]:
        async with db.transaction("console") as tx:
            return await endings.sweep(tx, keys, now)

    async def reach(at: datetime, state: str = "delivered") -> None:
        """All that waits in the outbox has this fate."""
        async with db.transaction("console") as tx:
            sent = at if state in {"sent", "delivered", "read"} else None
            await tx.execute("UPDATE outbox SET state = %s, sent_at = %s WHERE state = 'queued'", (state, sent))

    return SimpleNamespace(do=do, say=say, read=read, sweep=sweep, reach=reach)
