"""A stateful stand-in for Twilio on loopback: takes messages, keeps a ledger, fails as it is told, calls back signed.

To run it alone: `python -m tests.providers.twilio --port 8089`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

from aiohttp import web

from bot.channels import Fate, Posted
from tests.providers.callbacks import Callbacks
from tests.providers.contents import REFUSALS, Contents
from tests.providers.faults import BROKEN, NO_SUCH_NUMBER, STOPPED, THROTTLED, WINDOW_SHUT, Fault, refused
from tests.providers.hooks import Hooks
from tests.providers.server import Server
from tests.providers.standin import PUBLIC_URL, Standin
from tests.providers.taken import Taken

ACCOUNT = "AC" + "a" * 32
TOKEN = "the-provider-signs-with-this"


class FakeTwilio(Server, Hooks, Contents):
    """The provider. `ledger` is what it has taken, in order; `faults` are used up one per POST of a message."""

    def __init__(self, *, account: str = ACCOUNT, token: str = TOKEN, delay: float = 0.0) -> None:
        Hooks.__init__(self, account, token)
        Contents.__init__(self)
        self.delay = delay  # seconds before every answer
        self.ledger: list[Taken] = []
        self.faults: deque[Fault | None] = deque()
        self.fault_for: Callable[[Mapping[str, str]], Fault | None] | None = None
        self.asked_fault: Fault | None = None  # of every question: the account, the list of messages
        self.posts = 0
        self.asked: list[dict[str, str]] = []  # queries of the Messages list
        self.media: dict[str, tuple[str, bytes]] = {}  # path -> content type, bytes
        self.redirects: dict[str, str] = {}  # path -> address
        self.callbacks: Callbacks | None = None  # None: nothing is told by itself of what was taken
        self.listeners: list[Callable[[Taken], object]] = []  # called on the server's own thread
        self.requests: list[tuple[str, str, Mapping[str, str]]] = []  # media requests: method, path, headers
        self.received: set[str] = set()  # ids of messages of citizens that it still has
        self._numbers = itertools.count(1)
        self._by_sid: dict[str, Taken] = {}

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**20)
        base = "/2010-04-01/Accounts/{account}"
        app.router.add_get(f"{base}.json", self._account)
        app.router.add_post(f"{base}/Messages.json", self._create)
        app.router.add_get(f"{base}/Messages.json", self._list)
        app.router.add_get(f"{base}/Messages/{{sid}}.json", self._fetch)
        app.router.add_delete(f"{base}/Messages/{{sid}}.json", self._delete)
        self.add_routes(app.router)
        app.router.add_get("/{path:.*}", self._media)
        app.router.add_delete("/{path:.*}", self._media)
        app.on_cleanup.append(self._end)
        return app

    async def _end(self, _: web.Application) -> None:
        if self.callbacks is not None:
            await self.callbacks.close()

    # ── the API ──────────────────────────────────────────────────────────────────────────────────────────────────
    async def _create(self, request: web.Request) -> web.StreamResponse:
        self.posts += 1
        if self.delay:
            await asyncio.sleep(self.delay)
        if (refusal := self._check(request)) is not None:
            return refusal
        form = {name: str(value) for name, value in (await request.post()).items()}
        if (refusal := self._fill(form) if form.get("ContentSid") else _read(form)) is not None:
            return refusal
        fault = self.fault_for(form) if self.fault_for else None
        if fault is None and self.faults:
            fault = self.faults.popleft()
        taken = None if fault and not fault.take else self._take(form)
        if fault is not None:
            if fault.hang:
                await asyncio.sleep(fault.hang)
            if fault.cut:
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            if fault.status:
                return _error(fault.status, fault.code, "as told", fault.retry_after)
        taken = taken or self._take(form)
        return web.json_response(taken.resource(self.account), status=201)

    def _fill(self, form: dict[str, str]) -> web.Response | None:
        """A message of a template gets its text; one that is not approved, or lacks a value, is not taken."""
        content = self.contents.get(form["ContentSid"])
        if content is None:
            return _error(400, 21655, "The ContentSid is invalid")
        if content.state != "approved":
            return _error(400, REFUSALS.get(content.state, 63016), "as the template stands")
        try:
            form["Body"] = content.write(json.loads(form.get("ContentVariables", "{}")))
        except (ValueError, KeyError):
            return _error(400, 21656, "The ContentVariables are invalid")
        return None

    def check(self, request: web.Request) -> web.Response | None:
        return self._check(request)

    def error(self, status: int, code: int, message: str) -> web.Response:
        return _error(status, code, message)

    def _take(self, form: dict[str, str]) -> Taken:
        sid = f"SM{next(self._numbers):08x}{secrets.token_hex(12)}"
        taken = Taken(
            sid=sid,
            to=form["To"],
            sender=form["From"],
            body=form["Body"],
            callback=form.get("StatusCallback", ""),
            at=datetime.now(UTC),
            form=form,
        )
        self.ledger.append(taken)
        self._by_sid[sid] = taken
        if self.callbacks is not None and taken.callback:
            self.callbacks.begin(taken)
        for listener in self.listeners:
            listener(taken)
        return taken

    async def _list(self, request: web.Request) -> web.Response:
        if (refusal := self._check(request) or await self._refuse_question()) is not None:
            return refusal
        query = dict(request.query)
        self.asked.append(query)
        day = query.get("DateSent", "")
        found = [
            taken
            for taken in reversed(self.ledger)
            if not taken.deleted
            and query.get("To") in {None, taken.to}
            and query.get("From") in {None, taken.sender}
            and (not day or (taken.status != "queued" and taken.at.date().isoformat() == day[:10]))
        ]
        size = min(int(query.get("PageSize", "50")), 1000)
        page = int(query.get("Page", "0"))
        shown = found[page * size : (page + 1) * size]
        base = f"/2010-04-01/Accounts/{self.account}/Messages.json"
        more = urlencode({**query, "Page": str(page + 1), "PageToken": "PA" + "0" * 4})
        return web.json_response(
            {
                "messages": [taken.resource(self.account) for taken in shown],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(len(shown) - 1, 0),
                "uri": base,
                "first_page_uri": base,
                "previous_page_uri": None,
                "next_page_uri": f"{base}?{more}" if len(found) > (page + 1) * size else None,
            }
        )

    async def _account(self, request: web.Request) -> web.Response:
        if (refusal := self._check(request) or await self._refuse_question()) is not None:
            return refusal
        return web.json_response({"sid": self.account, "status": "active", "type": "Full", "friendly_name": ""})

    async def _refuse_question(self) -> web.Response | None:
        fault = self.asked_fault
        if fault is None:
            return None
        if fault.hang:
            await asyncio.sleep(fault.hang)
        return _error(fault.status or 500, fault.code, "as told", fault.retry_after)

    async def _fetch(self, request: web.Request) -> web.Response:
        taken = self._by_sid.get(request.match_info["sid"])
        if (refusal := self._check(request)) is not None:
            return refusal
        if taken is None or taken.deleted:
            return _error(404, 20404, "not found")
        return web.json_response(taken.resource(self.account))

    async def _delete(self, request: web.Request) -> web.Response:
        taken = self._by_sid.get(request.match_info["sid"])
        if (refusal := self._check(request)) is not None:
            return refusal
        if request.match_info["sid"] in self.received:  # what came from a citizen is final at once
            self.received.remove(request.match_info["sid"])
            return web.Response(status=204)
        if taken is None or taken.deleted:
            return _error(404, 20404, "not found")
        if taken.status in {"queued", "sending"}:
            return _error(409, 20009, "not complete")
        taken.deleted = True
        return web.Response(status=204)

    async def _media(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path, dict(request.headers)))
        if request.path in self.redirects:
            return web.Response(status=307, headers={"Location": self.redirects[request.path]})
        if request.path not in self.media:
            return _error(404, 20404, "not found")
        if request.path.startswith("/2010-04-01/") and (refusal := self._check(request)) is not None:
            return refusal
        if request.method == "DELETE":
            del self.media[request.path]
            return web.Response(status=204)
        kind, content = self.media[request.path]
        return web.Response(body=content, content_type=kind)

    def _check(self, request: web.Request) -> web.Response | None:
        right = "Basic " + base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != right or request.match_info.get("account", self.account) != (
            self.account
        ):
            return _error(401, 20003, "Authenticate")
        return None

    # ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────────
    def to(self, address: str) -> list[Taken]:
        """What has been taken for one person, in order; with or without `whatsapp:`."""
        plain = address.removeprefix("whatsapp:")
        return [taken for taken in self.ledger if taken.to.removeprefix("whatsapp:") == plain]

    def bodies(self, address: str) -> list[str]:
        return [taken.body for taken in self.to(address)]

    async def wait_for(self, count: int, address: str = "", seconds: float = 10.0) -> list[Taken]:
        """Wait until `count` messages were taken (for `address`). Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while len(found := self.to(address) if address else list(self.ledger)) < count:  # noqa: ASYNC110 - another thread fills it
                await asyncio.sleep(0.01)
        return found

    def fail(self, *faults: Fault | None) -> None:
        """Use these up, one per POST of a message, in order; None lets one through."""
        self.faults.extend(faults)

    def fail_some(self, shares: Iterable[tuple[float, Fault]], seed: int) -> None:
        """Fail this share of all POSTs with each fault, at random from `seed`."""
        import random

        dice, table = random.Random(seed), list(shares)

        def choose(_: Mapping[str, str]) -> Fault | None:
            point = dice.random()
            for share, fault in table:
                if (point := point - share) < 0:
                    return fault
            return None

        self.fault_for = choose


