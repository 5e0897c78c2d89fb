"""What the provider posts to us: signed messages and receipts, in the shape of Twilio's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.providers.taken import Taken


class Hooks:
    """Signs with the account's token, and posts to a running server or to an httpx client."""

    def __init__(self, account: str, token: str) -> None:
        self.account = account
        self.token = token

    def sign(self, url: str, params: Mapping[str, str]) -> str:
        """Written apart from the product's own: by the letter of Twilio's description."""
        text = url
        for name in sorted(params):
            text += name + params[name]
        return base64.b64encode(hmac.new(self.token.encode(), text.encode(), hashlib.sha1).digest()).decode()

    def signed(self, url: str, params: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a form that Twilio would post to `url`."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": self.sign(url, params),
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
            "User-Agent": "TwilioProxy/1.1",
        }
        return urlencode(params).encode(), headers

    def message(self, From: str, To: str, Body: str = "", **more: str) -> dict[str, str]:  # noqa: N803 - the provider's own names
        """The fields of one incoming message. `more` adds fields or replaces them."""
        sid = "SM" + secrets.token_hex(16)
        fields = {
            "ToCountry": "PK",
            "ToState": "",
            "ToCity": "",
            "ToZip": "",
            "FromCountry": "PK",
            "FromState": "",
            "FromCity": "",
            "FromZip": "",
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "SmsSid": sid,
            "SmsStatus": "received",
            "Body": Body,
            "To": To,
            "NumSegments": "1",
            "MessageSid": sid,
            "AccountSid": self.account,
            "From": From,
            "ApiVersion": "2010-04-01",
        }
        if From.startswith("whatsapp:"):
            fields |= {"ProfileName": "", "WaId": From.removeprefix("whatsapp:+"), "MessageType": "text"}
        fields |= more
        for name in ("SmsMessageSid", "SmsSid"):
            if "MessageSid" in more and name not in more:
                fields[name] = more["MessageSid"]
        return fields

    def receipt(self, taken: Taken, status: str, code: int = 0) -> dict[str, str]:
        """The fields of one status callback."""
        fields = {
            "MessageSid": taken.sid,
            "SmsSid": taken.sid,
            "MessageStatus": status,
            "SmsStatus": status,
            "To": taken.to,
            "From": taken.sender,
            "AccountSid": self.account,
            "ApiVersion": "2010-04-01",
        }
        return fields | ({"ErrorCode": str(code)} if code else {})

    async def webhook(
        self,
        target: Any,
        From: str,  # noqa: N803 - the provider's own names
        To: str,  # noqa: N803 - the provider's own names
        Body: str = "",  # noqa: N803 - the provider's own names
        *,
        public_url: str | None = None,
        path: str = "/in/twilio",
        **more: str,
    ) -> tuple[int, str]:
        """Post one signed message to `target`: an httpx client, or the address of a running server.

        It is signed for `public_url`, or for the target's own address. Returns (status, body).
        """
        return await self.post(target, path, self.message(From, To, Body, **more), public_url=public_url)

    async def callback(
        self, target: Any, taken: Taken, status: str, code: int = 0, *, public_url: str | None = None
    ) -> tuple[int, str]:
        """Post one signed receipt to the callback address that came with the message."""
        path = "/" + taken.callback.split("/", 3)[3]
        public = public_url or "/".join(taken.callback.split("/", 3)[:3])
        return await self.post(target, path, self.receipt(taken, status, code), public_url=public)

    async def post(
        self, target: Any, path: str, fields: Mapping[str, str], *, public_url: str | None = None
    ) -> tuple[int, str]:
        base = target.rstrip("/") if isinstance(target, str) else str(target.base_url).rstrip("/")
        body, headers = self.signed((public_url or base).rstrip("/") + path, fields)
        if isinstance(target, str):
            async with aiohttp.ClientSession() as session, session.post(base + path, data=body, headers=headers) as got:
                return got.status, await got.text()
        answer = await target.post(path, content=body, headers=headers)
        return answer.status_code, answer.text
