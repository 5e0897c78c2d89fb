"""A process that is killed while it holds several turns: nothing of them is half there, and each is taken once.

The statement that it sent goes on without it, unless the database notices in time; nobody was answered either way, so
the provider posts all of them again.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from settings import Settings
from store.jawab import Jawab
from tests.bot.phones import Owner
from tests.ports import free_port
from tests.providers.twilio import FakeTwilio

ROOT = Path(__file__).parents[2]
OURS = "+92810000001"
WAITS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%UPDATE sessions%'"
    " AND state = 'active' AND pid <> pg_backend_pid()"
)
PHONES = [f"+9239900020{number:02}" for number in range(5)]


class Web:
    """A citizens' process of its own on the test's database."""

    def __init__(self, settings: Settings, twilio: FakeTwilio) -> None:
        self.twilio, port = twilio, free_port()
        self.url = f"http://127.0.0.1:{port}"
        env = os.environ | {
            "JAWAB_MODE": "demo", "JAWAB_DATA": str(settings.data), "JAWAB_DATABASE_URL": str(settings.database_url),
            "JAWAB_REDIS_URL": settings.redis_url, "JAWAB_PORT": str(port), "JAWAB_TWILIO_ACCOUNT_SID": twilio.account,
            "JAWAB_TWILIO_AUTH_TOKEN": twilio.token, "JAWAB_TWILIO_API_URL": twilio.url, "JAWAB_CODES_READY": "1",
        }  # fmt: skip
        self.process = subprocess.Popen([sys.executable, "-m", "cli", "web"], env=env, cwd=ROOT)

    async def ready(self) -> None:
        async with asyncio.timeout(60), httpx.AsyncClient() as http:
            while True:
                try:
                    if (await http.get(f"{self.url}/health")).is_success:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.05)

    async def post(self, fields: dict[str, str]) -> int:
        """Status of the answer; 0 where the line broke."""
        body, headers = self.twilio.signed(f"{self.url}/in/twilio", fields)
        try:
            async with httpx.AsyncClient(timeout=30) as http:
                return (await http.post(f"{self.url}/in/twilio", content=body, headers=headers)).status_code
        except httpx.TransportError:
            return 0

    def message(self, phone: str, text: str) -> dict[str, str]:
        return self.twilio.message(f"whatsapp:{phone}", f"whatsapp:{OURS}", text)


@pytest.fixture
def webs(settings: Settings, twilio: FakeTwilio) -> Iterator[list[Web]]:
    started: list[Web] = []
    yield started
    for web in started:
        web.process.kill()
        web.process.wait()


@pytest.mark.parametrize("noticed", [True, False], ids=["its statement ends with it", "its statement goes on"])
@pytest.mark.usefixtures("demo")
async def test_who_is_killed_while_it_holds_a_group_leaves_nothing_half_and_each_is_taken_once(
    jawab: Jawab,
    settings: Settings,
    twilio: FakeTwilio,
    owner: Owner,
    webs: list[Web],
    database_url: str,
    *,
    noticed: bool,
) -> None:
    def start() -> Web:
        webs.append(Web(settings, twilio))
        return webs[-1]

    first = start()
    await first.ready()
    for text in ("سلام", "1"):
        assert {await first.post(first.message(phone, text)) for phone in PHONES} == {200}
    before = await _stands(owner, jawab)
    fields = [first.message(phone, "1") for phone in PHONES]
    # The first waits alone for a row that somebody holds; those who come meanwhile are taken together next, and wait
    # for the row of the second.
    async with (
        await psycopg.AsyncConnection.connect(database_url) as one,
        await psycopg.AsyncConnection.connect(database_url) as two,
    ):
        await _hold(one, jawab, PHONES[0])
        await _hold(two, jawab, PHONES[1])
        posts = [asyncio.create_task(first.post(fields[0]))]
        await _wait_for(owner, False)
        posts += [asyncio.create_task(first.post(others)) for others in fields[1:]]
        for _ in range(20):  # whoever asked before has long been heard
            await first.ready()
        await one.rollback()
        await _wait_for(owner, True)
        first.process.kill()
        first.process.wait()
        answers = await asyncio.gather(*posts)
        if noticed:
            await owner.execute(f"SELECT pg_terminate_backend(pid) {WAITS}")
        await two.rollback()
    await _wait_for(owner, None)
    now = await _stands(owner, jawab)
    assert answers[1:] == [0] * 4, "nobody was told that it was taken"
    done = 0 if noticed else 1
    assert all(now[phone] == tuple(was + done for was in before[phone]) for phone in PHONES[1:]), "all of it or nothing"
    second = start()
    await second.ready()
    for again in fields:  # as the provider does, who does not know what became of them
        assert await second.post(again) == 200
    now = await _stands(owner, jawab)
    assert now == {phone: tuple(was + 1 for was in before[phone]) for phone in PHONES}


async def _hold(connection: psycopg.AsyncConnection[tuple[object, ...]], jawab: Jawab, phone: str) -> None:
    await connection.execute(
        "SELECT FROM sessions WHERE contact_id = (SELECT id FROM contacts WHERE address_tag = %s) FOR UPDATE",
        (jawab.keys.tag("whatsapp", OURS, phone),),
    )


async def _wait_for(owner: Owner, several: bool | None) -> None:
    """Until a turn waits for a row: one by itself, or several together; None: until none does any more."""
    wished = [] if several is None else [(several,)]
    async with asyncio.timeout(20):
        while await (await owner.execute(f"SELECT query LIKE '%unnest(%' {WAITS}")).fetchall() != wished:  # noqa: ASYNC110 - no event tells of another process
            await asyncio.sleep(0.02)


async def _stands(owner: Owner, jawab: Jawab) -> dict[str, tuple[int, ...]]:
    """By phone: moves of its session, messages that came, and replies."""
    tags = {jawab.keys.tag("whatsapp", OURS, phone): phone for phone in PHONES}
    rows = await (
        await owner.execute(
            "SELECT address_tag, version, (SELECT count(*) FROM inbox WHERE contact_id = contacts.id),"
            " (SELECT count(*) FROM outbox WHERE contact_id = contacts.id)"
            " FROM contacts JOIN sessions ON contact_id = contacts.id WHERE address_tag = ANY(%s)",
            (list(tags),),
        )
    ).fetchall()
    return {tags[bytes(tag)]: tuple(counts) for tag, *counts in rows}
