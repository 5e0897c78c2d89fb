"""Broadcast sends beside a bare aiohttp loop: each side is a process of its own, and reports its own CPU.

    python -m bench.send ours N    drain the broadcasts lane of the run's database, at no pace
    python -m bench.send limit N   as many posts of the same form, 64 at once, each state written down in batches

The limit renders and decrypts nothing, and claims no row; what it has in common with ours is the wire and a durable
record of each message.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
import uuid
from dataclasses import replace

import aiohttp
import psycopg
import uvloop

from bot import deliver, registry
from bot.batches import Batches
from locales.channels import CHANNELS
from settings import load
from store import contacts, outbox
from store.jawab import Jawab, opened

OURS = "+92810000001"
CONCURRENT = 64
PLACE = {"names": {"ur": "پشین", "en": "Pishin"}}
REPAIRED = ["outcome.repaired", {"place": PLACE, "date": {"date": "2026-11-21"}, "office": "1"}]
MESSAGE = {"says": [["status.received", {}], ["category.water", {}], REPAIRED], "options": []}


async def queue(jawab: Jawab, owner: str, count: int) -> None:
    """`count` people who wrote lately, and one message of a broadcast for each of them."""
    async with await psycopg.AsyncConnection.connect(owner, autocommit=True) as connection:
        row = await (
            await connection.execute("SELECT id FROM channels WHERE kind = 'whatsapp' AND address = %s", (OURS,))
        ).fetchone()
        assert row  # the turns before have made it
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


async def ours(count: int) -> dict[str, float]:
    CHANNELS["whatsapp"] = replace(CHANNELS["whatsapp"], rate=1e6)  # the product's rate is the channel's, 80 a second
    async with opened(load(), roles=("intake",)) as jawab:
        await queue(jawab, os.environ["JAWAB_DATABASE_URL"], count + 200)
        await deliver.drain(jawab, "broadcasts", limit=200)  # connections, catalogs and plans are warm
        figures = await _timed(deliver.drain(jawab, "broadcasts", limit=count), count)
        await registry.close()
    return figures


async def limit(count: int) -> dict[str, float]:
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

        async def send(numbers: range) -> None:
            for number in numbers:
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
            await asyncio.gather(*(send(numbers[at::CONCURRENT]) for at in range(CONCURRENT)))

        await sends(range(200))
        return await _timed(sends(range(count)), count)


async def _timed(work: object, count: int) -> dict[str, float]:
    before, started = _cpu(), time.perf_counter()
    await work  # type: ignore[misc]
    return {
        "rate": round(count / (time.perf_counter() - started), 1),
        "cpu_s_per_10k": round((_cpu() - before) / count * 10_000, 2),
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    side, count = {"ours": ours, "limit": limit}[sys.argv[1]], int(sys.argv[2])
    print(json.dumps(uvloop.run(side(count))))
