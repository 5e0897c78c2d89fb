"""A stateful stand-in for SMSGate on loopback: its server's API, and the telephone behind it that posts to us, signed.

    python -m tests.providers.gateway --port 8090

Written by the app's and its server's own sources, which bot/channels/gateway/presets/smsgate.toml names.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from aiohttp import web

from bot.channels import Fate, Posted
from locales.channels import sms_parts
from tests.providers.faults import Fault
from tests.providers.server import Server
from tests.providers.standin import NAME, PUBLIC_URL, Standin

USER, PASSWORD, SECRET, DEVICE = "A1B2C3", "the-app-shows-this", "the-phone-signs-with-this", "ffffffffceb0b1db00000"
OURS = "+923000000099"
EVENTS = {"sms:received", "sms:sent", "sms:delivered", "sms:failed", "sms:cancelled", "mms:downloaded", "system:ping"}
REASONS = {  # as the app words them
    "no service": "Send result: RESULT_ERROR_NO_SERVICE (Failed because service is currently unavailable)",
    "limit": "Send result: RESULT_ERROR_LIMIT_EXCEEDED (Failed because we reached the sending queue limit)",
    "generic": "Send result: RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)",
    "number": "sendSMS: Invalid phone number",
    "expired": "TTL expired",
    "no sim": "Can't send message: No SIMs found",
    "gone": "Delivery result from SC +923000000555: 67",
}


@dataclass
class Message:
    """One message in the server's ledger; `posted` is what was asked for."""

    id: str
    to: str
    text: str
    until: datetime | None
    posted: dict[str, Any]
    state: str = "Pending"
    error: str | None = None
    arrived: float = field(default_factory=time.monotonic)

    def resource(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "deviceId": DEVICE,
            "state": self.state,
            "isHashed": False,
            "isEncrypted": False,
            "recipients": [{"phoneNumber": self.to, "state": self.state, "error": self.error}],
            "states": {self.state: _stamp(datetime.now(UTC))},
        }


