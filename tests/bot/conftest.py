"""The provider's stand-in beside a real database, and rows to send."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from bot import doors, registry
from bot.channels.twilio import Twilio
from settings import Settings
from store import contacts, outbox
from store.jawab import Jawab
from tests.bot.phones import Phone
from tests.cheap import cheap_numbers
from tests.conftest import PUBLIC_URL
from tests.providers.gateway import FakeGateway

__all__ = ["cheap_numbers"]

OURS = "+923000000099"


@pytest.fixture
def settings(wired: Settings) -> Settings:
    return wired


@dataclass
class Rows:
    """Makes contacts and messages owed to them, and reads what became of these."""

    jawab: Jawab
    owner: psycopg.AsyncConnection[Any]

    async def district(self, id: str = "test", **more: Any) -> str:
        await self.owner.execute(
            "INSERT INTO districts (id, names, timezone, quiet_from, quiet_to) VALUES (%s, '{}', %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (id, more.get("timezone", "Asia/Karachi"), more.get("quiet_from"), more.get("quiet_to")),
        )
        return id

    async def channel(self, kind: str = "whatsapp", district: str = "test", address: str = OURS) -> uuid.UUID:
        await self.district(district)
        provider = "simulator" if kind == "try" else "twilio"
        row = await (
            await self.owner.execute(
                "INSERT INTO channels (kind, provider, address, district_id) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (kind, address) DO UPDATE SET address = excluded.address RETURNING id",
                (kind, provider, address, district),
            )
        ).fetchone()
        assert row
        return uuid.UUID(str(row[0]))

    async def contact(
        self, address: str, kind: str = "whatsapp", *, wrote: datetime | str | None = "now", weekly: bool = False
    ) -> uuid.UUID:
        channel = await self.channel(kind)
        tag = contacts.tag(self.jawab.keys, kind, OURS, address)
        async with self.jawab.db.autocommit("intake") as connection:
            await contacts.make(
                connection, self.jawab.keys, id=uuid.uuid4(), channel_id=channel, tag=tag, address=address
            )
            row = await (
                await connection.execute(
                    "UPDATE contacts SET last_inbound_at = %s, weekly_since = CASE WHEN %s THEN now() END"
                    " WHERE channel_id = %s AND address_tag = %s RETURNING id",
                    (wrote, weekly, channel, tag),
                )
            ).fetchone()
        assert row
        return uuid.UUID(str(row["id"]))

    async def owe(
        self,
        contact: uuid.UUID,
        text: str = "پانی",
        *,
        lane: str = "replies",
        answer: bool = True,
        edition: uuid.UUID | None = None,
        message: dict[str, Any] | None = None,
    ) -> uuid.UUID:
        """One message in the outbox: an answer to what the citizen just wrote, or one they did not ask for."""
        outbox_id, inbox_id = uuid.uuid4(), None
        if answer:
            inbox_id = uuid.uuid4()
            await self.owner.execute(
                "INSERT INTO inbox (id, provider, provider_id, contact_id, state)"
                " VALUES (%s, 'twilio', %s, %s, 'done')",
                (inbox_id, str(inbox_id), contact),
            )
        async with self.jawab.db.transaction("intake") as tx:
            await outbox.put(
                tx,
                self.jawab.keys,
                id=outbox_id,
                contact_id=contact,
                lane=lane,
                purpose="edition" if edition else "reply" if answer else "case",
                lang="ur",
                message=message or {"says": [], "options": [], "text": text},
                inbox_id=inbox_id,
                edition_id=edition,
            )
        return outbox_id

    async def edition(self, district: str = "test", week: str = "2026-W47", state: str = "sending") -> uuid.UUID:
        await self.district(district)
        row = await (
            await self.owner.execute(
                "INSERT INTO editions (district_id, week, state, items, digest, from_at, until_at)"
                " VALUES (%s, %s, %s, '[]', '', now(), now())"
                " RETURNING id",
                (district, week, state),
            )
        ).fetchone()
        assert row
        return uuid.UUID(str(row[0]))

    async def see(self, outbox_id: uuid.UUID) -> dict[str, Any]:
        return await self.one("SELECT *, due_at - now() AS due_in FROM outbox WHERE id = %s", outbox_id)

    async def one(self, sql: str, *values: Any) -> dict[str, Any]:
        async with self.owner.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            await cursor.execute(sql, values)
            row = await cursor.fetchone()
        assert row is not None
        return dict(row)

    async def states(self) -> dict[str, int]:
        rows = await (await self.owner.execute("SELECT state, count(*) FROM outbox GROUP BY state")).fetchall()
        return dict(rows)

    async def alarms(self) -> list[str]:
        return [kind for (kind,) in await (await self.owner.execute("SELECT kind FROM alarms ORDER BY id")).fetchall()]

    async def age(self, outbox_id: uuid.UUID, seconds: int = 60) -> None:
        """Make a claim look as old as one of a process that died."""
        await self.owner.execute(
            "UPDATE outbox SET claimed_at = now() - %s * interval '1 second', due_at = now() WHERE id = %s",
            (seconds, outbox_id),
        )


@pytest.fixture
def hurried_twilio(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that hangs is given up after one second here."""
    made = Twilio.__init__

    def hurried(self: Twilio, **more: Any) -> None:
        made(self, **{**more, "timeout": 1.0})

    monkeypatch.setattr(Twilio, "__init__", hurried)


@pytest.fixture
def rows(jawab: Jawab, owner: psycopg.AsyncConnection[Any]) -> Rows:
    return Rows(jawab, owner)


@pytest.fixture
def phone(jawab: Jawab, owner: psycopg.AsyncConnection[Any], demo: SimpleNamespace) -> Phone:
    return Phone(jawab, owner)


@pytest.fixture
def handset() -> Iterator[FakeGateway]:
    """An Android phone as gateway, and the server it listens to."""
    with FakeGateway() as fake:
        yield fake


@pytest.fixture
def second() -> Iterator[FakeGateway]:
    """Another one, in another cupboard."""
    keys = {"user": "D4E5F6", "password": "another-password", "secret": "another-signing-key"}
    with FakeGateway(**keys, ours="+923000000077") as fake:
        yield fake


@pytest.fixture
async def hooks(jawab: Jawab) -> AsyncIterator[httpx.AsyncClient]:
    """Our doors."""
    app = doors.stand_before(FastAPI(), jawab)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
        yield client
    await registry.close()
