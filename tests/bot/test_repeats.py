"""A channel whose messages have no ids: the same words from one address, until we have written there, are one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI

from bot import doors, registry
from bot.channels import Account, Channel, Heard, Inbound, Outbound, Posted, Sent
from bot.deliver import drain
from store import channels
from store.jawab import Jawab
from tests.bot.conftest import Rows
from tests.conftest import PUBLIC_URL

OURS, ONE, TWO = "+923000000055", "+923001112233", "+923001112244"


class Plain(Channel):
    """A gateway that says who wrote what, and nothing else."""

    provider: ClassVar = "plain"
    kinds: ClassVar = ("gateway",)
    ids: ClassVar = "none"

    def __init__(self, address: str) -> None:
        self.address = address
        self.sent: list[str] = []

    @classmethod
    def open(cls, account: Account) -> Plain:
        return cls(account.address)

    def read(self, posted: Posted) -> Heard:
        said = json.loads(posted.body)
        return Heard((Inbound("plain", "", "gateway", self.address, said["from"], said["text"]),))

    async def send(self, outbound: Outbound) -> Sent:
        self.sent.append(outbound.text)
        return Sent(str(len(self.sent)))

    async def find(self, outbound: Outbound, since: datetime) -> list[str]:
        return []


@pytest.fixture
async def http(jawab: Jawab, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(registry, "PROVIDERS", {"plain": Plain})
    await rows.district()
    for name, address in (("one", OURS), ("two", OURS + "0")):
        async with jawab.db.transaction("console") as tx:
            await channels.add(
                tx,
                jawab.keys,
                kind="gateway",
                provider="plain",
                address=address,
                district_id="test",
                name=name,
                settings={},
            )
    app = doors.stand_before(FastAPI(), jawab)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
        yield client


async def say(http: httpx.AsyncClient, text: str, address: str = ONE, name: str = "one") -> None:
    answer = await http.post(f"/in/plain/{name}", content=json.dumps({"from": address, "text": text}))
    assert answer.status_code == 200


async def turns(rows: Rows) -> int:
    return int((await rows.one("SELECT count(*) FROM inbox"))["count"])


async def test_the_same_words_before_our_answer_are_one_turn_and_after_it_another(
    jawab: Jawab, rows: Rows, http: httpx.AsyncClient
) -> None:
    await say(http, "1")
    await say(http, "1")
    assert await turns(rows) == 1
    await drain(jawab, "replies")
    await say(http, "1")
    assert await turns(rows) == 2
    await say(http, "1")
    assert await turns(rows) == 2


async def test_the_same_words_at_once_are_one_turn(rows: Rows, http: httpx.AsyncClient) -> None:
    await asyncio.gather(*(say(http, "سلام") for _ in range(5)))
    assert await turns(rows) == 1
    assert await rows.states() == {"queued": 1}


async def test_other_words_another_person_and_another_number_are_no_repeat(rows: Rows, http: httpx.AsyncClient) -> None:
    await say(http, "1")
    await say(http, "2")
    await say(http, "1", TWO)
    await say(http, "1", name="two")
    assert await turns(rows) == 4


async def test_words_are_not_lost_where_a_process_dies_before_it_records_what_it_sent(
    jawab: Jawab, rows: Rows, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(http, "1")

    async def lost(*_: Any) -> None:
        raise ConnectionError("the process is gone")

    with monkeypatch.context() as crash:
        crash.setattr("store.outbox.claims.record", lost)
        await drain(jawab, "replies")
    await say(http, "1")
    assert await turns(rows) == 2


async def test_two_accounts_may_give_the_same_id(jawab: Jawab, rows: Rows, http: httpx.AsyncClient) -> None:
    """What we sent is known by the row and the id: both rows' first message is "1" to their provider."""
    await say(http, "1")
    await say(http, "1", name="two")
    assert await drain(jawab, "replies") == {"sent": 2}
    ids = await (await rows.owner.execute("SELECT count(DISTINCT provider_id) FROM outbox")).fetchone()
    assert ids == (2,)