class TwilioStandin(Standin):
    """The same for the contract test."""

    provider: ClassVar = "twilio"
    kind: ClassVar = "sms"

    def __init__(self) -> None:
        self.fake = FakeTwilio()

    def __enter__(self) -> Self:
        self.fake.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.fake.stop()

    def values(self) -> dict[str, str]:
        return {**self.recorded(), "api_url": self.fake.url}

    def recorded(self) -> dict[str, str]:
        return {"account": self.fake.account, "token": self.fake.token}

    def posted(self, payload: Mapping[str, Any], path: str) -> Posted:
        query = payload.get("query", "")
        body, headers = self.fake.signed(PUBLIC_URL + path + (f"?{query}" if query else ""), payload["fields"])
        return Posted(path, query, {name.lower(): value for name, value in headers.items()}, body)

    def receipt(self, provider_id: str, state: str) -> Posted:
        taken = self.fake._by_sid[provider_id]
        path, _, query = taken.callback.removeprefix(PUBLIC_URL).partition("?")
        return self.posted({"fields": self.fake.receipt(taken, state), "query": query}, path)

    def fail(self, fate: Fate) -> None:
        if fate == "away":
            self.fake.stop()  # nobody listens: nothing can have been taken
        else:
            self.fake.fail(FAULT_OF[fate])

    def texts(self) -> list[str]:
        return [taken.body for taken in self.fake.ledger]


