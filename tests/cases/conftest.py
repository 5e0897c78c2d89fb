"""A district with people in it: somebody who writes, and ready-made cases."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cases import register, seed
from store import contacts
from store.crypto import Keys
from store.database import Database

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)  # a Wednesday, 14:00 in Pishin

_codes = itertools.count(100_000_000_000)


def fresh_code() -> str:
    """13 digits; the check digit is the flows' affair, not this room's."""
    return f"{next(_codes)}7"


# Seeding costs two seconds of Argon2: it is done once for a run, and a test that asks for `demo` gets a copy.
@pytest.fixture(scope="session")
def seeded(cluster: str, template: str, keys: Keys) -> tuple[str, list[dict[str, str]]]:
    """The name of a database that holds the demo district, and its logins."""
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE jawab_seeded TEMPLATE "{conninfo_to_dict(template)["dbname"]}"')

    async def run() -> list[dict[str, str]]:
        database = Database(make_conninfo(cluster, dbname="jawab_seeded"), keys, roles=("console",), size=1)
        await database.open()
        made = await seed.seed_demo(database, keys)
        await database.close()
        return made

    with ThreadPoolExecutor(1) as thread:  # beside the loop of the test that asks first
        return "jawab_seeded", thread.submit(asyncio.run, run()).result()


@pytest.fixture
def database_url(cluster: str, template: str, request: pytest.FixtureRequest) -> Iterator[str]:
    source = conninfo_to_dict(template)["dbname"]
    if "demo" in request.fixturenames:
        source, _ = request.getfixturevalue("seeded")
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        yield urlsplit(cluster)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def demo(seeded: tuple[str, list[dict[str, str]]], db: Database) -> SimpleNamespace:
    """The demo district, as in every room: `district`, `logins` {role: (login, password)}, `all`."""
    logins: dict[str, tuple[str, str]] = {}
    for row in seeded[1]:
        logins.setdefault(row["role"], (row["user"], row["password"]))
    return SimpleNamespace(district="pishin", logins=logins, all=seeded[1])


@pytest.fixture
async def place(db: Database, demo: SimpleNamespace) -> SimpleNamespace:
    """The demo district with what tests ask for most: `staff` by role, `channel`, `offices` by department."""
    async with db.read("console") as conn:
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
        address = address or f"+92300{contact_id.int % 10_000_000:07}"
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
            return await register.open(
                tx,
                keys,
                code=fresh_code(),
                district_id=more.pop("district_id", place.id),
                contact_id=contact_id,
                channel="sms",
                lang="ur",
                category=category,
                opened_at=at,
                now=at,
                **{"story": "پانی نہیں آتا", **more},
            )

    return make


@pytest.fixture
def row(db: Database) -> Callable[..., Awaitable[dict[str, Any]]]:
    """One row, read as the desk reads it."""

    async def read(statement: str, *values: Any) -> dict[str, Any]:
        async with db.read("console") as conn:
            found = await (await conn.execute(statement, values)).fetchone()  # type: ignore[arg-type]
        assert found is not None
        return found

    return read
