"""The last step: an approved edition at the provider, and STOP written while it is running."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest

import locales
from bot import deliver
from broadcast import publish, reach
from settings import Settings
from store.jawab import Jawab
from tests.broadcast.a_week import NOW, Person
from tests.conftest import PUBLIC_URL
from tests.providers.twilio import FakeTwilio

OURS = "+15005550006"


@pytest.fixture
def settings(wired: Settings) -> Settings:
    return wired


async def test_each_reader_is_sent_the_edition_in_his_language_and_none_after_his_stop(
    *,
    jawab: Jawab,
    client: httpx.AsyncClient,
    place: SimpleNamespace,
    person: Person,
    approved: Callable[[], Awaitable[UUID]],
    twilio: FakeTwilio,
    owner: Any,
) -> None:
    phones = {lang: f"+92300000000{at}" for at, lang in enumerate(locales.LANGS)}
    for lang, phone in phones.items():
        await person(phone, lang=lang)
    made = await approved()
    assert await publish.fan_out(jawab, made, now=NOW) == 4

    stopped = phones["ps"]
    body, headers = twilio.signed(f"{PUBLIC_URL}/in/twilio", twilio.message(stopped, OURS, "STOP"))
    assert (await client.post("/in/twilio", content=body, headers=headers)).status_code == 200
    sent = await deliver.drain(jawab, "broadcasts", limit=100)

    assert sent == {"sent": 3, "withdrawn": 1}
    told = {taken.to: taken.body for taken in twilio.ledger if taken.to in phones.values()}
    for lang, phone in phones.items():
        assert (phone in told) == (lang != "ps")
        if lang != "ps":
            assert f"{locales.say('category.water', lang)} 6" in told[phone]
            assert len(locales.channels.sms_parts(told[phone])) <= 3
    async with jawab.db.transaction("console") as tx:
        assert (await reach.progress(tx, made, NOW)).messages == {"sent": 3, "withdrawn": 1}


async def test_a_stopped_edition_sends_nothing_more(
    jawab: Jawab,
    place: SimpleNamespace,
    person: Person,
    approved: Callable[[], Awaitable[UUID]],
    twilio: FakeTwilio,
) -> None:
    for _ in range(3):
        await person()
    made = await approved()
    await publish.fan_out(jawab, made, now=NOW)
    async with jawab.db.transaction("console") as tx:
        assert await publish.stop(tx, made, place.staff["approver"], datetime.now(UTC)) == 3
    assert not await deliver.drain(jawab, "broadcasts", limit=100)
    assert list(twilio.ledger) == []
