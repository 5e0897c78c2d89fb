"""What may be said to a person who wrote longer ago than WhatsApp allows: texts to be approved, as a pure table.

They lie on lock screens of phones that are shared: none says what somebody wrote about.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locales import values as typed
from locales.catalogs import find
from locales.render import fill
from locales.values import Value

BODY_MOST = 1024  # UTF-16 units of a template's text
BUTTON_MOST = 20  # and of the title of its button
_FAULTS = (
    ("begins with a value", re.compile(r"^[^\w{]*\{\{")),
    ("ends with a value", re.compile(r"\}\}[^\w}]*$")),
    ("two values side by side", re.compile(r"\}\}\W*\{\{")),
)

# Our language -> the provider's code for it. It has none for Balochi and Brahui: their own texts stand under Urdu's.
# Pashto's is the one of Meta's list for Afghanistan; whether Twilio takes it, its answer to `templates sync` says.
CODES: dict[str, str] = {"ur": "ur", "ps": "ps_AF", "bal": "ur", "brh": "ur", "en": "en"}
BORROWED = frozenset({"bal", "brh"})  # which of them stand under another language's code

READ = "parked"  # what a tap on "read it" carries as its node; the flows know it as taps.WAITING


@dataclass(frozen=True, slots=True)
class Template:
    """One purpose: `needs` are its values in the order of their numbers, `buttons` (node, option, text key)."""

    text: str
    category: str  # the provider's: UTILITY | MARKETING
    needs: tuple[str, ...]
    buttons: tuple[tuple[str, str, str], ...] = ((READ, "read", "template.read"),)


TEMPLATES: dict[str, Template] = {
    "answer": Template("template.answer", "UTILITY", ("district",)),
    "acknowledged": Template("template.acknowledged", "UTILITY", ("date",)),
    "referred": Template("template.referred", "UTILITY", ("date",)),
    "done": Template(
        "template.done",
        "UTILITY",
        ("district",),
        (("verify.ask", "yes", "case.confirm_yes"), ("verify.ask", "no", "case.confirm_no")),
    ),
    "weekly": Template("template.weekly", "MARKETING", ("district", "date")),
    "news": Template("template.news", "UTILITY", ("district",)),
}
NEUTRAL = "news"
WEEKLY = "weekly"

# The text that a message begins with -> the template that says the same fact. Whatever else is owed is news.
STANDS_FOR: dict[str, str] = {
    "case.acknowledged": "acknowledged",
    "case.answered": "answer",
    "case.waits": "answer",
    "case.referred": "referred",
    "triage.answered": "answer",
}
ASKS = "case.confirm_yes"  # the option of a message that asks whether it is done

# What the people who approve it read in its places.
SAMPLES: dict[str, Value] = {"district": {"names": {"en": "Pishin", "ur": "پشین"}}, "date": {"date": "2026-12-01"}}


def choose(message: Mapping[str, Any], purpose: str) -> str:
    """The template that a stored message of this purpose may go out as."""
    if purpose == "edition":
        return WEEKLY
    if any(key == ASKS for _, key, *_ in message.get("options", ())):
        return "done"
    first = next((key for key, _ in message.get("says", ())), "")
    return STANDS_FOR.get(first, NEUTRAL)


def find_values(name: str, message: Mapping[str, Any], district: Mapping[str, str]) -> dict[str, Value] | None:
    """What a template says of a stored message; None where that lacks a value. `district` are its names."""
    given: dict[str, Value] = {"district": {"names": dict(district)}}
    for _, values in reversed(message.get("says", ())):
        given |= values
    needs = TEMPLATES[name].needs
    return {need: given[need] for need in needs} if all(need in given for need in needs) else None


def render(name: str, lang: str, values: Mapping[str, Value]) -> str:
    """The text as its reader gets it."""
    text = write_body(name, lang)
    for place, value in number(name, lang, values).items():
        text = text.replace(f"{{{{{place}}}}}", value)
    return text


def number(name: str, lang: str, values: Mapping[str, Value]) -> dict[str, str]:
    """The values as the provider fills them in: {"1": "Pishin"}, one line each."""
    return {
        str(place): " ".join(_write(values[need], lang).split()) or "-"
        for place, need in enumerate(TEMPLATES[name].needs, 1)
    }


def _write(value: Value, lang: str) -> str:
    return typed.write(value, lang, isolates=True, say=lambda key, reader, more: fill(key, reader, more, isolates=True))


def write_body(name: str, lang: str) -> str:
    """The text as it is handed in: `… {{1}} …`."""
    one = TEMPLATES[name]
    return find(one.text, lang).format_map({need: f"{{{{{place}}}}}" for place, need in enumerate(one.needs, 1)})


def write_buttons(name: str, lang: str) -> list[tuple[str, str, str]]:
    """(node, option, title) of each button."""
    return [(node, option, find(key, lang)) for node, option, key in TEMPLATES[name].buttons]


def digest(name: str, lang: str) -> str:
    """What the text that was handed in is known by: another text, title, category or code is another template."""
    whole = [write_body(name, lang), write_buttons(name, lang), TEMPLATES[name].category, CODES[lang]]
    return hashlib.sha256(json.dumps(whole, ensure_ascii=False).encode()).hexdigest()[:16]


def find_faults(name: str, lang: str) -> list[str]:
    """Why the provider would not take it, in words; [] if nothing is wrong."""
    body = write_body(name, lang)
    faults = []
    if _units(body) > BODY_MOST:
        faults.append(f"longer than {BODY_MOST}")
    faults += [fault for fault, shape in _FAULTS if shape.search(body)]
    faults += [
        f"title longer than {BUTTON_MOST}" for *_, title in write_buttons(name, lang) if _units(title) > BUTTON_MOST
    ]
    return faults


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
