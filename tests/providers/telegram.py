"""A stateful stand-in for Telegram's Bot API on loopback: takes messages and files, posts updates with their secret.

It answers by the letter of the Bot API's pages: forms, multipart forms and JSON alike, `{"ok": …}` around everything.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import aiohttp
from aiohttp import web

from bot.channels import Fate, Posted, telegram
from tests.providers.server import Server
from tests.providers.standin import NAME, PUBLIC_URL, Standin

BOT = 5550001
TOKEN = f"{BOT}:the-token-that-only-the-bot-has_01"
SECRET = "the-secret-of-the-web-hook"
USERNAME = "jawab_test_bot"
CITIZEN = 700000001
CANARY = "NAME CANARY"  # of every person here: it must be found nowhere
SECRET_HEADER = "x-telegram-bot-api-secret-token"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call that sends.

    `hang` is seconds of silence; `take` keeps the message all the same; `cut` drops the connection; `garbage` answers
    200 with something else.
    """

    status: int = 0
    description: str = ""
    retry_after: int = 0
    hang: float = 0.0
    take: bool = False
    cut: bool = False
    garbage: bool = False


BLOCKED = Fault(403, "Forbidden: bot was blocked by the user")
FLOOD = Fault(429, "Too Many Requests: retry after 7", 7)
BROKEN = Fault(502, "Bad Gateway")
FAULT_OF: dict[Fate, Fault] = {
    "unsure": BROKEN,
    "later": FLOOD,
    "park": Fault(403, "Forbidden: bot can't initiate conversation with a user"),
    "never": Fault(400, "Bad Request: chat not found"),
    "opted_out": BLOCKED,
    "refused": Fault(400, "Bad Request: message is too long"),
    "stop": Fault(401, "Unauthorized"),
}


@dataclass
class Taken:
    """One message in the ledger; `files` are those that came in a multipart form, by field."""

    chat_id: int
    text: str
    message_id: int
    fields: dict[str, str]
    content_type: str
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def buttons(self) -> list[tuple[str, str]]:
        """(what a tap carries, text) in order."""
        keyboard = json.loads(self.fields.get("reply_markup", "{}")).get("inline_keyboard", [])
        return [(button["callback_data"], button["text"]) for row in keyboard for button in row]


