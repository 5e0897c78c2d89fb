"""HTTP to a provider, with a deadline that holds and errors that keep what the provider said about waiting.

httpx costs four times the CPU at 64 sends at once (measured).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp

from bot.channels import Unfetched

CONNECTIONS = 256
ANSWER_MOST = 4 * 1024 * 1024  # a page of the Messages list is some 0.1 MB
REDIRECTS_MOST = 3
Allowed = Callable[[str], bool]  # may this address be asked?


class Answered(Exception):
    """The provider said no: HTTP status, what it said, and how long it asks us to wait (seconds)."""

    def __init__(self, status: int, body: str, retry_after: float | None) -> None:
        super().__init__(str(status))
        self.status = status
        self.body = body
        self.retry_after = retry_after


class Unreached(Exception):
    """No connection was made, so nothing can have been taken."""


class Unanswered(Exception):
    """The request went out and no whole answer came back in time: it may have been taken.

    Where we gave up waiting (`given_up`) it may still be taken; where the connection was cut, whatever happens has.
    """

    def __init__(self, reason: str, *, given_up: bool = False) -> None:
        super().__init__(reason)
        self.given_up = given_up


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer with a status below 400."""

    status: int
    body: str
    headers: Mapping[str, str]


class Wire:
    """One provider's connections. `timeout` is seconds for a whole exchange, connecting included."""

    def __init__(self, timeout: float) -> None:
        self._seconds = timeout
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Made at first use, since it belongs to the loop that runs then."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # A kept connection that the other side has just closed fails a POST in a way that may mean "taken":
                # ours are given up well before any server gives them up.
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=10),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._seconds, connect=self._seconds / 2),
            )
        return self._session

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | aiohttp.FormData | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Reply:
        """One exchange. Raises `Answered` on 4xx and 5xx, `Unreached` or `Unanswered` when there was no answer."""
        named = dict(headers or {})
        if auth is not None:
            named["Authorization"] = aiohttp.encode_basic_auth(*auth)
        try:
            async with (
                asyncio.timeout(self._seconds),  # aiohttp's own total does not cover every wait inside a connector
                self.session.request(
                    method,
                    url,
                    params=params,
                    data=body,
                    headers=named,
                    allow_redirects=False,  # a redirected POST would be a GET
                ) as answer,
            ):
                text = (await _whole(answer, ANSWER_MOST)).decode("utf-8", "replace")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreached(type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError, Unfetched) as error:
            raise Unanswered(type(error).__name__, given_up=isinstance(error, TimeoutError)) from None
        if answer.status >= 400:
            raise Answered(answer.status, text, _wait(answer.headers.get("Retry-After")))
        return Reply(answer.status, text, answer.headers)

    async def fetch(self, uri: str, allowed: Allowed, most: int, *, auth: tuple[str, str] | None = None) -> bytes:
        """A file of at most `most` bytes. The password goes to the first host only, and every host must be allowed.

        Raises `Unfetched`.
        """
        headers = {"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {}
        first = urlsplit(uri).netloc
        for _ in range(REDIRECTS_MOST + 1):
            if not allowed(uri):
                raise Unfetched("host not allowed", gone=True)
            try:
                async with (
                    asyncio.timeout(self._seconds * 6),  # 16 MB over a slow line
                    self.session.get(
                        uri,
                        headers=headers if urlsplit(uri).netloc == first else {},
                        allow_redirects=False,
                        timeout=aiohttp.ClientTimeout(total=self._seconds * 6, sock_read=self._seconds),
                    ) as answer,
                ):
                    if answer.status in {301, 302, 303, 307, 308} and "Location" in answer.headers:
                        uri = urljoin(uri, answer.headers["Location"])
                        continue
                    if answer.status != 200:
                        gone = answer.status in {400, 403, 404, 410}
                        raise Unfetched(f"status {answer.status}", gone=gone)
                    return await _whole(answer, most)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise Unfetched(type(error).__name__, gone=False) from None
        raise Unfetched("too many redirects", gone=True)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _whole(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, read to its end and refused beyond `most` bytes (what a length header says is not believed)."""
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > most:
            raise Unfetched("too large", gone=True, fault="size")
    return bytes(body)


def _wait(value: str | None) -> float | None:
    """Seconds of a Retry-After; its other form, a date, is read as "no time named"."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
