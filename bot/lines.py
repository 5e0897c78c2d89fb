"""Lines: kept connections to providers, each for one exchange at a time, read by the parser that also reads web hooks.

A client that can do everything costs twice as much as all else that is done for a message (measured). What a line can
do: HTTP/1.1, kept or closed, with a length, in chunks or until its end. Whether anything may have been taken is told
apart by whether a byte of the request was written.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import aiohappyeyeballs
import httptools
from yarl import URL

KEPT = (
    10.0  # seconds: a server that closes an idle line while a POST is on its way leaves it open whether that was taken
)
ATTEMPT = 0.25  # seconds until the next address of a name is tried too (RFC 8305)
Host = tuple[bool, str, int]  # whether by TLS, name, port


class Unreached(Exception):
    """No connection was made, so nothing can have been taken."""


class Unanswered(Exception):
    """The request went out and no whole answer came back in time: it may have been taken.

    Where we gave up waiting (`given_up`) it may still be taken; where the connection was cut, whatever happens has.
    """

    def __init__(self, reason: str, *, given_up: bool = False) -> None:
        super().__init__(reason)
        self.given_up = given_up


@dataclass(slots=True)
class Said:
    """A whole answer; the names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Line(asyncio.Protocol):
    """One connection. `ask` is called again only when the answer before is whole and `kept` is true."""

    def __init__(self, most: int) -> None:
        self.kept, self.since = True, 0.0
        self._most = most
        self._answer: asyncio.Future[Said] | None = None

    async def ask(self, request: bytes) -> Said:
        """Raises `Unanswered`."""
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._heard, self._whole_at_end = 0, False
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    @property
    def is_free(self) -> bool:
        """Whether it is open and owes no answer: one that nobody waits for any more may still come."""
        return self.kept and self._answer is not None and self._answer.done() and not self._answer.cancelled()

    def close(self) -> None:
        self.kept = False
        self._transport.close()

    # ── the transport's ──────────────────────────────────────────────────────────────────────────────────────────
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # what a TCP line gets
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # said without being asked
            return
        self._heard += len(data)
        if self._heard > self._most:
            self._fail("too large")
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(type(error).__name__)

    def connection_lost(self, _: Exception | None) -> None:
        if self._whole_at_end:
            self.on_message_complete()
        self._fail("closed")

    def _fail(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Unanswered(why))
        self.close()

    # ── the parser's ─────────────────────────────────────────────────────────────────────────────────────────────
    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # a second answer to one question

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._whole_at_end = not self._headers.keys() & {"content-length", "transfer-encoding"}

    def on_body(self, piece: bytes) -> None:
        self._body += piece

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # "go on": the answer itself follows
            self._headers.clear()
            return
        if not self._parser.should_keep_alive():
            self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Said(status, self._headers, bytes(self._body)))


class Lines:
    """Connections by host; the one that was given back last is used first."""

    def __init__(self, seconds: float, most: int) -> None:
        """`seconds` for a whole exchange, half of them for a connection; `most` bytes of an answer."""
        self._seconds, self._most = seconds, most
        self._idle: dict[Host, deque[Line]] = defaultdict(deque)

    async def exchange(self, method: str, url: URL, headers: Mapping[str, str], body: bytes) -> Said:
        """One request and its answer. Raises `Unreached` or `Unanswered`."""
        host = (url.scheme == "https", url.raw_host or "", url.port or 0)
        named = {"Host": url.host_port_subcomponent or "", **headers}
        if body or method == "POST":
            named["Content-Length"] = str(len(body))
        lines = [f"{method} {url.raw_path_qs} HTTP/1.1", *[f"{name}: {value}" for name, value in named.items()]]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header of two lines")
        line: Line | None = None
        try:
            async with asyncio.timeout(self._seconds):
                line = self._take(host) or await self._connect(*host)
                return await line.ask("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        except TimeoutError:
            raise (Unanswered("TimeoutError", given_up=True) if line else Unreached("TimeoutError")) from None
        finally:
            if line is not None:
                self._give_back(host, line)

    def close(self) -> None:
        for idle in self._idle.values():
            for line in idle:
                line.close()
        self._idle.clear()

    def _take(self, host: Host) -> Line | None:
        idle = self._idle[host]
        while idle:
            line = idle.pop()
            if line.kept and time.monotonic() - line.since < KEPT:
                return line
            line.close()
        return None

    def _give_back(self, host: Host, line: Line) -> None:
        idle, line.since = self._idle[host], time.monotonic()
        if line.is_free:
            idle.append(line)
        else:
            line.close()
        while idle and (not idle[0].kept or line.since - idle[0].since > KEPT):
            idle.popleft().close()

    async def _connect(self, tls: bool, name: str, port: int) -> Line:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds / 2):
                there = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
                opened = await aiohappyeyeballs.start_connection(there, happy_eyeballs_delay=ATTEMPT)
                _, line = await loop.create_connection(
                    lambda: Line(self._most),
                    sock=opened,
                    ssl=_context() if tls else None,
                    server_hostname=name if tls else None,
                )
        except OSError as error:  # TimeoutError too
            raise Unreached(type(error).__name__) from None
        return line


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
