"""The limit that turns are measured against: a bare ASGI application, asyncpg, one round trip.

It checks the signature with twilio's own validator, and one PL/pgSQL call reads the session, writes the inbound and the
outbound row and commits durably. It speaks no language, encrypts nothing and knows no flow: what is left of it in
Jawab's figure is what the product costs.

    python -m uvicorn bench.limit:app
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
from twilio.request_validator import RequestValidator

SCHEMA = """
CREATE TABLE session (phone text PRIMARY KEY, node int NOT NULL, version bigint NOT NULL);
CREATE TABLE message (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sid text UNIQUE, phone text NOT NULL,
                      outbound boolean NOT NULL, body text NOT NULL, at timestamptz NOT NULL DEFAULT now());
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

URL = os.environ.get("LIMIT_URL", "")
DATABASE = os.environ.get("LIMIT_DATABASE", "")
validator = RequestValidator(os.environ.get("LIMIT_TOKEN", ""))
pool: Any = None


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    global pool  # noqa: PLW0603 - sixty lines that stand for nothing but speed
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                pool = await asyncpg.create_pool(DATABASE, min_size=8, max_size=8)
                await send({"type": "lifespan.startup.complete"})
            else:
                await pool.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            break
    params = dict(parse_qsl(body.decode(), keep_blank_values=True))
    headers = dict(scope["headers"])
    status, answer = 403, b""
    if validator.validate(URL, params, headers.get(b"x-twilio-signature", b"").decode()):
        async with pool.acquire() as connection:
            text = await connection.fetchval(
                "SELECT turn($1, $2, $3)", params["MessageSid"], params["From"], params["Body"]
            )
        status, answer = 200, f"<Response><Message>{text}</Message></Response>".encode()
    headers_out = [(b"content-type", b"text/xml"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers_out})
    await send({"type": "http.response.body", "body": answer})
