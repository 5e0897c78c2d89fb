"""Telegram: one bot. Reads its web hooks, sends one message with its buttons through aiogram, fetches one file.

aiogram is the transport of what is sent and nothing else: no dispatcher, no state of its own. Its import takes four
seconds of CPU and 120 MB (measured, 3.31), so it is made by the process that sends, at its first message, and no other.

Telegram has no receipts and cannot be asked what it took. Of people nothing but the id of their chat is kept.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import secrets
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from bot.channels import (
    Account,
    Answer,
    Ask,
    Channel,
    Fate,
    Forged,
    Heard,
    Inbound,
    Outbound,
    Posted,
    SendError,
    Sent,
    Stopped,
    Unfetched,
    Unreadable,
    is_answered,
)
from bot.parts import file_type, point, words
from bot.wire import Answered, Unanswered, Unreached, Wire
from flows.model import Media
from settings import Settings
from store import vcards

if TYPE_CHECKING:
    from aiogram import Bot

TIMEOUT = 10.0
IMPORT_MOST = 15.0  # seconds that a first send waits for aiogram: after that and its own it is still in no doubt
BUTTON_BYTES = 64  # what a button may carry
LATE = 10  # updates that wait at Telegram: more, and somebody should know
RECENT = timedelta(hours=1)  # an older error of the web hook has passed

TOKEN = r"([0-9]{1,20}):[A-Za-z0-9_-]{1,100}"  # noqa: S105 - what one looks like
SECRET = r"[A-Za-z0-9_-]{1,256}"  # noqa: S105 - Telegram's own rule
FILE = re.compile(
    r"telegram:([A-Za-z0-9_-]{1,200})"
)  # how a file is kept: by its id, since its address holds the token
PATH = re.compile(r"(?!.*\.\.)[\w-][\w./-]{0,200}")

# Kinds of update that are asked for. An edited message is none of them: what was read is not read again.
UPDATES = ("message", "callback_query", "my_chat_member")
# What a slash and one of these say, alone or with the name of the bot, is the universal word.
COMMAND = re.compile(
    r"/(start|stop|help|menu|back|language|status)(?:@\w{1,40})?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL
)
START_LINK = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what a link to the bot adds to /start: nobody's words

_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
CODES: dict[str, tuple[Fate, float]] = {code: (fate, wait) for code, (fate, wait) in _TABLES["codes"].items()}
FILES: dict[str, str] = _TABLES["files"]
WORDS: dict[str, list[str]] = _TABLES["words"]
NEWS = frozenset(_TABLES["news"]["kinds"])


class Telegram(Channel):
    """One bot."""

    provider: ClassVar = "telegram"
    kinds: ClassVar = ("telegram",)
    ours: ClassVar = r"[0-9]{3,20}|@?[A-Za-z][A-Za-z0-9_]{4,31}"  # the environment's bot by its number alone
    ids: ClassVar = "row"
    findable: ClassVar = False
    shows_buttons: ClassVar = True
    codes: ClassVar = CODES

    def __init__(
        self, *, token: str, secret: str, api_url: str, door: str, address: str = "", timeout: float = TIMEOUT
    ) -> None:
        known = re.fullmatch(TOKEN, token)
        if known is None or not re.fullmatch(SECRET, secret):
            raise ValueError("an empty secret would let anybody speak as Telegram")
        self._token = token
        self._secret = secret.encode()
        self._bot_id = known.group(1)
        self._address = address or self._bot_id
        self._door = door
        self._api = api_url.rstrip("/")
        self._wire = Wire(timeout)
        self._aiogram: Bot | None = None

    # ── set-up ───────────────────────────────────────────────────────────────────────────────────────────────────
    @classmethod
    def asks(cls, known: Mapping[str, str]) -> tuple[Ask, ...]:  # noqa: ARG003 - a channel has one shape
        return (
            Ask("token", "Token of the bot, as @BotFather gave it", secret=True, pattern=TOKEN),
            Ask(
                "secret",
                "Secret of the web hook (none: one is made)",
                secret=True,
                pattern=SECRET,
                default=lambda: secrets.token_urlsafe(32),
            ),
            Ask("api_url", "Address of the API (none: Telegram's own)", pattern=r"https?://[^\s?#@]+", default=str),
        )

    @classmethod
    def environment(cls, settings: Settings) -> Mapping[str, str] | None:
        if not settings.telegram_token:
            return None
        return {"token": settings.telegram_token, "secret": settings.telegram_secret}

    @classmethod
    def open(cls, account: Account) -> Telegram:
        return cls(
            token=account.values["token"],
            secret=account.values["secret"],
            api_url=account.values.get("api_url") or account.settings.telegram_api_url,
            door=account.door or f"{account.settings.base_url}/in/{cls.provider}",
            address=account.address,
        )

    async def connect(self) -> str:
        """Tell Telegram where our door is, and by which secret we know it."""
        hook = {"url": self._door, "secret_token": self._secret.decode(), "allowed_updates": UPDATES}
        try:
            await self._ask("setWebhook", **hook)
        except SendError as error:
            if error.code == "400":
                return f"Telegram does not take {self._door}: it posts to https only, on port 443, 80, 88 or 8443"
            return _why(error)
        return ""

    async def probe(self) -> str:
        """Whether Telegram knows the bot, and posts to our door."""
        try:
            bot, hook = await self._ask("getMe"), await self._ask("getWebhookInfo")
        except SendError as error:
            return _why(error)
        named = {str(bot.get("id")), str(bot.get("username")), f"@{bot.get('username')}"}
        if self._address not in named:
            return f"the token is that of @{bot.get('username')} ({bot.get('id')}), not of {self._address}"
        return _fault_of(hook, self._door, datetime.now(UTC))

    async def reach(self) -> bool:
        return await is_answered(self._ask("getMe"))

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def read(self, posted: Posted) -> Heard:
        """One update. See `Channel.read`."""
        given = posted.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._secret):
            raise Forged("secret")
        try:
            update = json.loads(posted.body)
            update_id = update["update_id"]
            if type(update_id) is not int:
                raise Unreadable("ids")
            if "message" in update:
                return self._read_message(update_id, update["message"])
            if "callback_query" in update:
                return self._read_tap(update_id, update["callback_query"])
            if "my_chat_member" in update:
                return self._read_member(update["my_chat_member"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            raise Unreadable("shape") from None
        return Heard()

    def _read_message(self, update_id: int, message: Mapping[str, Any]) -> Heard:
        if not _of_one_person(message["chat"]) or not NEWS.isdisjoint(message):
            return Heard()
        sender = message["from"]
        said = {
            "text": _text(message),
            "media": tuple(_files(message)),
            "location": _location(message),
            "system": sender.get("is_bot") is True or str(sender["id"]) == self._bot_id,
        }
        return Heard(messages=(self._inbound(update_id, _id(message["chat"]), **said),))

    def _read_tap(self, update_id: int, tap: Mapping[str, Any]) -> Heard:
        """A tapped button. The answer ends its waiting, whatever was under it."""
        ended = {"method": "answerCallbackQuery", "callback_query_id": str(tap["id"])}
        answer = Answer(200, json.dumps(ended), "application/json")
        carried = words(tap.get("data", ""))[:200]
        if not carried or not _of_one_person(tap.get("message", {}).get("chat", {})):
            return Heard(answer=answer)
        sender = tap["from"]
        message = self._inbound(update_id, _id(sender), choice=carried, system=sender.get("is_bot") is True)
        return Heard(messages=(message,), answer=answer)

    def _read_member(self, change: Mapping[str, Any]) -> Heard:
        """Blocked: nothing goes there any more. That they let us in again is no word: their next one lifts the stop."""
        if not _of_one_person(change["chat"]) or change["new_chat_member"]["status"] != "kicked":
            return Heard()
        at = datetime.fromtimestamp(change["date"] + 1, UTC)  # told in whole seconds
        return Heard(stops=(Stopped("telegram", self._address, _id(change["chat"]), at),))

    def _inbound(self, update_id: int, address: str, **said: Any) -> Inbound:
        # The numbers of updates are each bot's own, and another may follow this one at the same door.
        return Inbound(self.provider, f"{self._bot_id}:{update_id}", "telegram", self._address, address, **said)

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────
    async def send(self, outbound: Outbound) -> Sent:
        """Send one message, as plain text with a button under it for each option. Raises `SendError`."""
        if outbound.sender != self._address:  # another bot: to this one its people are all unknown
            raise SendError("stop", 900.0, "another bot")
        try:
            bot = await asyncio.wait_for(self._bot(), IMPORT_MOST)
        except TimeoutError:  # on a busy machine; it goes on meanwhile
            raise SendError("later", 5.0, "not ready") from None
        with _fates():
            keyboard = _keyboard(outbound.buttons)
            made = await bot.send_message(int(outbound.address), outbound.text, reply_markup=keyboard)
            # A message's id is unique in its chat only, and the chat's own is a person's.
            chat = hmac.digest(self._token.encode(), outbound.address.encode(), "sha256")[:8].hex()
            return Sent(f"{chat}:{made.message_id}")

    async def find(self, outbound: Outbound, since: datetime) -> list[str]:  # noqa: ARG002 - a channel has one shape
        """Nothing: a bot cannot ask what it has sent."""
        return []

    async def fetch(self, url: str, most: int) -> bytes:
        """The bytes of a citizen's photo or voice note. Raises `Unfetched`."""
        named = FILE.fullmatch(url)
        if named is None:
            raise Unfetched("no file of Telegram's", gone=True)
        try:
            file = await self._ask("getFile", file_id=named.group(1))
        except SendError as error:
            # "file is too big" (over 20 MB) stays so; an id may be "temporarily unavailable".
            large = error.code == "400 file is too big"
            raise Unfetched(error.code or error.fate, gone=large, fault="size" if large else "") from None
        path = str(file.get("file_path", ""))
        if not PATH.fullmatch(path):
            raise Unfetched("no path", gone=True)
        base = f"{self._api}/file/bot{self._token}/"
        return await self._wire.fetch(base + path, lambda uri: uri.startswith(base), most)

    async def erase(self, url: str) -> bool:  # noqa: ARG002 - a channel has one shape
        """Telegram keeps what people sent; to delete the message would take it out of their own chat too."""
        return False

    async def close(self) -> None:
        await self._wire.close()

    async def _bot(self) -> Bot:
        if self._aiogram is None:  # on a thread, since the others that send in this process go on meanwhile
            self._aiogram = await asyncio.to_thread(_make_bot, self._token, self._api, self._wire)
        return self._aiogram

    async def _ask(self, method: str, **fields: Any) -> Any:
        """What a method of the API answers, without aiogram. Raises `SendError`."""
        url, body = f"{self._api}/bot{self._token}/{method}", json.dumps(fields).encode()
        with _fates():
            reply = await self._wire.request("POST", url, body=body, headers={"Content-Type": "application/json"})
            return json.loads(reply.body)["result"]


