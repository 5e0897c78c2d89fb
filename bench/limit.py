"""The limit that turns are measured against: a bare ASGI application, asyncpg on kept connections, one round trip.

It signs the form once, and one PL/pgSQL call reads the session, writes the inbound and the outbound row and commits
durably. The connection that was given back last is taken first, and nothing is asked of it in between. It speaks no
language, encrypts nothing and knows no flow: what is left of it in Jawab's figure is what the product costs.

    python -m uvicorn bench.limit:app
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import os
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import asyncpg

SCHEMA = """
CREATE TABLE session (phone text PRIMARY KEY, node int NOT NULL, version bigint NOT NULL);
CREATE TABLE message (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sid text UNIQUE, phone text NOT NULL,
                      outbound boolean NOT NULL, body text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE told (id uuid PRIMARY KEY, state text NOT NULL DEFAULT 'sent', rank int NOT NULL DEFAULT 0);
CREATE FUNCTION turn(p_sid text, p_phone text, p_body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE was int;
BEGIN
    INSERT INTO message (sid, phone, outbound, body) VALUES (p_sid, p_phone, false, p_body)
    ON CONFLICT (sid) DO NOTHING;
    IF NOT FOUND THEN RETURN ''; END IF;
    INSERT INTO session VALUES (p_phone, 0, 0)
    ON CONFLICT (phone) DO UPDATE SET node = session.node + 1, version = session.version + 1 RETURNING node INTO was;
    INSERT INTO message (phone, outbound, body) VALUES (p_phone, true, 'question ' || was);
    RETURN 'question ' || was;
END $$;
"""
TURN = "SELECT turn($1, $2, $3)"
RECEIPT = "UPDATE told SET state = $2, rank = 2 WHERE id = $1 AND rank < 2"

URL = os.environ.get("LIMIT_URL", "")
DATABASE = os.environ.get("LIMIT_DATABASE", "")
TOKEN = os.environ.get("LIMIT_TOKEN", "").encode()
KEPT = 8
kept: asyncio.LifoQueue[Any] = asyncio.LifoQueue()


def signature(url: str, params: dict[str, str]) -> bytes:
    signed = url + "".join([name + value for name, value in sorted(params.items())])
    return base64.b64encode(hmac.digest(TOKEN, signed.encode(), "sha1"))


async def ask(statement: str, *given: Any) -> Any:
    connection = await kept.get()
    try:
        return await connection.fetchval(statement, *given)
    finally:
        kept.put_nowait(connection)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                for _ in range(KEPT):
                    kept.put_nowait(await asyncpg.connect(DATABASE))
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": "lifespan.shutdown.complete"})
                return
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            break
    params = dict(parse_qsl(body.decode(), keep_blank_values=True))
    headers, query = dict(scope["headers"]), scope["query_string"].decode()
    status, answer = 403, b""
    signed = signature(f"{URL}/status?{query}" if query else URL, params)
    if hmac.compare_digest(signed, headers.get(b"x-twilio-signature", b"")):
        if query:
            await ask(RECEIPT, UUID(query[4:40]), params["MessageStatus"])
            status = 204
        else:
            text = await ask(TURN, params["MessageSid"], params["From"], params["Body"])
            status, answer = 200, f"<Response><Message>{text}</Message></Response>".encode()
    headers_out = [(b"content-type", b"text/xml"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers_out})
    await send({"type": "http.response.body", "body": answer})
