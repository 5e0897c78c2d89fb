"""Gateways: SMS through an Android phone or a local aggregator. What each speaks is data: a file of presets/ each."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import UUID

from bot.channels import (
    Account,
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
    is_answered,
)
from bot.channels.gateway.preset import PRESET, PRESETS, Event, Preset, Said, Words
from bot.parts import unwrap, words
from bot.wire import Answered, Reply, Unanswered, Unreached, Wire
from flows.model import Media
from locales.channels import sms_parts

TIMEOUT = 10.0
STAY_LEAST = 60  # seconds that a message is left to the phone at least
MEDIA_MOST = 10
SILENCES = 3  # signs of life that fail to come before silence is noticed
SILENT_LEAST = 900.0  # seconds
COUNTRY, MOBILE = "92", r"3[0-9]{9}"  # numbers without a country are Pakistan's, whose mobile ones begin with 3

EVENT = re.compile(r"[\w-]{1,64}")
OURS = re.compile(r"([0-9a-f]{32})(?:-([1-9][0-9]{0,2}))?")  # the outbox row, and which try of it where not the first
FILE = re.compile(r"(?:image|audio|video)/[\w.+-]{1,80}")


def _hmac_of_body_and_time(secret: str, body: bytes, moment: str) -> str:
    return hmac.digest(secret.encode(), body + moment.encode(), "sha256").hex()


PROOFS: Mapping[str, Callable[[str, bytes, str], str]] = {"hmac of body and time": _hmac_of_body_and_time}


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def whole(number: str) -> str:
    """A telephone that can be written to, as +923001234567; "" for names, short codes, landlines and free numbers.

    0300…, 92300…, 0092300… and +92300… are one, with spaces, dashes or brackets, in any digits.
    """
    if not re.fullmatch(r"[\d\s()+.-]{1,40}", number):
        return ""
    digits = "".join(str(int(sign)) for sign in number if sign.isdecimal())
    abroad = number.strip().startswith("+")
    if not abroad and digits.startswith("00"):
        digits, abroad = digits[2:], True
    if not abroad and not (digits.startswith(COUNTRY) and len(digits) > 10):
        digits = COUNTRY + digits.removeprefix("0")
    if digits.startswith(COUNTRY):
        mobile = re.fullmatch(f"{COUNTRY}0?({MOBILE})", digits)
        return f"+{COUNTRY}{mobile[1]}" if mobile else ""
    return f"+{digits}" if abroad and re.fullmatch(r"[1-9][0-9]{7,14}", digits) else ""


class Gateway(Channel):
    """One telephone, or one number at an aggregator: nothing of it is shared with another row."""

    provider: ClassVar = "gateway"
    kinds: ClassVar = ("gateway",)
    ours: ClassVar = r"\+[1-9][0-9]{7,14}"
    ids: ClassVar = "row"
    body_most: ClassVar = 2_000_000  # an MMS brings its pictures along

    def __init__(self, preset: Preset, account: Account, timeout: float = TIMEOUT) -> None:
        values = account.values
        self._preset = preset
        self._url = values["url"].rstrip("/")
        self._auth = values["user"], values["password"]
        self._secret = values["secret"]
        self._device = values.get("device", "")
        self._sim = int(values["sim"]) if values.get("sim") else None
        self._ping = float(values.get("ping") or 0)
        self._address = account.address
        self._door = account.door
        self._wire = Wire(timeout)

    # ── set-up ───────────────────────────────────────────────────────────────────────────────────────────────────
    @classmethod
    def asks(cls, known: Mapping[str, str]) -> tuple[Ask, ...]:
        preset = PRESETS.get(known.get("preset", ""))
        return (PRESET, *preset.asks) if preset else (PRESET,)

    @classmethod
    def open(cls, account: Account) -> Gateway:
        return cls(PRESETS[account.values["preset"]], account)

    async def probe(self) -> str:
        try:
            listed = _json(await self._ask("GET", self._preset.hooks.path))
        except SendError as error:
            return _told(error)
        there = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        names = self._preset.hooks.keys
        told = {one.get(names["event"]) for one in there if one.get(names["url"]) == self._door}
        missing = [event for event in self._preset.events if event not in told]
        return f"the telephone is not told to post here: {', '.join(missing)}" if missing else ""

    async def reach(self) -> bool:
        return await is_answered(self._ask("GET", self._preset.hooks.path))

    async def connect(self) -> str:
        """Tell the telephone where to post, once for each kind of event; told again it is the same."""
        place = hashlib.sha256(self._door.encode()).hexdigest()[:8]
        try:
            for event in self._preset.events:
                id_ = f"jawab-{place}-{event.replace(':', '-')}"
                await self._ask("POST", self._preset.hooks.path, self._preset.hooks.body, id=id_, event=event)
        except SendError as error:
            return _told(error)
        return ""

    def steps(self) -> tuple[str, ...]:
        return tuple(
            step.format(secret=self._secret, ping=f"{self._ping:.0f}", door=self._door) for step in self._preset.steps
        )

    @classmethod
    def silent_after(cls, values: Mapping[str, str]) -> float | None:
        ping = float(values.get("ping") or 0)
        return max(SILENCES * ping, SILENT_LEAST) if ping else None

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def read(self, posted: Posted) -> Heard:
        """One message, one receipt, or a sign of life. See `Channel.read`."""
        said, paths = self._verify(posted), self._preset.paths
        id_, event = _at(said, paths["id"]), self._preset.events.get(str(_at(said, paths["event"])))
        if not isinstance(id_, str) or not EVENT.fullmatch(id_):
            raise Unreadable("ids")
        if self._device and _at(said, paths["device"]) != self._device:
            raise Unreadable("another device of the account")
        sim = _at(said, paths["sim"])
        if event is None or (self._sim and sim is not None and sim != self._sim):
            return Heard()  # what comes to the other SIM of a telephone is private
        if event.what == "message":
            return Heard(messages=(self._message(said, id_, event),))
        return Heard(receipts=tuple(self._receipt(said, event)))

    def _verify(self, posted: Posted) -> Said:
        """The web hook's content, once its proof holds. Raises `Forged` or `Unreadable`."""
        proof = self._preset.proof
        given, moment = posted.headers.get(proof.signature, ""), posted.headers.get(proof.time, "")
        right = PROOFS[proof.scheme](self._secret, posted.body, moment)
        if not re.fullmatch(r"[0-9]{1,12}", moment):  # body and time are signed as one: they must be cut apart as made
            raise Forged("time")
        if not hmac.compare_digest(right.encode(), given.lower().encode("latin-1", "replace")):
            raise Forged("signature")
        # Rightly signed: an old request that somebody has kept, or a telephone whose clock is wrong. It signs anew at
        # every try, so the latter loses nothing once a person has set the clock.
        if abs(time.time() - int(moment)) > proof.apart:
            raise Unreadable("the telephone's clock is wrong, or an old request came again")
        try:
            said = json.loads(posted.body)
        except (ValueError, RecursionError):
            raise Unreadable("json") from None
        if not isinstance(said, dict):
            raise Unreadable("json")
        return said

    def _message(self, said: Said, id_: str, event: Event) -> Inbound:
        sender, text = _at(said, self._preset.paths["sender"]), _at(said, event.text)
        if not isinstance(sender, str | None) or not isinstance(text, str | None):
            raise Unreadable("sender or text")
        address = whole(sender or "")
        return Inbound(
            provider=self.provider,
            provider_id=id_,
            channel="gateway",
            to=self._address,
            address=address or words(sender or "")[:100],
            text=unwrap(words(text or "")),
            media=tuple(self._files(said, id_, event)),
            system=not address or address == whole(self._address),
        )

    def _files(self, said: Said, id_: str, event: Event) -> list[Media]:
        """Pictures of an MMS are noted and cannot be fetched: an operator hears that one was sent."""
        listed = _at(said, event.files) if event.files else None
        kinds = (
            [str(one.get("contentType")) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        )
        return [Media(f"{id_}:{n}", kind) for n, kind in enumerate(kinds) if FILE.fullmatch(kind)][:MEDIA_MOST]

    def _receipt(self, said: Said, event: Event) -> list[Receipt]:
        ours = _at(said, self._preset.paths["ours"])
        found = OURS.fullmatch(ours) if isinstance(ours, str) else None
        if event.what == "alive" or found is None:
            return []  # also of a text that somebody has sent by hand through the same account
        row, attempt = UUID(found[1]), int(found[2] or 1)
        if event.what != "failed":
            return [Receipt(row, attempt, found[0], event.what)]
        fate, wait, code = _meaning(self._preset.reasons, str(_at(said, event.why))) or ("refused", 0.0, "unknown")
        return [Receipt(row, attempt, found[0], "failed", fate, wait, code)]

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────
    async def send(self, outbound: Outbound) -> Sent:
        """Send one message. Raises `SendError`.

        It goes under an id of ours, so that a second try of the same is one message there. Only where the telephone has
        failed with it does it get a new id: that of the first try which has not ended so.
        """
        preset = self._preset
        if len(sms_parts(outbound.text)) > preset.parts_most:
            raise SendError("refused", code="too_long")
        for attempt in range(1, outbound.attempt + 1):
            id_ = _id(outbound.id, attempt)
            reply = await self._ask(
                "POST",
                preset.send.path,
                preset.send.body,
                but=preset.send.keys["known"],
                id=id_,
                to=outbound.address,
                text=outbound.text,
                seconds=self._stay(outbound.expires),
            )
            if reply is not None:
                if _at(_json(reply), preset.send.keys["id"]) != id_:
                    raise SendError("unsure", code="id")
                return Sent(id_)
            state = await self._state(id_)
            if state is None:
                raise SendError("unsure", code="known and unknown")
            if state not in preset.find.keys["ended"]:
                return Sent(id_)
        raise SendError("refused", code="every try has ended")

    async def find(self, outbound: Outbound, since: datetime) -> list[str]:  # noqa: ARG002 - the id is ours and needs no time
        """See `Channel.find`. Earlier tries that have failed are no longer this message."""
        found = []
        for attempt in range(1, outbound.attempt + 1):
            state = await self._state(_id(outbound.id, attempt))
            if state is not None and (attempt == outbound.attempt or state not in self._preset.find.keys["ended"]):
                found.append(_id(outbound.id, attempt))
        return found

    async def close(self) -> None:
        await self._wire.close()

    async def _state(self, id_: str) -> str | None:
        """What the gateway says of a message; None where it does not know it. Raises `SendError`."""
        find = self._preset.find
        reply = await self._ask("GET", find.path.replace("{id}", quote(id_)), but=find.keys["unknown"])
        return None if reply is None else str(_at(_json(reply), find.keys["state"]))

    async def _ask(self, method: str, path: str, body: Said | None = None, but: int = 0, **values: Any) -> Reply | None:
        """One exchange; None where the answer has the status `but`. Raises `SendError`."""
        values |= {"device": self._device, "sim": self._sim, "door": self._door}
        content = None if body is None else json.dumps(_filled(body, values), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            return await self._wire.request(method, self._url + path, body=content, headers=headers, auth=self._auth)
        except Answered as answer:
            if answer.status == but:
                return None
            raise self._refusal(answer) from None
        except Unreached:
            raise SendError("away", code="unreached") from None
        except (Unanswered, ValueError):
            raise SendError("unsure", code="unanswered") from None

    def _refusal(self, answer: Answered) -> SendError:
        """The fate of an answer: by its words, else by its status, else by the hundreds of that."""
        otherwise: tuple[Fate, float] = ("unsure" if answer.status >= 500 else "refused", 0.0)
        fate, wait = self._preset.statuses.get(answer.status, otherwise)
        if answer.status < 500 and (meant := _meaning(self._preset.refusals, answer.body)) is not None:
            fate, wait, _ = meant
        return SendError(fate, wait, str(answer.status), answer.retry_after)

    def _stay(self, expires: datetime | None) -> int:
        """Seconds that a message may wait at the gateway for its telephone."""
        left = (expires - datetime.now(UTC)).total_seconds() if expires is not None else self._preset.stay_most
        return int(min(max(left, STAY_LEAST), self._preset.stay_most))


def _told(error: SendError) -> str:
    """An error in one line for an operator."""
    what = {"unreached": "cannot be reached", "401": "does not know this user with this password"}
    return f"the gateway {what.get(error.code, f'does not answer as it should ({error.code})')}"


def _id(row: UUID, attempt: int) -> str:
    return row.hex if attempt == 1 else f"{row.hex}-{attempt}"


def _at(said: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for name in path.split("."):
        said = said.get(name) if isinstance(said, dict) else None
    return said


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    """A template with its `{name}`s filled in; a field whose value is empty is left out."""
    if isinstance(template, dict):
        filled = {name: _filled(inner, values) for name, inner in template.items()}
        return {name: value for name, value in filled.items() if value not in (None, "")}
    if isinstance(template, list):
        return [_filled(inner, values) for inner in template]
    if isinstance(template, str) and template.startswith("{") and template.endswith("}"):
        return values[template[1:-1]]
    return template


def _meaning(table: tuple[Words, ...], said: str) -> tuple[Fate, float, str] | None:
    for one in table:
        if found := one.words.search(said):
            return one.fate, one.wait, found[found.lastindex or 0]
    return None


def _json(reply: Reply | None) -> Any:
    try:
        return json.loads(reply.body) if reply is not None else None
    except (ValueError, RecursionError):
        return None
