"""Connections that do not end by themselves, on real sockets: each is let go within its deadline, on every route."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp

from app import assemble, serve_with
from house.patience import Patient
from settings import Settings
from store.jawab import Jawab

FORM = "content-type: application/x-www-form-urlencoded\r\n"
Port = int


class Quick(Patient):
    """The same with deadlines that a test can wait for."""

    head = body = reader = 0.3


@asynccontextmanager
async def served(app: ASGIApp, settings: Settings, patience: type[Patient] = Quick) -> AsyncIterator[Port]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = serve_with(app, settings, patience)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listening])
    yield listening.getsockname()[1]
    await server.shutdown([listening])


async def send(port: Port, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode())
    await writer.drain()
    return reader, writer


async def rest(line: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> str:
    """All that comes until the other side lets go; a connection that is held fails the test."""
    async with asyncio.timeout(20):
        got = await line[0].read()
    line[1].close()
    return got.decode()


def plain(**routes: Callable[[Request], Awaitable[Response]]) -> FastAPI:
    app = FastAPI()
    for name, answer in routes.items():
        app.add_route(f"/{name}", answer, methods=["GET", "POST"])
    return app


async def test_half_a_head_is_not_waited_for(jawab: Jawab) -> None:
    halves = ["", "G", "GET / HTTP/1.1\r\n", "POST /in/twilio HTTP/1.1\r\nHost: jawab.test\r\nX-A: b"]
    async with served(assemble(jawab), jawab.settings) as port:
        lines = [await send(port, half) for half in halves * 10]
        for got in await asyncio.gather(*map(rest, lines)):
            assert got.startswith("HTTP/1.1 408 ")


async def test_a_head_that_drips_has_no_more_time_than_another(jawab: Jawab) -> None:
    """On a bare socket: whoever writes on after the answer is told that nobody listens, and a stream would then hide
    what had come before.
    """
    loop = asyncio.get_running_loop()
    async with served(assemble(jawab), jawab.settings) as port:
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.setblocking(False)

            async def drip() -> None:
                await loop.sock_sendall(line, b"GET / HTTP/1.1\r\n")
                with suppress(OSError):
                    while True:
                        await loop.sock_sendall(line, b"X-A: b\r\n")
                        await asyncio.sleep(0.02)

            dripping = asyncio.create_task(drip())
            async with asyncio.timeout(20):
                assert (await loop.sock_recv(line, 4096)).startswith(b"HTTP/1.1 408 ")
            dripping.cancel()


@pytest.mark.parametrize(
    "path", ["/desk/login", "/in/twilio", "/in/twilio/status", "/o/abcdef", "/try/send", "/", "/no"]
)
async def test_half_a_body_is_not_waited_for_on_any_route(jawab: Jawab, demo: SimpleNamespace, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: jawab.test\r\n{FORM}Content-Length: 100\r\n\r\n"
    async with served(assemble(jawab), jawab.settings) as port:
        got = await rest(await send(port, head + "login=dem"))
    assert got.split(" ")[1] in {"404", "405", "408"}  # what is no door need not be waited for


async def test_what_comes_in_time_is_answered_twice_on_one_line(jawab: Jawab) -> None:
    ask = "GET /health HTTP/1.1\r\nHost: jawab.test\r\n\r\n"
    async with served(assemble(jawab), jawab.settings) as port:
        reader, writer = await send(port, ask)
        assert "200" in (await reader.readline()).decode()
        await reader.readuntil(b"alive")
        writer.write(ask.encode())
        assert "200" in (await reader.readline()).decode()
        await reader.readuntil(b"alive")
        writer.write(b"GET /he")
        assert (await rest((reader, writer))).startswith("HTTP/1.1 408 "), "the next request has its own time"


async def test_who_does_not_read_the_answer_is_let_go(settings: Settings) -> None:
    ended = asyncio.Event()

    async def much(_: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                for _ in range(4000):
                    yield bytes(64 * 1024)
            finally:
                ended.set()

        return StreamingResponse(pieces())

    async with served(plain(much=much), settings) as port:
        reader, writer = await send(port, "GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(20):
            await ended.wait()
        writer.close()
        assert reader is not None


@pytest.mark.parametrize(
    ("proxy", "header", "seen"),
    [
        ("", "203.0.113.9", "127.0.0.1"),
        ("192.0.2.1", "203.0.113.9", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.0/8", "198.51.100.4, 203.0.113.9", "203.0.113.9"),
    ],
)
async def test_only_a_proxy_that_was_named_is_believed(settings: Settings, proxy: str, header: str, seen: str) -> None:
    async def who(request: Request) -> Response:
        return PlainTextResponse(request.client.host if request.client else "")

    given: dict[str, Any] = {"proxy": proxy}
    async with served(plain(who=who), settings.model_copy(update=given)) as port:
        got = await rest(
            await send(port, f"GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: {header}\r\n\r\n")
        )
    assert got.endswith(f"\r\n\r\n{seen}")