# ── what an update says ──────────────────────────────────────────────────────────────────────────────────────────────
def _of_one_person(chat: Mapping[str, Any]) -> bool:
    """A group or channel reads along: nobody's matter is taken or answered there."""
    return chat.get("type") == "private"


def _id(person: Mapping[str, Any]) -> str:
    if type(person["id"]) is not int:
        raise TypeError("id")
    return str(person["id"])


def _text(message: Mapping[str, Any]) -> str:
    """What was typed, or stands under a file; what else was sent in the words it holds."""
    text = str(message.get("text") or message.get("caption") or "")
    if (command := COMMAND.fullmatch(text.strip())) is not None:
        word, rest = command.group(1).upper(), (command.group(2) or "").strip()
        if word == "START":  # with words of their own behind it these are what they came to say
            return word if not rest or START_LINK.fullmatch(rest) else words(rest)
        text = f"{word} {rest}".strip()
    text = text or vcards.read(str(message.get("contact", {}).get("vcard") or "").encode("utf-8", "replace"))
    for kind, names in WORDS.items():
        text = text or " ".join(str(message[kind][name]) for name in names if message.get(kind, {}).get(name))
    return words(text)


def _files(message: Mapping[str, Any]) -> list[Media]:
    if sizes := message.get("photo"):
        return [_file(max(sizes, key=lambda size: size["width"] * size["height"]), "image/jpeg")]
    for kind, otherwise in FILES.items():
        if kind in message:
            return [_file(message[kind], otherwise)]
    return []


