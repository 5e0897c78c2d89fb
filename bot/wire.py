"""HTTP to a provider, with a deadline that holds and errors that keep what the provider said about waiting.

What is asked of a provider goes over lines of our own (see there why); a file, which may be large and led elsewhere,
through aiohttp.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from bot.channels import Unfetched
from bot.lines import Lines, Unanswered, Unreached

__all__ = ["Allowed", "Answered", "Reply", "Unanswered", "Unreached", "Wire"]

ANSWER_MOST = 4 * 1024 * 1024  # a page of the Messages list is some 0.1 MB
REDIRECTS_MOST = 3
EVERY = {"User-Agent": "jawab", "Accept": "*/*"}
Allowed = Callable[[str], bool]  # may this address be asked?


class Answered(Exception):
    """The provider said no: HTTP status, what it said, and how long it asks us to wait (seconds)."""

    def __init__(self, status: int, body: str, retry_after: float | None) -> None:
        super().__init__(str(status))
        self.status = status
        self.body = body
        self.retry_after = retry_after


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
        self._lines = Lines(timeout, ANSWER_MOST)
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Made at first use, since it belongs to the loop that runs then."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._seconds, connect=self._seconds / 2),
            )
        return self._session

    async def request(
        self,
        method: str,
        url: str | URL,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | aiohttp.FormData = b"",
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Reply:
        """One exchange; nothing is redirected. Raises `Answered` on 4xx and 5xx, `Unreached` or `Unanswered` when there
        was no answer.
        """
        named = {**EVERY, **(headers or {})}
        if auth is not None:
            named["Authorization"] = aiohttp.encode_basic_auth(*auth)
        if isinstance(body, aiohttp.FormData):
            form = body()
            named["Content-Type"], body = form.content_type, await form.as_bytes()
        there = URL(url)
        said = await self._lines.exchange(method, there.update_query(params) if params else there, named, body)
        text = said.body.decode("utf-8", "replace")
        if said.status >= 400:
            raise Answered(said.status, text, _wait(said.headers.get("retry-after")))
        return Reply(said.status, text, said.headers)

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
        self._lines.close()
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