class FakeTelegram(Server):
    """The provider, with one bot. `faults` are used up one per message; None lets one through."""

    def __init__(self, *, token: str = TOKEN, secret: str = SECRET, door: str = "") -> None:
        self.token, self.secret = token, secret
        self.ledger: list[Taken] = []
        self.faults: deque[Fault | None] = deque()
        self.blocked: set[int] = set()
        self.files: dict[str, tuple[str, bytes]] = {}  # file_id -> path, bytes
        self.redirects: dict[str, str] = {}  # path of a file -> where it is said to be
        self.hook: dict[str, Any] = {"url": door, "has_custom_certificate": False, "pending_update_count": 0}
        self.calls: list[tuple[str, dict[str, Any]]] = []  # method, fields
        self._updates, self._messages = itertools.count(880000001), itertools.count(100)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        return app

    # ── the API ──────────────────────────────────────────────────────────────────────────────────────────────────
    async def _call(self, request: web.Request) -> web.StreamResponse:  # noqa: PLR0911 - one a method
        if request.match_info["token"] != self.token:
            return _no(401, "Unauthorized")
        fields, files = await _fields(request)
        method = request.match_info["method"]
        self.calls.append((method, fields))
        match method.lower():
            case "getme":
                return _ok({"id": BOT, "is_bot": True, "first_name": "Jawab", "username": USERNAME})
            case "getwebhookinfo":
                return _ok(self.hook)
            case "setwebhook":
                return self._set(fields)
            case "getfile":
                return self._file(fields["file_id"])
            case "sendmessage" | "senddocument" | "sendvoice":
                return await self._send(request, fields, files)
            case _:
                return _no(404, "Not Found: method not found")

    def _set(self, fields: dict[str, Any]) -> web.Response:
        if not fields["url"].startswith("https://"):
            return _no(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        self.secret = fields["secret_token"]
        self.hook |= {"url": fields["url"], "allowed_updates": fields["allowed_updates"]}
        return _ok(True)

    def _file(self, file_id: str) -> web.Response:
        if file_id not in self.files:
            return _no(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        path, content = self.files[file_id]
        if len(content) > 20 * 2**20:
            return _no(400, "Bad Request: file is too big")
        return _ok({"file_id": file_id, "file_unique_id": "u", "file_size": len(content), "file_path": path})

    async def _send(self, request: web.Request, fields: dict[str, Any], files: dict[str, bytes]) -> web.StreamResponse:
        fault = self.faults.popleft() if self.faults else None
        if int(fields["chat_id"]) in self.blocked:
            fault = BLOCKED
        if fault is None and (refusal := _refused(fields)) is not None:
            return refusal
        taken = None if fault and not fault.take else self._take(request, fields, files)
        if fault is not None:
            if fault.hang:
                await asyncio.sleep(fault.hang)
            if fault.cut:
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            if fault.garbage:
                return web.Response(text="<html>", content_type="text/html")
            if fault.status:
                return _no(fault.status, fault.description, fault.retry_after)
        taken = taken or self._take(request, fields, files)
        chat = {"id": taken.chat_id, "type": "private", "first_name": CANARY}
        sent = {"message_id": taken.message_id, "date": int(time.time()), "chat": chat, "text": taken.text}
        return _ok(sent)

    def _take(self, request: web.Request, fields: dict[str, Any], files: dict[str, bytes]) -> Taken:
        text = fields.get("text") or fields.get("caption", "")
        taken = Taken(int(fields["chat_id"]), text, next(self._messages), fields, request.content_type, files)
        self.ledger.append(taken)
        return taken

    async def _download(self, request: web.Request) -> web.Response:
        if request.match_info["path"] in self.redirects:
            return web.Response(status=307, headers={"Location": self.redirects[request.match_info["path"]]})
        for path, content in self.files.values():
            if request.match_info["token"] == self.token and path == request.match_info["path"]:
                return web.Response(body=content)
        return _no(404, "Not Found")

    # ── what Telegram posts to us ────────────────────────────────────────────────────────────────────────────────
    def message(self, text: str = "", chat: int = CITIZEN, **more: Any) -> dict[str, Any]:
        person = {"id": chat, "first_name": CANARY, "username": CANARY}
        said = {"text": text} if text else {}
        return {
            "update_id": next(self._updates),
            "message": {
                "message_id": next(self._messages),
                "from": {**person, "is_bot": False, "language_code": "ur"},
                "chat": {**person, "type": "private"},
                "date": int(time.time()),
                **said,
                **more,
            },
        }

    def tap(self, carried: str, chat: int = CITIZEN) -> dict[str, Any]:
        update = self.message("1 …", chat)
        message = update.pop("message")
        tapped = {"id": f"tap{update['update_id']}", "from": message["from"], "message": message, "data": carried}
        return {**update, "callback_query": tapped}

    def member(self, status: str, chat: int = CITIZEN, at: int = 0) -> dict[str, Any]:
        update = self.message("", chat)
        message = update.pop("message")
        user = {"id": BOT, "is_bot": True, "first_name": "Jawab"}
        (self.blocked.add if status == "kicked" else self.blocked.discard)(chat)
        return {
            **update,
            "my_chat_member": {
                "chat": message["chat"],
                "from": message["from"],
                "date": at or int(time.time()),
                "old_chat_member": {"user": user, "status": "kicked" if status == "member" else "member"},
                "new_chat_member": {"user": user, "status": status},
            },
        }

    async def post(self, target: Any, update: Mapping[str, Any], path: str = "/in/telegram") -> tuple[int, str]:
        """Post an update to an httpx client or to the address of a running server. Returns (status, body)."""
        body = json.dumps(update).encode()
        headers = {SECRET_HEADER: self.secret, "Content-Type": "application/json"}
        if isinstance(target, str):
            async with aiohttp.ClientSession() as http, http.post(target + path, data=body, headers=headers) as got:
                return got.status, await got.text()
        answer = await target.post(path, content=body, headers=headers)
        return answer.status_code, answer.text


async def _fields(request: web.Request) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Fields and files of a call, in whichever of the three ways it was made."""
    if request.content_type == "application/json":
        return dict(await request.json()), {}
    fields: dict[str, Any] = dict(request.query)
    files: dict[str, bytes] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[name] = value.file.read()
        else:
            fields[name] = value
    return fields, files


def _refused(fields: Mapping[str, Any]) -> web.Response | None:
    """What the Bot API refuses of a message by its own rules."""
    text = fields.get("text")
    if text is not None and not text.strip():
        return _no(400, "Bad Request: message text is empty")
    if text is not None and len(text.encode("utf-16-le")) // 2 > 4096:
        return _no(400, "Bad Request: message is too long")
    for row in json.loads(fields.get("reply_markup", "{}")).get("inline_keyboard", []):
        if any(not 1 <= len(button["callback_data"].encode()) <= 64 for button in row):
            return _no(400, "Bad Request: BUTTON_DATA_INVALID")
    return None


def _ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _no(status: int, description: str, retry_after: int = 0) -> web.Response:
    said: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if retry_after:
        said["parameters"] = {"retry_after": retry_after}
    return web.json_response(said, status=status)


class TelegramStandin(Standin):
    """The same for the contract test."""

    provider: ClassVar = "telegram"
    kind: ClassVar = "telegram"
    address: ClassVar = USERNAME
    citizen: ClassVar = str(CITIZEN)
    wrong: ClassVar = f"{BOT}:not-the-secret"
    lacks: ClassVar = dict.fromkeys(
        ("receipt", "failure", "receipts"), "Telegram does not tell whether a message arrived"
    ) | {"retry": "what it refuses it refuses for good, for all or for a time that it names"}

    def __init__(self) -> None:
        telegram.IMPORT_MOST = 100.0  # a machine that is tested is a busy one
        self.fake = FakeTelegram(door=f"{PUBLIC_URL}/in/telegram/{NAME}")

    def __enter__(self) -> Self:
        self.fake.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.fake.stop()

    def values(self) -> dict[str, str]:
        return {"token": TOKEN, "secret": SECRET, "api_url": self.fake.url}

    def posted(self, payload: Mapping[str, Any], path: str) -> Posted:
        return Posted(path, "", {SECRET_HEADER: SECRET}, json.dumps(payload["json"]).encode())

    def forged(self, real: Posted) -> Iterator[Posted]:
        """Whoever knows the secret is Telegram: nothing else of a request is signed."""
        for headers in ({}, {SECRET_HEADER: ""}, {SECRET_HEADER: SECRET[:-1]}, {SECRET_HEADER: f"{SECRET}x"}):
            yield dataclasses.replace(real, headers=headers)

    def fail(self, fate: Fate) -> None:
        if fate == "away":
            self.fake.stop()  # nobody listens: nothing can have been taken
        else:
            self.fake.faults.append(FAULT_OF[fate])

    def texts(self) -> list[str]:
        return [taken.text for taken in self.fake.ledger]


STANDIN = TelegramStandin
