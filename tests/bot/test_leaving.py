"""What ends a run of a lane, or holds it up for a while: a stop, a provider that is away, a sender without a slot."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import replace

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

import worker
from bot import deliver, registry
from bot.deliver import Run, drain
from store.bell import Bell
from store.jawab import Jawab
from tests.bot.conftest import Rows
from tests.providers.twilio import FakeTwilio

HOUR = 3600.0


async def test_a_lane_that_is_to_stop_claims_nothing_more(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    one = await rows.owe(await rows.contact("+923001110001"))
    leaving = asyncio.Event()
    leaving.set()
    assert await drain(jawab, "replies", leaving=leaving) == {}
    assert (await rows.see(one))["state"] == "queued"


async def test_what_is_claimed_when_it_is_to_stop_goes_out(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    twilio.delay = 0.3
    for number in range(deliver.HANDFUL + 1):
        await rows.owe(await rows.contact(f"+923001110{number:03}"))
    leaving = asyncio.Event()
    running = asyncio.create_task(drain(jawab, "replies", leaving=leaving))
    while not twilio.posts:  # noqa: ASYNC110 - another thread counts
        await asyncio.sleep(0.01)
    leaving.set()
    assert await running == {"sent": deliver.HANDFUL}
    assert await rows.states() == {"sent": deliver.HANDFUL, "queued": 1}


async def test_a_lane_that_waits_for_a_slot_hears_at_once_that_it_is_to_stop(
    jawab: Jawab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(deliver.OTHERS, "broadcasts", HOUR)
    run = Run(jawab, registry.of(jawab), "broadcasts", full={uuid.uuid4(): time.monotonic() + HOUR})
    waiting = asyncio.create_task(run.claim_and_send(None, 10))
    while run.bare[1] == 0.0:  # noqa: ASYNC110 - it has looked once, and waits
        await asyncio.sleep(0.01)
    run.leaving.set()
    async with asyncio.timeout(10):
        await waiting


async def test_who_leaves_rings_for_whoever_works_the_lane_next(
    jawab: Jawab, rows: Rows, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edition's sweep would find it too, five seconds later."""
    monkeypatch.setattr(worker._loop, "leaving", asyncio.Event())
    bell, edition = Bell(redis_url), uuid.uuid4()
    with Redis.from_url(redis_url) as redis:
        queue = Queue("broadcasts", connection=redis, serializer=JSONSerializer)
        redis.delete(queue.key)
        await worker.drain(replace(jawab, bell=bell), "broadcasts", edition)
        worker._loop.leaving.set()
        await worker.drain(replace(jawab, bell=bell), "broadcasts", edition)
        bell.close()
        rung = [(job.func_name, job.args) for job in queue.jobs]
        redis.delete(queue.key)
    assert rung == [("worker.broadcasts", [str(edition)])], "only where something may be left"


async def test_a_provider_that_is_away_ends_the_run(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    """The next one is told by the database, which hears of a return."""
    one = await rows.owe(await rows.contact("+923001110001"))
    run = Run(jawab, registry.of(jawab), "replies", away={uuid.uuid4()})
    await run.claim_and_send(None, 10)
    assert (await rows.see(one))["state"] == "queued"


async def test_others_are_looked_for_again_after_a_while(jawab: Jawab, rows: Rows) -> None:
    """Where nobody had a row beside a sender without a slot, past all of an edition it is a long way."""
    run, now = Run(jawab, registry.of(jawab), "broadcasts", full={uuid.uuid4(): HOUR}), 1000.0
    assert await run._claim(None, 10, now) == []
    contact = await rows.contact("+923001110001", "sms", weekly=True)
    one = await rows.owe(contact, lane="broadcasts", answer=False)
    assert await run._claim(None, 10, now + deliver.OTHERS["broadcasts"] - 0.1) == [], "not yet"
    assert [row.id for row in await run._claim(None, 10, now + deliver.OTHERS["broadcasts"] + 0.1)] == [one]


async def test_one_more_sender_without_a_slot_lets_nobody_be_forgotten(jawab: Jawab, rows: Rows) -> None:
    """What was seen with fewer in the way holds for more; with others in the way it is looked again at once."""
    one, other = uuid.uuid4(), uuid.uuid4()
    run = Run(jawab, registry.of(jawab), "broadcasts", full={one: HOUR})
    assert await run._claim(None, 10, 1000.0) == []
    contact = await rows.contact("+923001110001", "sms", weekly=True)
    await rows.owe(contact, lane="broadcasts", answer=False)
    run.full = {one: HOUR, other: HOUR}
    assert await run._claim(None, 10, 1000.1) == []
    run.full = {other: HOUR}
    assert len(await run._claim(None, 10, 1000.1)) == 1
