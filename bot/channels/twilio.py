"""Twilio: SMS and WhatsApp. Reads its signed web hooks and receipts, sends one message, asks after one.

The account's SHA-256 shared keys (twilio 9.13) are not used here: the settings carry only the auth token, so a request
signed with a shared key does not verify and is refused like any other forgery.
"""

from __future__ import annotations

import hmac
import json
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from twilio.base.exceptions import TwilioException
from twilio.rest import Client

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
    Receipt,
    SendError,
    Sent,
    Unreadable,
)
from bot.parts import fields as read_fields
from bot.parts import file_type, point, unwrap, words
from bot.twilio_http import Http
from bot.twilio_signature import SID, is_cut_anew, other_port, sign
from bot.wire import Answered, Unanswered, Unreached, Wire
from flows.model import Media
from settings import TWILIO_API, Settings

FIELDS_MOST = 200  # real hooks have 15 to 40
MEDIA_MOST = 10
TIMEOUT = 10.0
TAKES_LATE = 50.0  # seconds after we stopped waiting in which it may still take a message; it says nowhere how many
CLOCKS_APART = timedelta(seconds=90)  # how far the provider's clock may be behind ours
GONE = frozenset({404, 410})  # what is not there any more was deleted
LIST_PAGE = 50  # messages to one person since a claim: far more than there can be