def _file(file: Mapping[str, Any], otherwise: str) -> Media:
    url, kind = f"telegram:{file['file_id']}", str(file.get("mime_type") or otherwise)
    if not FILE.fullmatch(url):
        raise ValueError("file_id")
    return Media(url, file_type(kind))


def _location(message: Mapping[str, Any]) -> tuple[float, float] | None:
    there = message.get("location")
    return None if there is None else point(there["latitude"], there["longitude"])


# ── what Telegram answers ────────────────────────────────────────────────────────────────────────────────────────────
@contextmanager
def _fates() -> Iterator[None]:
    """What an exchange that failed means, as a `SendError`."""
    try:
        yield
    except Answered as answer:
        raise _refusal(answer) from None
    except Unreached:
        raise SendError("away") from None
    except (Unanswered, ValueError, KeyError, TypeError, AttributeError):
        raise SendError("unsure") from None


def _refusal(answer: Answered) -> SendError:
    """The fate of an answer: by status and sentence, else by status, else by the hundreds of that."""
    try:
        said = json.loads(answer.body)
        sentence, wait = str(said.get("description", "")).lower(), said.get("parameters", {}).get("retry_after")
    except (ValueError, AttributeError):
        sentence, wait = "", None
    status = str(answer.status)
    for code, (fate, seconds) in CODES.items():
        of, _, words = code.partition(" ")
        if of == status and words in sentence:
            named = float(wait) if type(wait) is int and wait > 0 else answer.retry_after
            return SendError(fate, seconds, code, named)
    return SendError("unsure" if answer.status >= 500 else "refused", code=status)


