"""What twilio's own client speaks through: our connections instead of its own."""

from __future__ import annotations

import logging
from urllib.parse import urlencode

from twilio.http import AsyncHttpClient
from twilio.http.response import Response

from bot.wire import Wire


class Http(AsyncHttpClient):  # type: ignore[misc]  # the package has no types
    """What twilio's client speaks through: its own ignores its timeout, keeps aiohttp's cap of 100 connections, drops
    `Retry-After` and writes addresses into the log at INFO (measured and read in 9.13.0)."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(logging.getLogger("twilio.silent"), True, None)
        self._wire = wire

    async def request(  # noqa: PLR0917 - the shape is twilio's
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - ours holds for every exchange
        allow_redirects: bool = False,  # noqa: ARG002 - nothing is redirected
    ) -> Response:
        named = dict(headers or {})
        body = None
        if data:  # aiohttp's own way to a form, ready for files, takes half as long again
            named["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(data, doseq=True).encode()
        plain = {name: str(value) for name, value in (params or {}).items() if value is not None}
        reply = await self._wire.request(method, uri, params=plain or None, body=body, headers=named, auth=auth)
        return Response(reply.status, reply.body, reply.headers)
