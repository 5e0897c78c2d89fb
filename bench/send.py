"""Broadcast sends beside a bare aiohttp loop: each side is a process of its own, and reports its own CPU.

    python -m bench.send ours N [RATE]    drain the broadcasts lane of the run's database; without RATE at no pace
    python -m bench.send limit N [RATE]   as many posts of the same form, 64 at once, each state written down in batches
    python -m bench.send simple N         one RQ job for each message (`bench.per_message`), in RQ's SimpleWorker
    python -m bench.send fork N           the same in RQ's own worker, which forks for each job; what it needs is loaded

The limit renders and decrypts nothing, and claims no row; what it has in common with ours is the wire and a durable
record of each message. RATE is in messages a second; the lane gets it as the rate of its channel.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import aiohttp
import psycopg
import uvloop
from rq import SimpleWorker, Worker

import worker
from bench import per_message
from bot import deliver, registry
from bot.batches import Batches
from locales.channels import CHANNELS
from settings import load
from store import contacts, outbox
from store.jawab import Jawab, opened

OURS = "+92810000001"
CONCURRENT = 64
WARM = 200  # messages that go before anything is counted
AT_ONCE = 1e6  # a rate that nothing waits for; the product's is the channel's, 80 a second
PLACE = {"names": {"ur": "پشین", "en": "Pishin"}}
REPAIRED = ["outcome.repaired", {"place": PLACE, "date": {"date": "2026-11-21"}, "office": "1"}]
CHANNEL = """
INSERT INTO channels (kind, provider, address, district_id) VALUES ('whatsapp', 'twilio', %s, 'pishin')
ON CONFLICT (kind, address) DO UPDATE SET provider = excluded.provider RETURNING id"""
MESSAGE = {"says": [["status.received", {}], ["category.water", {}], REPAIRED], "options": []}


async def queue(jawab: Jawab, owner: str, count: int) -> None:
    """`count` people who wrote lately, and one message of a broadcast for each of them."""
    async with await psycopg.AsyncConnection.connect(owner, autocommit=True) as connection:
        row = await (await connection.execute(CHANNEL, (OURS,))).fetchone()
        assert row
        people = [(uuid.uuid4(), uuid.uuid4(), f"+92388{number:07d}") for number in range(count)]
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO contacts (id, channel_id, address_tag, address_box, lang, last_inbound_at, weekly_since)"
                " VALUES (%s, %s, %s, %s, 'ur', now(), now())",
                [
                    (one, row[0], one.bytes, jawab.keys.encrypt(address.encode(), contacts.bound_to(one)))
                    for one, _, address in people
                ],
            )
            await cursor.executemany(
                "INSERT INTO outbox (id, contact_id, lane, purpose, edition_id, lang, message)"
                " VALUES (%s, %s, 'broadcasts', 'case', NULL, 'ur', %s)",
                [(mid, one, jawab.keys.put_json(MESSAGE, outbox.bound_to(mid))) for one, mid, _ in people],
            )
        await connection.execute("ANALYZE outbox, contacts")


async def ours(count: int, rate: float) -> dict[str, float]:
    limits = CHANNELS["whatsapp"]
    CHANNELS["whatsapp"] = replace(limits, rate=AT_ONCE)
    async with opened(load(), roles=("intake",)) as jawab:
        await queue(jawab, os.environ["JAWAB_DATABASE_URL"], count + WARM)
        await deliver.drain(jawab, "broadcasts", limit=WARM)  # connections, catalogs and plans are warm
        if rate:
            CHANNELS["whatsapp"] = replace(limits, rate=rate)
            await asyncio.sleep(1.5)  # what was sent to warm up is no part of any second that is looked at
        figures = await _timed(worker.drain(jawab, "broadcasts"), count)
        await registry.close()
    return figures


async def limit(count: int, rate: float) -> dict[str, float]:
    account, host = os.environ["JAWAB_TWILIO_ACCOUNT_SID"], os.environ["JAWAB_TWILIO_API_URL"]
    url = f"{host}/2010-04-01/Accounts/{account}/Messages.json"
    auth = aiohttp.encode_basic_auth(account, os.environ["JAWAB_TWILIO_AUTH_TOKEN"])
    async with (
        await psycopg.AsyncConnection.connect(os.environ["JAWAB_DATABASE_URL"], autocommit=True) as connection,
        aiohttp.ClientSession(
            headers={"Authorization": auth}, connector=aiohttp.TCPConnector(limit=CONCURRENT)
        ) as session,
    ):
        await connection.execute("CREATE TABLE IF NOT EXISTS bench_sent (id uuid PRIMARY KEY, sid text, state text)")

        async def record(taken: list[tuple[uuid.UUID, str]]) -> None:
            await connection.execute(
                "INSERT INTO bench_sent SELECT id, sid, 'sent' FROM unnest(%s::uuid[], %s::text[]) AS t (id, sid)",
                tuple(map(list, zip(*taken, strict=True))),
            )

        records = Batches(record)

        async def send(numbers: range, started: float) -> None:
            for number in numbers:
                if rate and (rest := started + number / rate - time.perf_counter()) > 0:
                    await asyncio.sleep(rest)
                one = uuid.uuid4()
                form = {
                    "To": f"whatsapp:+92388{number:07d}", "From": f"whatsapp:{OURS}",
                    "Body": f"موصول ہو گئی\nپانی\nمرمت ہو گئی: پشین، {number}۔",
                    "StatusCallback": f"http://127.0.0.1/in/twilio/status?mid={one}",
                }  # fmt: skip
                async with session.post(url, data=form) as answer:
                    taken = json.loads(await answer.read())
                await records.add((one, taken["sid"]))

        async def sends(numbers: range) -> None:
            now = time.perf_counter()
            await asyncio.gather(*(send(numbers[at::CONCURRENT], now) for at in range(CONCURRENT)))

        await sends(range(WARM if not rate else CONCURRENT))
        return await _timed(sends(range(count)), count)


def per_job(kind: type[Worker | SimpleWorker], count: int) -> dict[str, float]:
    """One RQ job for each message: all are put first, then one worker does them."""
    url = os.environ["JAWAB_DATABASE_URL"]
    began, started = _cpu(), time.perf_counter()
    queue = per_message.fill(url, os.environ["JAWAB_REDIS_URL"], count)
    put = {"put_s_per_10k": 10_000 * (_cpu() - began) / count, "put_rate": count / (time.perf_counter() - started)}
    began, started = _cpu(), time.perf_counter()
    kind([queue], connection=queue.connection, serializer=queue.serializer).work(burst=True, logging_level="ERROR")
    took = time.perf_counter() - started
    if (sent := per_message.sent(url)) != count:
        raise RuntimeError(f"{sent} of {count} were sent")
    figures = {"rate": count / took, "cpu_s_per_10k": 10_000 * (_cpu() - began) / count} | put
    return {name: round(figure, 2) for name, figure in figures.items()}


async def _timed(work: object, count: int) -> dict[str, float]:
    """Whoever has begun us may say when, by a line; where nobody does it begins at once."""
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    before, started = _cpu(), time.perf_counter()
    await work  # type: ignore[misc]
    return {
        "rate": round(count / (time.perf_counter() - started), 1),
        "cpu_s_per_10k": round((_cpu() - before) / count * 10_000, 2),
    }


def _cpu() -> float:
    """Of this process, and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


SIDES: dict[str, Callable[[int, float], dict[str, float]]] = {
    "ours": lambda count, rate: uvloop.run(ours(count, rate)),
    "limit": lambda count, rate: uvloop.run(limit(count, rate)),
    "simple": lambda count, _: per_job(SimpleWorker, count),
    "fork": lambda count, _: per_job(Worker, count),
}

if __name__ == "__main__":
    side, count, *paced = sys.argv[1:]
    print(json.dumps(SIDES[side](int(count), float(paced[0]) if paced else 0.0)))