STANDIN = TwilioStandin
FAULT_OF: dict[Fate, Fault] = {
    "retry": refused(30008),
    "unsure": BROKEN,
    "later": THROTTLED,
    "park": WINDOW_SHUT,
    "never": NO_SUCH_NUMBER,
    "opted_out": STOPPED,
    "refused": refused(30007),
    "stop": refused(20003, 401),
}


def _read(form: Mapping[str, str]) -> web.Response | None:
    missing = [name for name in ("To", "From", "Body") if not form.get(name)]
    if missing:
        return _error(400, 21604 if missing[0] == "To" else 21602, f"{missing[0]} is required")
    if len(form["Body"]) > 1600:
        return _error(400, 21617, "The message body is longer than 1600 characters")
    return None


def _error(status: int, code: int, message: str, retry_after: float | None = None) -> web.Response:
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    headers = {"Retry-After": f"{retry_after:g}"} if retry_after is not None else {}
    return web.json_response(body if code else {}, status=status, headers=headers)


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for Twilio's API on loopback.")
    parser.add_argument("--port", type=int, default=8089)
    parser.add_argument("--account", default=ACCOUNT)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    given = parser.parse_args()
    fake = FakeTwilio(account=given.account, token=given.token, delay=given.delay).start(given.port)
    print(f"JAWAB_TWILIO_API_URL={fake.url}")  # noqa: T201 - a program of its own
    print(f"JAWAB_TWILIO_ACCOUNT_SID={fake.account} JAWAB_TWILIO_AUTH_TOKEN={fake.token}", flush=True)  # noqa: T201 - a program of its own
    shown = 0
    try:
        while True:
            time.sleep(0.2)
            for taken in fake.ledger[shown:]:
                print(f"{taken.at:%H:%M:%S} {taken.to} <- {taken.sender}\n{taken.body}\n", flush=True)  # noqa: T201 - a program of its own
            shown = len(fake.ledger)
    except KeyboardInterrupt:
        fake.stop()


if __name__ == "__main__":
    main()