class FakeGateway(Server):
    """The server and the telephone. `messages` is what it has taken, in order; `faults` are used up one per POST."""

    def __init__(self, *, user: str = USER, password: str = PASSWORD, secret: str = SECRET, ours: str = OURS) -> None:
        self.user, self.password, self.secret, self.ours = user, password, secret, ours
        self.messages: dict[str, Message] = {}
        self.hooks: dict[str, dict[str, Any]] = {}
        self.faults: deque[Fault | None] = deque()
        self.offline = False  # the telephone is off: the server takes messages and keeps them
        self.clock = 0.0  # seconds by which the telephone's clock is wrong
        self.posts = 0
        self.asked: list[str] = []  # the ids of messages that were asked after

    @property
    def url(self) -> str:
        return f"{super().url}/3rdparty/v1"

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**20, middlewares=[self._let_in])
        app.router.add_post("/3rdparty/v1/messages", self._create)
        app.router.add_get("/3rdparty/v1/messages/{id}", self._state)
        app.router.add_get("/3rdparty/v1/webhooks", self._list_hooks)
        app.router.add_post("/3rdparty/v1/webhooks", self._put_hook)
        return app

    # ── the API ──────────────────────────────────────────────────────────────────────────────────────────────────
    @web.middleware
    async def _let_in(self, request: web.Request, handler: Any) -> web.StreamResponse:
        right = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if request.headers.get("Authorization") != right:
            return _error(401, "Unauthorized")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _create(self, request: web.Request) -> web.StreamResponse:
        self.posts += 1
        asked = await request.json()
        if wrong := _wrong(asked):
            return _error(400, wrong)
        if asked.get("deviceId", DEVICE) != DEVICE:
            return _error(400, "failed to select device: record not found")
        fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            if fault.take:
                self._take(asked)
            if fault.hang:
                await asyncio.sleep(fault.hang)
            if fault.cut:
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            if fault.status:
                words = "queue limits exceeded: too old pending message" if fault.status == 503 else "as told"
                return _error(fault.status, words, fault.retry_after)
        if asked.get("id") in self.messages:
            return _error(409, "message with the same ID already exists")
        return web.json_response(self._take(asked).resource(), status=202)

    def _take(self, asked: dict[str, Any]) -> Message:
        until = datetime.now(UTC) + timedelta(seconds=asked["ttl"]) if "ttl" in asked else None
        id_ = asked.get("id") or secrets.token_urlsafe(15)
        message = Message(id_, asked["phoneNumbers"][0], asked["textMessage"]["text"], until, asked)
        self.messages[id_] = message
        return message

    async def _state(self, request: web.Request) -> web.Response:
        self.asked.append(request.match_info["id"])
        message = self.messages.get(request.match_info["id"])
        return web.json_response(message.resource()) if message else _error(404, "message not found")

    async def _list_hooks(self, _: web.Request) -> web.Response:
        return web.json_response(list(self.hooks.values()))

    async def _put_hook(self, request: web.Request) -> web.Response:
        hook = await request.json()
        if hook["event"] not in EVENTS or not hook["url"].startswith("https://") or len(hook.get("id", "")) > 36:
            return _error(400, "invalid webhook")
        self.hooks[hook.setdefault("id", secrets.token_urlsafe(15))] = hook
        return web.json_response(hook, status=201)

    # ── the telephone ────────────────────────────────────────────────────────────────────────────────────────────
    def event(self, kind: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
        """One web hook's content, in the order that the app writes it in."""
        return {
            "deviceId": DEVICE,
            "event": kind,
            "id": secrets.token_urlsafe(15),
            "payload": payload,
            "webhookId": "LreFUt-Z3sSq0JufY9uWB",
        } | more

    def received(self, sender: str, text: str, **more: Any) -> dict[str, Any]:
        """An SMS that has come to the SIM; long ones come whole."""
        payload = {
            "message": text,
            "receivedAt": _stamp(datetime.now(UTC)),
            "messageId": hashlib.md5(f"{sender}{text}".encode()).hexdigest()[:8],  # noqa: S324 - as short as the app's
            "sender": sender,
            "recipient": self.ours,
            "simNumber": 1,
            "phoneNumber": sender,
        }
        return self.event("sms:received", payload | more)

    def receipt(self, id_: str, kind: str, reason: str = "") -> dict[str, Any]:
        """What has become of a message; `kind` is sent, delivered, failed or cancelled."""
        message = self.messages.get(id_)
        to = message.to if message else "+923000000001"
        payload = {
            f"{kind}At": _stamp(datetime.now(UTC)),
            "messageId": id_,
            "sender": self.ours,
            "recipient": to,
            "simNumber": 1,
            "phoneNumber": to,
        }
        if kind == "sent":
            payload["partsCount"] = len(sms_parts(message.text)) if message else 1
        if kind == "failed":
            payload["reason"] = REASONS.get(reason, reason)
        return self.event(f"sms:{kind}", payload)

    def ping(self) -> dict[str, Any]:
        check = {"description": "", "observedUnit": "percent", "observedValue": 94, "status": "pass"}
        health = {"checks": {"battery:level": check}, "releaseId": 1, "status": "pass", "version": "1.65.0"}
        return self.event("system:ping", {"health": health})

    def signed(self, said: Any, at: float | None = None) -> tuple[bytes, dict[str, str]]:
        """Body and headers, by the letter of the app's description."""
        body = said if isinstance(said, bytes) else json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        moment = str(int(time.time() + self.clock if at is None else at))
        mac = hmac.new(self.secret.encode(), digestmod=hashlib.sha256)
        mac.update(body)
        mac.update(moment.encode())
        return body, {
            "Content-Type": "application/json; charset=UTF-8",
            "User-Agent": "me.capcom.smsgateway/1.65.0",
            "X-Signature": mac.hexdigest(),
            "X-Timestamp": moment,
        }

    async def post(self, http: Any, said: Any, *, path: str = "/in/gateway/cupboard", at: float | None = None) -> int:
        """Post one signed web hook through an httpx client. Returns the status."""
        body, headers = self.signed(said, at)
        answer = await http.post(path, content=body, headers=headers)
        return int(answer.status_code)

    async def work(self, http: Any, outcome: str = "delivered", reason: str = "") -> list[str]:
        """The telephone sends all that waits for it, and posts the receipts to where it was told. Returns the texts."""
        if self.offline:
            return []
        done = []
        for message in [one for one in self.messages.values() if one.state == "Pending"]:
            late = message.until is not None and message.until < datetime.now(UTC)
            if outcome == "failed" or late:
                message.state, message.error = "Failed", REASONS.get("expired" if late else reason, reason)
                await self.tell(http, self.receipt(message.id, "failed", message.error))
                continue
            done.append(message.text)
            message.state = "Sent"
            await self.tell(http, self.receipt(message.id, "sent"))
            if outcome == "delivered":
                message.state = "Delivered"
                for _ in sms_parts(message.text):
                    await self.tell(http, self.receipt(message.id, "delivered"))
        return done

    async def tell(self, http: Any, said: dict[str, Any]) -> list[int]:
        """Post one event to every web hook that asks for its kind."""
        told = [urlsplit(hook["url"]).path for hook in self.hooks.values() if hook["event"] == said["event"]]
        return [await self.post(http, said, path=path) for path in told] if not self.offline else []

    def texts(self, to: str = "") -> list[str]:
        return [message.text for message in self.messages.values() if not to or message.to == to]


def _wrong(asked: dict[str, Any]) -> str:
    """What the server's own validation says of a message; "" if nothing."""
    rules: dict[str, bool] = {
        "id": len(asked.get("id", "")) <= 36,
        "textMessage": 1 <= len(asked.get("textMessage", {}).get("text", "")) <= 65535,
        "phoneNumbers": 1 <= len(asked.get("phoneNumbers", [])) <= 100,
        "ttl": "ttl" not in asked or (isinstance(asked["ttl"], int) and asked["ttl"] >= 5),
        "simNumber": "simNumber" not in asked or asked["simNumber"] in {1, 2, 3},
        "withDeliveryReport": isinstance(asked.get("withDeliveryReport"), bool),
    }
    known = {*rules, "deviceId"}
    return next((f"{name} is not valid" for name, right in rules.items() if not right), "") or next(
        (f"{name} is unknown" for name in asked if name not in known), ""
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone().isoformat(timespec="milliseconds")


def _error(status: int, message: str, retry_after: float | None = None) -> web.Response:
    headers = {"Retry-After": f"{retry_after:g}"} if retry_after is not None else {}
    return web.json_response({"message": message}, status=status, headers=headers)


class GatewayStandin(Standin):
    """The same for the contract test."""

    provider: ClassVar = "gateway"
    kind: ClassVar = "gateway"
    address: ClassVar = OURS
    states: ClassVar = ("sent", "delivered")
    lacks: ClassVar = {
        "choice": "an SMS carries words only",
        "place": "an SMS carries words only",
        "retry": "what the API refuses it refuses for good or for all; a telephone's failures come as receipts",
        "park": "SMS has no window",
        "never": "the API takes any number; a telephone's failures come as receipts",
        "opted_out": "nobody but us keeps who stopped",
    }

    def __init__(self) -> None:
        self.fake = FakeGateway()

    def __enter__(self) -> Self:
        self.fake.start()
        door = f"{PUBLIC_URL}/in/gateway/{NAME}"
        self.fake.hooks = {event: {"id": event, "url": door, "event": event} for event in EVENTS}
        return self

    def __exit__(self, *_: object) -> None:
        self.fake.stop()

    def values(self) -> dict[str, str]:
        return settings_of(self.fake)

    def posted(self, payload: Mapping[str, Any], path: str) -> Posted:
        body, headers = self.fake.signed(payload["json"])
        return Posted(path, "", {name.lower(): value for name, value in headers.items()}, body)

    def receipt(self, provider_id: str, state: str) -> Posted:
        return self.posted({"json": self.fake.receipt(provider_id, state)}, f"/in/gateway/{NAME}")

    def fail(self, fate: Fate) -> None:
        if fate == "away":
            self.fake.stop()
        else:
            self.fake.faults.append(FAULT_OF[fate])

    def texts(self) -> list[str]:
        return self.fake.texts()


def settings_of(fake: FakeGateway, **more: str) -> dict[str, str]:
    """The settings of a row for this telephone, as an operator would give them."""
    given = {"preset": "smsgate", "url": fake.url, "user": fake.user, "password": fake.password, "secret": fake.secret}
    return {**given, "device": "", "sim": "", "ping": "300", **more}


STANDIN = GatewayStandin
FAULT_OF: dict[Fate, Fault] = {
    "unsure": Fault(status=500),
    "later": Fault(status=429, retry_after=7),
    "refused": Fault(status=400),
    "stop": Fault(status=401),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for SMSGate's API on loopback.")
    parser.add_argument("--port", type=int, default=8090)
    fake = FakeGateway().start(parser.parse_args().port)
    print(f"url {fake.url} user {fake.user} password {fake.password} secret {fake.secret}", flush=True)  # noqa: T201 - a program of its own
    shown = 0
    try:
        while True:
            time.sleep(0.2)
            for message in list(fake.messages.values())[shown:]:
                print(f"{message.to} <- {fake.ours}\n{message.text}\n", flush=True)  # noqa: T201 - a program of its own
            shown = len(fake.messages)
    except KeyboardInterrupt:
        fake.stop()


if __name__ == "__main__":
    main()
