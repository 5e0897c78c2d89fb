"""One edition, many forms: a message for chat, a message for SMS within its budget, lines for the web. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import locales
from broadcast.edition import SECTIONS, Item, Names
from locales.channels import CHANNELS, sms_parts

Message = dict[str, Any]

MOST_PARTS = 3  # of an SMS edition: 201 signs of an Arabic script
MOST_LINES = 5  # of each section in a chat message; the web page shows all
BLANK: list[Any] = ["edition.line", {"line": " "}]  # a line that shows nothing: what is empty is not rendered at all


@dataclass(frozen=True, slots=True)
class Heading:
    """Whose edition this is, and until which day (ISO date)."""

    district: Names
    day: str

    @property
    def values(self) -> dict[str, Any]:
        return {"district": {"names": self.district}, "date": {"date": self.day}}


def compose(items: Sequence[Item], heading: Heading, lang: str, channel: str) -> Message:
    """The stored message (`{"says": …}`) for one language and kind of channel; the same for every reader of it.

    A line of somebody's own is in it only where it was typed in `lang`, and never in an SMS, which has no room.
    """
    if CHANNELS[channel].parts:
        return _short(items, heading, lang, channel)
    for most in range(MOST_LINES, 0, -1):
        message = _full(items, heading, lang, most)
        if len(locales.render(message, lang, channel).encode("utf-16-le")) // 2 <= CHANNELS[channel].body:
            break
    return message


def parts(message: Message, lang: str, channel: str = "sms") -> int:
    """How many SMS parts a message costs."""
    return len(sms_parts(locales.render(message, lang, channel)))


@dataclass(frozen=True, slots=True)
class Preview:
    """What readers of one language will get, and what it costs in SMS parts."""

    lang: str
    chat: str
    sms: str
    sms_parts: int

    @property
    def fits(self) -> bool:
        return self.sms_parts <= MOST_PARTS


def preview(items: Sequence[Item], heading: Heading, lang: str) -> Preview:
    chat = locales.render(compose(items, heading, lang, "whatsapp"), lang, "whatsapp")
    short = compose(items, heading, lang, "sms")
    return Preview(lang, chat, locales.render(short, lang, "sms"), parts(short, lang))


def previews(items: Sequence[Item], heading: Heading) -> list[Preview]:
    """One for each language citizens choose from, and English for staff."""
    return [preview(items, heading, lang) for lang in locales.ALL_LANGS]


def sections(items: Sequence[Item], lang: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """For the web: (section, [(line, own line or "")]) in reading order, empty sections left out."""
    found = []
    for section in SECTIONS:
        lines = [
            (locales.say(item["key"], lang, **item["values"]), item["line"] if item.get("line_lang") == lang else "")
            for item in items
            if item["section"] == section
        ]
        if lines:
            found.append((section, lines))
    return found


def _full(items: Sequence[Item], heading: Heading, lang: str, most: int) -> Message:
    says: list[list[Any]] = [["edition.title", heading.values]]
    for section in SECTIONS:
        chosen = [item for item in items if item["section"] == section][:most]
        if chosen:
            says += [BLANK, [f"edition.{section}", {}]]
        for item in chosen:
            says.append([item["key"], item["values"]])
            if item.get("line_lang") == lang:
                says.append(["edition.line", {"line": item["line"]}])
    says += [BLANK, ["edition.footer", {}]]
    return {"says": says}


def _short(items: Sequence[Item], heading: Heading, lang: str, channel: str) -> Message:
    """The fullest form that fits; the title and the way to end it always stay."""
    said, did, coming = _short_said(items), _short_did(items), _short_next(items)
    title, footer = ["edition.short.title", heading.values], ["edition.footer", {}]
    message: Message = {"says": [title, footer]}
    # Fewer subjects first; then no next, then no did: what people said is the last to go.
    attempts = [[line, did, coming] for line in said] + [[said[-1], did, None], [said[-1], None, None]]
    for lines in attempts:
        message = {"says": [title, *(line for line in lines if line), footer]}
        if parts(message, lang, channel) <= MOST_PARTS:
            break
    return message


def _short_said(items: Sequence[Item]) -> list[list[Any] | None]:
    """The most reported subjects: three, two, one. [None] where no subject is named."""
    named = [item["values"] for item in items if item["key"] == "edition.said.count"][:3]
    forms: list[list[Any] | None] = []
    for count in range(len(named), 0, -1):
        values = {f"{name}{at + 1}": named[at][name] for at in range(count) for name in ("category", "count")}
        forms.append([f"edition.short.said.{count}", values])
    return forms or [None]


# Which item speaks for a section in an SMS, the most telling first: its key and its short form's.
_DID = {
    "edition.did.total": "edition.short.did",
    "edition.did.total_few": "edition.short.did_few",
    "edition.did.kept": "edition.short.did.kept",
    "edition.did.kept_confirmed": "edition.short.did.kept_confirmed",
    "edition.did.count": "edition.did.count",
    "edition.did.line": "edition.short.did.line",
}
_NEXT = {
    "edition.next.late": "edition.short.late",
    "edition.next.line": "edition.short.next",
    "edition.next.dropped": "edition.short.dropped",
}


def _short_did(items: Sequence[Item]) -> list[Any] | None:
    return _first(items, _DID)


def _short_next(items: Sequence[Item]) -> list[Any] | None:
    return _first(items, _NEXT)


def _first(items: Sequence[Item], forms: dict[str, str]) -> list[Any] | None:
    for key, short in forms.items():
        for item in items:
            if item["key"] == key:
                return [short, item["values"]]
    return None
