"""The part of the stand-in for Twilio that keeps templates: made, handed in, decided, paused, deleted."""

from __future__ import annotations

import itertools
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

PLACE = re.compile(r"\{\{(\d+)\}\}")
# What a message with a template of this state is refused with; one that is approved is taken.
REFUSALS = {"rejected": 63040, "paused": 63041, "disabled": 63042}


@dataclass
class Content:
    """One template; `state` is what WhatsApp says of it, "unsubmitted" before it was handed in."""

    sid: str
    made: dict[str, Any]  # as it was posted
    state: str = "unsubmitted"
    reason: str = ""
    approval: dict[str, Any] = field(default_factory=dict)  # as it was handed in
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def body(self) -> str:
        return str(next(one["body"] for one in self.made["types"].values() if one))

    def write(self, values: dict[str, str]) -> str:
        """Its text with these values; KeyError where one is missing."""
        return PLACE.sub(lambda found: values[found[1]], self.body)

    def resource(self, account: str, url: str) -> dict[str, Any]:
        moment = self.at.strftime("%Y-%m-%dT%H:%M:%SZ")
        here = f"{url}/v1/Content/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": account,
            "friendly_name": self.made.get("friendly_name"),
            "language": self.made.get("language"),
            "variables": self.made.get("variables"),
            "types": {name: one for name, one in self.made["types"].items() if one},
            "date_created": moment,
            "date_updated": moment,
            "url": here,
            "links": {
                "approval_create": f"{here}/ApprovalRequests/whatsapp",
                "approval_fetch": f"{here}/ApprovalRequests",
            },
        }

    def whatsapp(self) -> dict[str, Any]:
        return {
            "name": self.approval.get("name", ""),
            "category": self.approval.get("category", ""),
            "content_type": next(name for name, one in self.made["types"].items() if one),
            "status": self.state,
            "rejection_reason": self.reason,
            "allow_category_change": True,
        }


class Contents:
    """Keeps templates for a server that knows its account, its address and who may ask."""

    account: str
    url: Any
    languages = frozenset({"ur", "en", "ps_AF"})  # codes that are known here

    def __init__(self) -> None:
        self.contents: dict[str, Content] = {}
        self.gone: list[str] = []
        self.away = False  # answers 503 to all of it
        self.heard: list[tuple[str, str, Any]] = []  # method, path, body
        self._made = itertools.count(1)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/Content", self._make)
        router.add_get("/v1/Content/{content}", self._show)
        router.add_delete("/v1/Content/{content}", self._drop)
        router.add_post("/v1/Content/{content}/ApprovalRequests/whatsapp", self._hand_in)
        router.add_get("/v1/Content/{content}/ApprovalRequests", self._look)

    def decide(self, state: str, reason: str = "", **which: str) -> int:
        """WhatsApp's people (or its machine) say so of every template that `which` describes. Returns of how many."""
        found = [one for one in self.contents.values() if which.items() <= one.made.items()]
        for one in found:
            one.state, one.reason = state, reason
        return len(found)

    def check(self, request: web.Request) -> web.Response | None:
        raise NotImplementedError

    def error(self, status: int, code: int, message: str) -> web.Response:
        raise NotImplementedError

    async def _begin(self, request: web.Request) -> web.Response | None:
        body = await request.json() if request.can_read_body else None
        self.heard.append((request.method, request.path, body))
        if self.away:
            return self.error(503, 20503, "Service unavailable")
        return self.check(request)

    async def _make(self, request: web.Request) -> web.Response:
        if (refusal := await self._begin(request)) is not None:
            return refusal
        made = await request.json()
        if made.get("language") not in self.languages:
            return self.error(400, 20001, "language is not supported")
        one = Content(f"HX{next(self._made):08x}{secrets.token_hex(12)}", made)
        self.contents[one.sid] = one
        return web.json_response(one.resource(self.account, self.url), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        refusal = await self._begin(request)
        one = self.contents.get(request.match_info["content"])
        if refusal is not None or one is None:
            return refusal or self.error(404, 20404, "not found")
        return web.json_response(one.resource(self.account, self.url))

    async def _drop(self, request: web.Request) -> web.Response:
        refusal = await self._begin(request)
        one = self.contents.pop(request.match_info["content"], None) if refusal is None else None
        if refusal is not None or one is None:
            return refusal or self.error(404, 20404, "not found")
        self.gone.append(one.sid)
        return web.Response(status=204)

    async def _hand_in(self, request: web.Request) -> web.Response:
        refusal = await self._begin(request)
        one = self.contents.get(request.match_info["content"])
        if refusal is not None or one is None:
            return refusal or self.error(404, 20404, "not found")
        one.approval, one.state = await request.json(), "received"
        return web.json_response(one.whatsapp(), status=201)

    async def _look(self, request: web.Request) -> web.Response:
        refusal = await self._begin(request)
        one = self.contents.get(request.match_info["content"])
        if refusal is not None or one is None:
            return refusal or self.error(404, 20404, "not found")
        said = {"sid": one.sid, "account_sid": self.account, "whatsapp": one.whatsapp()}
        return web.json_response(said | {"url": f"{self.url}{request.path}"})
