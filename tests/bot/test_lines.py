"""Kept connections: what an answer may look like, and when nothing can have been taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from yarl import URL

from bot import lines
from bot.lines import Lines, Unanswered, Unreached

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Talk = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Served:
    """A server that says what it is told to, and remembers what each connection said."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.heard: list[list[bytes]] = []
        self.open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self.url = URL()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine: list[bytes] = []
        self.heard.append(mine)
        self.open[writer] = asyncio.current_task()
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), 0)
                mine.append(head + await reader.readexactly(length))
                await self._talk(mine[-1], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def end(self) -> None:
        for writer in self.open:
            writer.close()
        await asyncio.gather(*filter(None, self.open.values()))


@asynccontextmanager
async def served(talk: Talk) -> AsyncIterator[Served]:
    one = Served(talk)
    server = await asyncio.start_server(one.answer, "127.0.0.1", 0)
    one.url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/messages?a=b")
    try:
        yield one
    finally:
        server.close()
        await one.end()


@pytest.fixture
async def ours() -> AsyncIterator[Lines]:
    made = Lines(20.0, 4096)
    yield made
    made.close()


def says(*pieces: bytes, end: bool = False) -> Talk:
    async def talk(_: bytes, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if end:
            writer.close()

    return talk


async def post(ours: Lines, server: Served, body: bytes = b"x=1") -> lines.Said:
    return await ours.exchange("POST", server.url, {"A": "b"}, body)


ANSWERS = {
    "whole": says(OK),
    "in pieces": says(OK[:9], OK[9:30], OK[30:]),
    "in chunks": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n", b"1\r\nk\r\n0\r\n\r\n"),
    "after go on": says(b"HTTP/1.1 100 Continue\r\n\r\n", OK),
    "until its end": says(b"HTTP/1.1 200 OK\r\n\r\no", b"k", end=True),
    "closed after it": says(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), end=True),
    "an old server": says(OK.replace(b"1.1", b"1.0"), end=True),
}


@pytest.mark.parametrize("talk", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_is_read_whole_and_the_next_question_gets_its_own(ours: Lines, talk: Talk) -> None:
    async with served(talk) as server:
        for _ in range(3):
            said = await post(ours, server)
            assert (said.status, said.body) == (200, b"ok")


async def test_a_request_is_written_as_it_was_meant_and_its_line_is_kept(ours: Lines) -> None:
    async with served(says(OK)) as server:
        await post(ours, server, "پانی".encode())
        await ours.exchange("GET", server.url, {}, b"")
        ((first, second),) = server.heard
        host = f"127.0.0.1:{server.url.port}".encode()
        assert first == (
            b"POST /messages?a=b HTTP/1.1\r\nHost: " + host + b"\r\nA: b\r\nContent-Length: 8\r\n\r\n" + "پانی".encode()
        )
        assert second == b"GET /messages?a=b HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"


async def test_a_header_cannot_bring_another(ours: Lines) -> None:
    async with served(says(OK)) as server:
        with pytest.raises(ValueError, match="two lines"):
            await ours.exchange("POST", server.url, {"A": "b\r\nC: d"}, b"")
        assert server.heard == []


BROKEN = {
    "closed": says(end=True),
    "cut in the middle": says(OK[:-1], end=True),
    "no HTTP": says(b"hello there\r\n\r\n"),
    "too much": says(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 5000),
}


@pytest.mark.parametrize("talk", BROKEN.values(), ids=BROKEN)
async def test_without_a_whole_answer_it_may_have_been_taken(ours: Lines, talk: Talk) -> None:
    async with served(talk) as server:
        for number in (1, 2):
            with pytest.raises(Unanswered):
                await post(ours, server)
            assert len(server.heard) == number, "a line that broke is not used again, and nothing is said twice"


async def test_an_answer_that_comes_too_late_is_nobodys(ours: Lines) -> None:
    """The line on which somebody gave up waiting would tell the next who asks what the one before was told."""
    ours = Lines(0.3, 4096)
    late = asyncio.Event()

    async def talk(said: bytes, writer: asyncio.StreamWriter) -> None:
        if said.endswith(b"late"):
            await late.wait()
        writer.write(OK)

    async with served(talk) as server:
        await post(ours, server)
        try:
            with pytest.raises(Unanswered):
                await post(ours, server, b"late")
        finally:
            late.set()
        ours._seconds = 20.0
        await post(ours, server)
        assert [len(one) for one in server.heard] == [2, 1]
    ours.close()


async def test_a_line_that_lay_idle_for_long_is_not_trusted(ours: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(says(OK)) as server:
        await post(ours, server)
        monkeypatch.setattr(lines, "KEPT", -1.0)
        await post(ours, server)
        assert [len(one) for one in server.heard] == [1, 1]


async def test_where_nobody_listens_or_the_name_is_nobodys_nothing_can_have_been_taken(
    ours: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(says(OK)) as server:
        nobody = server.url
    with pytest.raises(Unreached):
        await ours.exchange("POST", nobody, {}, b"")
    with pytest.raises(Unreached):
        await ours.exchange("POST", URL("http://no-such-name.invalid/"), {}, b"")


async def test_who_speaks_no_tls_is_not_reached(ours: Lines) -> None:
    async with served(says(b"hello\r\n")) as server:
        with pytest.raises(Unreached):
            await ours.exchange("POST", server.url.with_scheme("https"), {}, b"secret")
        assert all(b"secret" not in b"".join(one) for one in server.heard)
