"""Twilio's Content API: templates made, handed in for WhatsApp's approval, asked after, deleted.

Its asynchronous client sends a new content as a form, which the API refuses (9.13.0); the other one is right, keeps its
timeout, and runs on a thread here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from settings import TWILIO_API

T = TypeVar("T")
TIMEOUT = 15.0
STATES = frozenset({"received", "pending", "approved", "rejected", "paused", "disabled"})


class Away(Exception):
    """The provider does not answer, in one line."""


class Unwilling(Exception):
    """The provider said no, in one line."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What WhatsApp says of one: a word of STATES, and why it was turned down."""

    state: str
    reason: str = ""


class Contents:
    """One account's templates. `token` is its secret, `api_url` the provider's own where none else is given."""

    def __init__(self, account: str, token: str, api_url: str = TWILIO_API) -> None:
        quiet = logging.getLogger("twilio.silent")
        self._client = Client(
            account, token, http_client=TwilioHttpClient(timeout=TIMEOUT, logger=quiet, max_retries=0)
        )
        if api_url != TWILIO_API:
            self._client.content.base_url = api_url

    async def create(
        self, *, name: str, code: str, body: str, samples: Mapping[str, str], buttons: Mapping[str, str]
    ) -> str:
        """Make one; `buttons` are titles by what a tap carries. Returns the provider's id."""
        made = ContentList.ContentCreateRequest(
            {
                "friendly_name": name,
                "language": code,
                "variables": dict(samples),
                "types": {
                    "twilio/quick-reply": {
                        "body": body,
                        "actions": [
                            {"type": "QUICK_REPLY", "title": title, "id": carried} for carried, title in buttons.items()
                        ],
                    }
                },
            }
        )
        content = await self._ask(lambda: self._client.content.v1.contents.create(made))
        return str(content.sid)

    async def submit(self, content: str, *, name: str, category: str) -> Approval:
        """Hand one in for WhatsApp's approval."""
        wanted = ApprovalCreateList.ContentApprovalRequest({"name": name, "category": category})
        given = await self._ask(lambda: self._client.content.v1.contents(content).approval_create.create(wanted))
        return _approval({"status": given.status, "rejection_reason": given.rejection_reason})

    async def fetch(self, content: str) -> Approval | None:
        """What became of one; None where the provider has it no more."""
        try:
            found = await self._ask(lambda: self._client.content.v1.contents(content).approval_fetch().fetch())
        except _Gone:
            return None
        return _approval(found.whatsapp or {})

    async def delete(self, content: str) -> None:
        """Take one away, also where it is gone already."""
        try:
            await self._ask(lambda: self._client.content.v1.contents(content).delete())
        except _Gone:
            return

    async def _ask(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(call)
        except TwilioRestException as refused:
            if refused.status == 404:
                raise _Gone(f"not found ({refused.code})") from None
            if refused.status >= 500 or refused.status == 429:
                raise Away(f"the provider has no time ({refused.status})") from None
            raise Unwilling(f"{' '.join(str(refused.msg).split())[:300]} ({refused.code})") from None
        except (RequestException, TwilioException, ValueError, TypeError) as broken:
            raise Away(f"the provider does not answer ({type(broken).__name__})") from None


class _Gone(Unwilling):
    pass


def _approval(said: Mapping[str, Any]) -> Approval:
    """A word that is not known is read as still open: what is not surely approved is never sent."""
    state = str(said.get("status") or "")
    return Approval(state if state in STATES else "pending", str(said.get("rejection_reason") or ""))