PHONE = r"\+[1-9][0-9]{4,14}"
# WhatsApp users may hide their number behind a user id such as PK.1234 or PK.ENT.1234 (from mid-2026).
USER_ID = r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}"
PERSON = re.compile(rf"{PHONE}|whatsapp:(?:{PHONE}|{USER_ID})")
# Its bucket, named in the path: where the name stands before the host, anybody's bucket can hold a folder of that name.
BUCKET = re.compile(
    r"s3(?:-external-1|\.dualstack)?(?:[.-][a-z]{2}(?:-[a-z]+)+-[0-9])?\.amazonaws\.com/media\.twiliocdn\.com/"
)
OURS = re.compile(rf"{PHONE}|whatsapp:{PHONE}|[0-9]{{3,8}}")
# Short codes and names: banks, operators and other robots.
SYSTEM = re.compile(r"[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 .&_+-]{1,15}")
# Who wrote what to whom is one thing: where these have two values, a person must look. Of others the last one counts.
ONE_VALUE = frozenset({"AccountSid", "Body", "From", "MessageSid", "MessageStatus", "To"})
NOTHING_TO_SAY = Answer(200, '<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")  # replies go by REST

_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
STATES: dict[str, str] = _TABLES["states"]
CODES: dict[str, tuple[Fate, float]] = {code: (fate, wait) for code, (fate, wait) in _TABLES["codes"].items()}
CLASSES: dict[str, tuple[Fate, float]] = {one: (fate, wait) for one, (fate, wait) in _TABLES["classes"].items()}


def meaning(code: str, status: int = 0) -> tuple[Fate, float]:
    """The fate of a code: its own, else that of its class. An answer has a `status`, a receipt has none."""
    classes = (str(status), f"{status // 100}xx", "other") if status else (f"{code[:-3]}xxx", "other")
    return CODES.get(code) or next(CLASSES[one] for one in classes if one in CLASSES)


class Twilio(Channel):
    """One account, which may have many numbers."""

    provider: ClassVar = "twilio"
    kinds: ClassVar = ("sms", "whatsapp")
    ours: ClassVar = rf"{PHONE}|[0-9]{{3,8}}"
    forgets: ClassVar = True
    codes: ClassVar = CODES

    def __init__(
        self, *, account: str, token: str, public_url: str, api_url: str = TWILIO_API, timeout: float = TIMEOUT
    ) -> None:
        if not account or not token:
            raise ValueError("an empty token would make every signature checkable by anybody")
        self._account = self.templates = account
        self._token = token
        self._public_url = public_url.rstrip("/")
        self._host = urlsplit(api_url).netloc if api_url != TWILIO_API else ""
        self._wire = Wire(timeout)
        self._client = Client(account, token, http_client=Http(self._wire))
        if api_url != TWILIO_API:
            for domain in (self._client.api, self._client.content, self._client.messaging):
                domain.base_url = api_url

    # ── set-up ───────────────────────────────────────────────────────────────────────────────────────────────────
    @classmethod
    def asks(cls, known: Mapping[str, str]) -> tuple[Ask, ...]:  # noqa: ARG003 - a channel has one shape
        return (
            Ask("account", "Account SID (AC and 32 hexadecimal digits)", pattern=r"AC[0-9a-fA-F]{32}"),
            Ask("token", "Auth token", secret=True),
            Ask("api_url", "Address of the API (none: Twilio's own)", pattern=r"https?://[^\s?#@]+", default=str),
        )

    @classmethod
    def environment(cls, settings: Settings) -> Mapping[str, str] | None:
        if not settings.twilio_account_sid:
            return None
        return {"account": settings.twilio_account_sid, "token": settings.twilio_auth_token}

    @classmethod
    def open(cls, account: Account) -> Twilio:
        return cls(
            account=account.values["account"],
            token=account.values["token"],
            public_url=account.settings.base_url,
            api_url=account.values.get("api_url") or account.settings.twilio_api_url,
        )

    async def probe(self) -> str:
        try:
            await self._client.api.accounts(self._account).fetch_async()
        except Answered as answer:
            if answer.status in {401, 403, 404}:
                return "the provider does not know this account with this token"
            return f"the provider answers with status {answer.status}"
        except Unreached:
            return "the provider cannot be reached"
        except (Unanswered, TwilioException, ValueError, TypeError):
            return "the provider does not answer"
        return ""

    async def reach(self) -> bool:
        try:
            await self._client.api.accounts(self._account).fetch_async()
        except Answered as answer:
            return answer.status < 500
        except (Unreached, Unanswered):
            return False
        except (TwilioException, ValueError, TypeError):
            return True  # an answer that is not understood is one
        return True

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def read(self, posted: Posted) -> Heard:
        """One message. See `Channel.read`."""
        fields = self._verify(posted)
        sid, sender, to = fields.get("MessageSid", ""), fields.get("From", ""), fields.get("To", "")
        # Our own number as sender is forged or misrouted: an answer would come back to us, and be answered, for ever.
        person = PERSON.fullmatch(sender) is not None and sender != to
        if not SID.fullmatch(sid) or not OURS.fullmatch(to) or not (person or sender == to or SYSTEM.fullmatch(sender)):
            raise Unreadable("ids")
        if sender.startswith("whatsapp:") != to.startswith("whatsapp:"):
            raise Unreadable("two channels")
        opt_out = fields.get("OptOutType", "").upper()
        message = Inbound(
            provider=self.provider,
            provider_id=sid,
            channel="whatsapp" if to.startswith("whatsapp:") else "sms",
            to=to.removeprefix("whatsapp:"),
            address=sender.removeprefix("whatsapp:"),
            text=_text(fields),
            choice=words(fields.get("ButtonPayload") or fields.get("ListId") or "")[:200],
            media=tuple(self._media(fields)),
            location=_location(fields),
            quotes=quoted if SID.fullmatch(quoted := fields.get("OriginalRepliedMessageSid", "")) else "",
            opt_out=opt_out if opt_out in {"STOP", "START", "HELP"} else "",  # type: ignore[arg-type]  # a set does not narrow
            system=not person,
            person=_user_id(sender) or _user_id(fields.get("ExternalUserId", "")) if to.startswith("whatsapp:") else "",
        )
        return Heard(messages=(message,), answer=NOTHING_TO_SAY)

    def read_receipt(self, posted: Posted) -> Heard:
        """One receipt; nothing where it is about no message of ours. See `Channel.read`."""
        fields = self._verify(posted)
        sid, state = fields.get("MessageSid", ""), STATES.get(fields.get("MessageStatus", ""))
        if not SID.fullmatch(sid):
            raise Unreadable("ids")
        query = dict(parse_qsl(posted.query))
        try:
            mid, attempt = UUID(query.get("mid", "")), int(query.get("n", "1"))
        except ValueError:
            return Heard(answer=Answer(204))
        if state is None or not 1 <= attempt < 2**31:
            return Heard(answer=Answer(204))
        code = fields.get("ErrorCode", "")
        code = code if re.fullmatch(r"[1-9][0-9]{0,5}", code) else ""
        fate, wait = meaning(code)
        receipt = Receipt(mid, attempt, sid, state, fate, wait, code)
        return Heard(receipts=(receipt,), answer=Answer(204))

    def _verify(self, posted: Posted) -> dict[str, str]:
        """The form's fields, once its signature is right. Raises `Forged`."""
        try:
            pairs = read_fields(posted.body.decode("latin-1"), FIELDS_MOST)  # blank ones are signed too
        except ValueError:
            raise Forged("too many fields") from None
        given = posted.headers.get("x-twilio-signature", "").encode("latin-1", "replace")
        url = self._public_url + posted.path + (f"?{posted.query}" if posted.query else "")
        if not (self._is_signed(url, pairs, given) or self._is_signed(other_port(url), pairs, given)):
            raise Forged("signature")
        if is_cut_anew(pairs):
            raise Forged("cut anew")
        fields = dict(pairs)
        if any(name in ONE_VALUE and value != fields[name] for name, value in pairs):
            raise Unreadable("a field twice")
        if fields.get("AccountSid") != self._account:
            raise Unreadable("account")
        return fields

    def _is_signed(self, url: str, pairs: list[tuple[str, str]], given: bytes) -> bool:
        return hmac.compare_digest(sign(self._token, url, pairs).encode(), given)

    def _media(self, fields: Mapping[str, str]) -> list[Media]:
        """The files that came, and those that cannot be fetched as such: nobody believes that these were kept."""
        named = fields.get("NumMedia", "")
        count = int(named) if re.fullmatch(r"[0-9]{1,3}", named) else 0
        found = []
        for index in range(min(count, MEDIA_MOST)):
            url, kind = fields.get(f"MediaUrl{index}", ""), file_type(fields.get(f"MediaContentType{index}", ""))
            there = self.may_fetch(url) and len(url) <= 2000
            found.append(Media(url, kind) if there else Media("", kind, "foreign"))
        return found if count <= MEDIA_MOST else [*found, Media("", "", "many")]

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────
    async def send(self, outbound: Outbound) -> Sent:
        """Send one message. Raises `SendError`."""
        prefix = "whatsapp:" if outbound.channel == "whatsapp" else ""
        callback = f"{outbound.door}/status?mid={outbound.id}"
        if outbound.attempt > 1:  # a late receipt of the first try must not be taken for one of the second
            callback += f"&n={outbound.attempt}"
        said = {"body": outbound.text}
        if outbound.template:
            said = {"content_sid": outbound.template, "content_variables": outbound.values}
        try:
            made = await self._client.messages.create_async(
                to=prefix + outbound.address, from_=prefix + outbound.sender, status_callback=callback, **said
            )
        except Answered as answer:
            raise _refusal(answer) from None
        except Unreached:
            raise SendError("away") from None
        except Unanswered as silent:
            raise SendError("unsure", TAKES_LATE if silent.given_up else 0.0) from None
        except (TwilioException, ValueError, TypeError):
            raise SendError("unsure") from None
        if not SID.fullmatch(str(made.sid)):
            raise SendError("unsure")
        return Sent(str(made.sid))

    async def find(self, outbound: Outbound, since: datetime) -> list[str]:
        """See `Channel.find`.

        The list can be asked by To and From only and does not say our callback address, so a message is known by
        direction, time and equal text. It is not asked by DateSent, which a message still queued there does not have.
        """
        prefix = "whatsapp:" if outbound.channel == "whatsapp" else ""
        try:
            messages = await self._client.messages.list_async(
                to=prefix + outbound.address, from_=prefix + outbound.sender, limit=LIST_PAGE, page_size=LIST_PAGE
            )
        except Answered as answer:
            raise _refusal(answer) from None
        except (Unreached, Unanswered, TwilioException, ValueError, TypeError):
            raise SendError("unsure") from None
        known = {outbound.text, ""} if outbound.values else {outbound.text}  # a template's message may show no text
        return [
            str(message.sid)
            for message in reversed(messages)  # Twilio lists the newest first
            if (message.body or "") in known
            and message.direction == "outbound-api"
            and isinstance(message.date_created, datetime)
            and message.date_created.astimezone(UTC) >= since - CLOCKS_APART
        ]

    async def fetch(self, url: str, most: int) -> bytes:
        """The bytes of a citizen's photo or voice note. Raises `Unfetched`."""
        return await self._wire.fetch(url, self._may_be_sent_to, most, auth=(self._account, self._token))

    async def erase(self, url: str) -> bool:
        """Ask the provider to delete its copy. False where it did not."""
        if not self.may_fetch(url):
            return False
        try:
            answer = await self._wire.request("DELETE", url, auth=(self._account, self._token))
        except Answered as answered:
            return answered.status in GONE
        except (Unreached, Unanswered):
            return False
        return answer.status in {200, 204}

    async def forget(self, provider_id: str) -> bool:
        """Delete a message with its words. False until it is final (error 20009), or where nobody answers."""
        if not SID.fullmatch(provider_id):
            return True  # no message of Twilio's
        try:
            return bool(await self._client.messages(provider_id).delete_async())
        except Answered as answered:
            return answered.status in GONE
        except (Unreached, Unanswered, TwilioException, ValueError, TypeError):
            return False

    def may_fetch(self, url: str) -> bool:
        """Whether a media address is the provider's own: anything else would make us fetch for a stranger."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            return False
        if self._host:
            return parts.scheme in {"http", "https"} and parts.netloc == self._host
        return parts.scheme == "https" and parts.netloc == host and host.endswith(".twilio.com")

    def _may_be_sent_to(self, url: str) -> bool:
        """Where the provider's own redirects lead: its storage, without our password."""
        if self.may_fetch(url):
            return True
        parts = urlsplit(url)
        if self._host or parts.scheme != "https":
            return False
        return parts.netloc.endswith(".twiliocdn.com") or BUCKET.match(parts.netloc + parts.path) is not None

    async def close(self) -> None:
        await self._wire.close()


def _text(fields: Mapping[str, str]) -> str:
    """What was typed, and the name and address of a location that was sent."""
    typed, *named = (words(fields.get(name, "")) for name in ("Body", "Label", "Address"))
    said = [word.strip() for word in (typed, *named) if word.strip()]
    return ", ".join(said) if any(named) else unwrap(typed)


def _user_id(named: str) -> str:
    """The id that a person keeps while they hide their number; "" for a number, and for what is none."""
    bare = named.removeprefix("whatsapp:")
    return bare if re.fullmatch(USER_ID, bare) else ""


def _location(fields: Mapping[str, str]) -> tuple[float, float] | None:
    try:
        return point(fields["Latitude"], fields["Longitude"])
    except (KeyError, ValueError):
        return None


def _refusal(answer: Answered) -> SendError:
    try:
        said: Any = json.loads(answer.body).get("code")
    except (ValueError, AttributeError):
        said = None
    code = str(said) if isinstance(said, int) and said else ""
    return SendError(*meaning(code, answer.status), code, answer.retry_after)
