"""A load of signed delivery receipts, each for a message of its own, beside one UPDATE each (`bench.limit`)."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from urllib.parse import urlencode

import psycopg
from psycopg.conninfo import make_conninfo

from bench.load import ACCOUNT, OURS, Measured, answer, sign, steps

PATH = "/in/twilio/status"
PHONE = "whatsapp:+923880000000"
NO_CONTENT = 204

_OURS = """
INSERT INTO outbox (id, contact_id, lane, purpose, lang, message, state, attempts, provider_id, sent_at)
SELECT id, (SELECT id FROM contacts LIMIT 1), 'replies', 'reply', 'ur', '\\x00', 'sent', 1,
    'SM' || replace(id::text, '-', ''), now() FROM unnest(%s::uuid[]) AS id"""
_LIMITS = "INSERT INTO told (id, rank) SELECT id, 1 FROM unnest(%s::uuid[]) AS id"


def fill(database: str, count: int, *, ours: bool) -> Iterator[uuid.UUID]:
    """Write so many messages that a provider took, ours or the limit's. Returns their ids."""
    made = [uuid.uuid4() for _ in range(count)]
    where = database if ours else make_conninfo(database, dbname="bare")
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute(_OURS if ours else _LIMITS, (made,))
        connection.execute("ANALYZE outbox" if ours else "ANALYZE told")
    return iter(made)


def _request(url: str, one: uuid.UUID) -> bytes:
    query, sid = f"mid={one}", f"SM{one.hex}"
    form = {
        "SmsSid": sid, "SmsStatus": "delivered", "MessageStatus": "delivered", "ChannelToAddress": PHONE, "To": PHONE,
        "ChannelPrefix": "whatsapp", "MessageSid": sid, "AccountSid": ACCOUNT, "From": OURS, "ApiVersion": "2010-04-01",
        "ChannelInstallSid": "XE" + "b" * 32,
    }  # fmt: skip
    body = urlencode(form).encode()
    head = (
        f"POST {PATH}?{query} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nX-Twilio-Signature: {sign(f'{url}/status?{query}', form)}\r\n\r\n"
    )
    return head.encode() + body


async def tell(
    port: int, url: str, ids: Iterator[uuid.UUID], *, connections: int, seconds: float, rate: float = 0.0
) -> Measured:
    """Post one receipt after the other on each of `connections` for `seconds`, or until every message has its own.

    `rate` > 0 paces them to so many receipts a second in all.
    """
    measured = Measured()
    began = time.perf_counter()
    end = began + seconds

    async def one(place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for due, message in zip(steps(began, place, connections, rate), ids, strict=False):
            if due >= end:
                break
            await asyncio.sleep(due - time.perf_counter())
            if time.perf_counter() >= end:
                break
            wire = _request(url, message)
            started = time.perf_counter()
            writer.write(wire)
            status = await answer(reader)
            measured.latencies.append(time.perf_counter() - started)
            measured.bad += status != NO_CONTENT
        writer.close()

    await asyncio.gather(*(one(place) for place in range(connections)))
    measured.seconds = time.perf_counter() - began
    return measured
