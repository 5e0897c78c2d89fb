"""An opened item as its reader sees it: what was said, what else is known, what came as a file. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from cases.cards import CALLERS
from cases.thread import Said
from desk import files
from flows.categories import CATEGORIES, current
from locales import ALL_LANGS, own_name
from locales.channels import CHANNELS
from store import kinds, sounds, vcards

HIDDEN = ("by", "at", "received_at", "contact_id", "kind", "code", "codes", "accused", "referral", "provider", "spoke")
OF_FILE = ("content", "content_type", "refused", "lost")
# Facts that have a name of their own on the page (text key sealed.field.<name>); others are shown by their raw name.
NAMED = frozenset(
    {"category", "about", "chosen", "lang", "channel", "address", "place", "place_text", "may_message", "location"}
    | {"call", "hour", "until", "found", "heard", "safe_word"}
    | {"step", "provider_names", "provider_kind", "consent_who", "consent_how", "consent_on"}
)
# Options that only decide the way are sealed as what it is "about"; they are told by the text that was chosen.
CHOSEN = {
    "nothing": "report.story.nothing",
    "same": "report.more.same",
    "new": "report.more.new",
    "solved": "withdraw.solved",
    "unneeded": "withdraw.unneeded",
    "pressed": "withdraw.pressed",
    "silent": "withdraw.silent",
    "yes": "case.confirm_yes",
    "no": "case.confirm_no",
    "half": "case.confirm_half",
    "unknown": "case.confirm_unknown",
    "accept": "case.accept_yes",
    "higher": "case.accept_higher",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known: its name, and its value as a text key, as names by language, as a pin, or as it stands."""

    name: str
    key: str = ""
    names: dict[str, str] | None = None
    text: str = ""
    point: tuple[float, float] | None = None  # (lat, lon)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file as an opened item holds it; `content` is None where there was none to be had.

    What ordinary files have in their rows is reckoned from these bytes each time: a row would tell it to anybody.
    """

    id: UUID  # of its item
    kind: str
    content: bytes | None
    fault: str | None

    @property
    def state(self) -> str:
        return "failed" if self.content is None else "kept"

    @property
    def bytes(self) -> int | None:
        return None if self.content is None else len(self.content)

    @property
    def seconds(self) -> float | None:
        return None if self.content is None else sounds.seconds(self.content, self.kind)

    @property
    def says(self) -> str:
        return "" if self.content is None or self.kind != "text/vcard" else vcards.read(self.content)


@dataclass(frozen=True, slots=True)
class Opened:
    """One item of a sealed case, laid open."""

    kind: str
    at: datetime | None
    said: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    file: files.Shown | None = None
    verb: str = ""  # of what the reporter was told: the act that it tells …
    lang: str = ""  # … the language that they read it in …
    outbox_id: UUID | None = None  # … and its message; None where none was sent

    @property
    def is_bare(self) -> bool:
        """A message that was nothing but a file, which is an item of its own without a time, and may come later."""
        return not (self.said or self.facts or self.file or self.kind == "unreadable")


def read_file(item_id: UUID, known: Mapping[str, Any]) -> SealedFile | None:
    """The file of an opened item, or why it has none; None for an item that is no file."""
    fault = known.get("refused") or ("gone" if known.get("lost") else None)  # before it was kept why
    if "content" not in known and fault is None:
        return None
    content = base64.b64decode(known["content"]) if "content" in known else None
    return SealedFile(item_id, kinds.plain(str(known.get("content_type", ""))), content, fault)


def lay_out(
    item_id: UUID, kind: str, at: datetime | None, known: Mapping[str, Any], places: dict[str, dict[str, str]]
) -> Opened:
    """`places` are the district's places' names by id."""
    if kind == "told":
        said_to = Said.from_json(known)
        return Opened(kind, at, [said_to.shown()], verb=said_to.verb, lang=said_to.lang, outbox_id=said_to.outbox_id)
    data = dict(known)
    words = data.pop("words", None) or []
    answers = data.pop("answers", None) or {}
    merged = {**data, **answers}
    said = [str(one["text"]) for one in (*words, merged) if isinstance(one, dict) and one.get("text")]
    said += [one for one in words if isinstance(one, str)]
    merged.pop("text", None)
    if any(isinstance(one, dict) and one.get("safe_word") for one in (*words, merged)):
        merged["safe_word"] = True  # that there is one; which, no page shows
    file = read_file(item_id, merged)
    if file is not None:
        merged = {name: value for name, value in merged.items() if name not in OF_FILE}
    call = merged.pop("call", None)
    if isinstance(call, dict):  # who sorts calls it "who", the phone itself "by"
        merged |= {"call": call.get("by") or call.get("who") or "any", "hour": call.get("hour") or None}
    facts = [_fact(name, value, places) for name, value in merged.items() if name not in HIDDEN and value is not None]
    facts += [
        _fact("location", one["location"], places) for one in words if isinstance(one, dict) and one.get("location")
    ]
    return Opened(kind, at, said, facts, files.tell(file, {item_id: file.says}) if file else None)


def _fact(name: str, value: Any, places: dict[str, dict[str, str]]) -> Fact:  # noqa: PLR0912 - one case a fact
    fact = Fact(name, text=str(value))
    match name, value:
        case "place" | "place_id", str() if value in places:
            fact = Fact("place", names=places[value])
        case "category", str() if current(value) in CATEGORIES:
            fact = Fact(name, key=f"category.{current(value)}")
        case "about", "service" | "person":
            fact = Fact(name, key=f"sealed.about.{value}")
        case "about", str() if value in CHOSEN:
            fact = Fact("chosen", key=CHOSEN[value])
        case "channel", str() if value in CHANNELS:
            fact = Fact(name, key=f"channel.{value}")
        case "lang", str() if value in ALL_LANGS:
            fact = Fact(name, text=own_name(value))
        case "call", str():
            fact = Fact(name, key=f"caller.{value if value in CALLERS else 'any'}")
        case "hour", "morning" | "noon" | "evening":
            fact = Fact(name, key=f"hour.{value}")
        case "found" | "heard", str():
            fact = Fact(name, key=f"sealed.{name}.{value}")
        case "step", str():
            fact = Fact(name, key=f"helping.step.{value}")
        case "provider_names", dict():
            fact = Fact(name, names=value)
        case "provider_kind", str():
            fact = Fact(name, key=f"provider.{value}")
        case "consent_who" | "consent_how", str():
            fact = Fact(name, key=f"consent.{name.removeprefix('consent_')}.{value}")
        case "location", [lat, lon]:
            fact = Fact(name, point=(lat, lon))
        case _, bool():
            fact = Fact(name, key="sealed.yes" if value else "sealed.no")
    return fact
