"""An opened item as its reader sees it: what was said, what else is known, a file to keep. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from desk.files import FAULTS, TYPES
from flows.categories import CATEGORIES, current
from locales import ALL_LANGS, own_name
from locales.channels import CHANNELS
from store import vcards

HIDDEN = ("by", "at", "received_at", "contact_id", "kind")
# Facts that have a name of their own on the page (text key sealed.field.<name>); others are shown by their raw name.
NAMED = frozenset(
    {
        "category",
        "about",
        "chosen",
        "lang",
        "channel",
        "address",
        "place",
        "place_text",
        "may_message",
        "location",
        "refused",
    }
)
# Options that only decide the way are sealed as what it is "about"; they are told by the text that was chosen.
CHOSEN = {
    "nothing": "report.story.nothing",
    "same": "report.more.same",
    "new": "report.more.new",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known: its name, and its value as a text key, as names by language, or as it stands."""

    name: str
    key: str = ""
    names: dict[str, str] | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """One item of a sealed case, laid open."""

    kind: str
    at: datetime | None
    said: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    file: tuple[str, str] | None = None  # its name and its bytes in base64


def lay_out(
    item_id: UUID, kind: str, at: datetime | None, known: Mapping[str, Any], places: dict[str, dict[str, str]]
) -> Opened:
    """`places` are the district's places' names by id."""
    data = dict(known)
    words = data.pop("words", None) or []
    answers = data.pop("answers", None) or {}
    merged = {**data, **answers}
    said = [str(one["text"]) for one in (*words, merged) if isinstance(one, dict) and one.get("text")]
    said += [one for one in words if isinstance(one, str)]
    merged.pop("text", None)
    if merged.pop("lost", False):  # as it was called before it was known why
        merged["refused"] = "gone"
    file = None
    if "content" in merged:
        content_type = str(merged.pop("content_type", "")).partition(";")[0].strip().lower()
        file = (f"{str(item_id)[:8]}.{TYPES.get(content_type, 'bin')}", str(merged.pop("content")))
        if content_type == "text/vcard":
            said += filter(None, [vcards.read(base64.b64decode(file[1]))])
    facts = [_fact(name, value, places) for name, value in merged.items() if name not in HIDDEN and value is not None]
    facts += [
        _fact("location", one["location"], places) for one in words if isinstance(one, dict) and "location" in one
    ]
    return Opened(kind, at, said, facts, file)


def _fact(name: str, value: Any, places: dict[str, dict[str, str]]) -> Fact:
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
        case "refused", str() if value in FAULTS:
            fact = Fact(name, key=f"file.fault.{value}")
        case "location", [lat, lon]:
            fact = Fact(name, text=f"{lat}, {lon}")
        case _, bool():
            fact = Fact(name, key="sealed.yes" if value else "sealed.no")
    return fact