def _why(error: SendError) -> str:
    """Why Telegram could not be asked, in one line."""
    known = {"stop": "does not know a bot with this token", "away": "cannot be reached", "unsure": "does not answer"}
    return f"Telegram {known.get(error.fate) or f'refuses it ({error.code})'}"


def _fault_of(hook: Mapping[str, Any], door: str, now: datetime) -> str:
    """What is wrong with a web hook, in one line; "" if nothing."""
    if not hook.get("url"):
        return f"no web hook is set: it should be {door}"
    if hook["url"] != door:
        return f"the web hook is set to {hook['url']}, and should be {door}"
    if missing := set(UPDATES) - set(hook.get("allowed_updates") or UPDATES):
        return f"the web hook does not tell of {', '.join(sorted(missing))}"
    waiting = int(hook.get("pending_update_count", 0))
    if (last := hook.get("last_error_date")) and now - datetime.fromtimestamp(last, UTC) < RECENT:
        ago = int((now - datetime.fromtimestamp(last, UTC)).total_seconds() // 60)
        return f"{waiting} updates wait; {ago} minutes ago Telegram met: {hook.get('last_error_message', 'an error')}"
    return f"{waiting} updates wait" if waiting >= LATE else ""


# ── aiogram, imported by the process that sends ──────────────────────────────────────────────────────────────────────
def _make_bot(token: str, api_url: str, wire: Wire) -> Bot:
    """aiogram's client, speaking through our wire: its own lets a send hang for a minute, and cannot tell a connection
    that was never made from an answer that never came."""
    from aiogram import Bot  # noqa: PLC0415 - see the top of this file
    from aiogram.client.session.aiohttp import AiohttpSession  # noqa: PLC0415 - the same
    from aiogram.client.telegram import TelegramAPIServer  # noqa: PLC0415 - the same
    from aiogram.exceptions import AiogramError  # noqa: PLC0415 - the same
    from aiogram.methods import TelegramMethod  # noqa: PLC0415 - the same

    class Session(AiohttpSession):
        async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:  # noqa: ARG002, ASYNC109 - the wire's own holds for every exchange
            url = self.api.api_url(token=bot.token, method=method.__api_method__)
            reply = await wire.request("POST", url, body=self.build_form_data(bot, method))
            try:
                return self.check_response(bot, method, reply.status, reply.body).result
            except AiogramError:
                raise Unanswered("not what the API answers") from None

    return Bot(token, session=Session(api=TelegramAPIServer.from_base(api_url)))


def _keyboard(buttons: tuple[tuple[str, str], ...]) -> Any:
    """A button a row, since the texts are long; none where one could not carry what it must: digits do it too."""
    if not buttons or any(len(carried.encode()) > BUTTON_BYTES for carried, _ in buttons):
        return None
    from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup  # noqa: PLC0415 - see the top of this file

    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=text, callback_data=carried)] for carried, text in buttons]
    )
