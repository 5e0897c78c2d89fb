"""How long a connection may take: whoever sends a request byte by byte, or never ends one, holds nothing for long.

uvicorn waits without end for the rest of a head or of a body, and for a reader who does not read. A thousand half-sent
requests from one machine would then be all the connections that a web process may have.
"""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain\r\n"
    b"content-length: 10\r\nconnection: close\r\n\r\nToo slow.\n"
)


class Patient(HttpToolsProtocol):
    """One connection with its deadlines, in seconds. A subclass may set others."""

    head = 6.0  # from the first byte of a request, or from the connection, to the end of its headers
    body = 10.0  # from there to the end of what was posted: 64 kB by the slowest mobile network that a desk is used on
    reader = 30.0  # without taking a byte of our answer

    _parting = False
    _late: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._wait(self.head)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._late is None:  # else the first request of its connection: its time runs already
            self._wait(self.head)

    def on_headers_complete(self) -> None:
        self._wait(self.body)
        super().on_headers_complete()
        if self._parting:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._forget()
        super().on_message_complete()

    def part(self) -> None:
        """Answer what is asked, and what is asked next, and keep the connection no longer."""
        self._parting = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        self._read_again()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read_again()
        self._stuck = self.loop.call_later(self.reader, self._abort)

    def resume_writing(self) -> None:
        self._read_again()
        super().resume_writing()

    def _wait(self, seconds: float) -> None:
        self._forget()
        self._late = self.loop.call_later(seconds, self._refuse)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _read_again(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _refuse(self) -> None:
        """Say why, unless an answer to this or an earlier request is on its way, and let go of the connection."""
        self._late = None
        if self.transport.is_closing():
            return
        answered = self.cycle is not None and self.cycle.response_started
        if not answered or not self.cycle.more_body:  # the second: it is the next request that does not come
            self.transport.write(TOO_SLOW)
        self.transport.close()

    def _abort(self) -> None:
        self.transport.abort()


def take_all_descriptors() -> None:
    """As many open connections as this machine lets us have: many have a soft limit of 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
