"""One RQ job for each message, as one would write it first: it posts with Twilio's own client and updates its row.

A peer of `bench.send`. What a job needs is imported before, and in RQ's SimpleWorker kept: the client's connection and
the database's. It claims nothing, asks for no pace and knows no STOP.
"""

from __future__ import annotations

import functools
import os
import uuid

import psycopg
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from twilio.rest import Client

OURS = "whatsapp:+92810000001"
SCHEMA = """
DROP TABLE IF EXISTS bench_owed;
CREATE TABLE bench_owed (id uuid PRIMARY KEY, address text NOT NULL, body text NOT NULL,
                         state text NOT NULL DEFAULT 'queued', sid text, sent_at timestamptz)"""
_FILL = "INSERT INTO bench_owed (id, address, body) VALUES (%s, %s, %s)"


@functools.cache
def _connection() -> psycopg.Connection[tuple[str, str]]:
    return psycopg.connect(os.environ["JAWAB_DATABASE_URL"], autocommit=True)


@functools.cache
def _client() -> Client:
    client = Client(os.environ["JAWAB_TWILIO_ACCOUNT_SID"], os.environ["JAWAB_TWILIO_AUTH_TOKEN"])
    client.api.base_url = os.environ["JAWAB_TWILIO_API_URL"]
    return client


def send(one: str) -> None:
    """The job."""
    row = _connection().execute("SELECT address, body FROM bench_owed WHERE id = %s", (one,)).fetchone()
    assert row
    callback = f"http://127.0.0.1/in/twilio/status?mid={one}"
    made = _client().messages.create(to=row[0], from_=OURS, body=row[1], status_callback=callback)
    _connection().execute(
        "UPDATE bench_owed SET state = 'sent', sid = %s, sent_at = now() WHERE id = %s", (made.sid, one)
    )


def fill(database: str, redis_url: str, count: int) -> Queue:
    """So many rows, and a job for each of them in a queue of their own."""
    ids = [uuid.uuid4() for _ in range(count)]
    texts = [
        (one, f"whatsapp:+92388{at:07d}", f"موصول ہو گئی\nپانی\nمرمت ہو گئی: پشین، {at}۔") for at, one in enumerate(ids)
    ]
    with psycopg.connect(database, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        cursor.executemany(_FILL, texts)
    queue = Queue("per-message", connection=Redis.from_url(redis_url), serializer=JSONSerializer)
    for one in ids:
        queue.enqueue(send, str(one), result_ttl=0)
    return queue


def sent(database: str) -> int:
    """How many of them the provider took."""
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM bench_owed WHERE state = 'sent'").fetchone()
    return row[0] if row else 0
