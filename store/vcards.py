"""Contact cards read as words: names, organisations and numbers, a line for each card. Pure."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

BYTES_MOST = 256 * 1024  # a card is some hundred bytes; with its portrait some dozen kB
CARDS_MOST = 100
_VALUES_MOST, _LETTERS_MOST = 20, 200
# Beginning with a white space a line goes on with the one before; a quoted-printable one also after "=".
_FOLDED = re.compile(rb"=?\r?\n[ \t]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": " ", "N": " "}
_HIDDEN = re.compile("[\0-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "windows-1256": "cp1256", "iso-8859-1": "latin-1", "us-ascii": "ascii"}


@dataclass(slots=True)
class _Card:
    name: str = ""
    parts: str = ""  # of the name: family, given, …
    of: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)


def read(content: bytes) -> str:
    """The cards of a file in words: "Name (office): number, number" a line each. "" where it holds none."""
    return "\n".join(filter(None, map(_tell, _cards(content[:BYTES_MOST]))))


def _cards(content: bytes) -> Iterator[_Card]:
    card: _Card | None = None
    made = 0
    for name, value in _properties(content):
        if name == "BEGIN" and value.upper() == "VCARD":
            card = _Card()
        elif name == "END" and card is not None:
            yield card
            card, made = None, made + 1
            if made >= CARDS_MOST:
                return
        elif card is not None:
            _put(card, name, value)
    if card is not None:  # cut short: what it says stands
        yield card


def _put(card: _Card, name: str, value: str) -> None:
    said = _plain(value)
    match name:
        case "FN":
            card.name = card.name or said
        case "N":
            family, given, *others = [*_split(value), "", ""]
            card.parts = " ".join(filter(None, (given, *others[:1], family)))
        case "ORG" if len(card.of) < _VALUES_MOST:
            card.of += [", ".join(filter(None, _split(value)))]
        case "TITLE" | "ROLE" if said and len(card.of) < _VALUES_MOST:
            card.of.insert(0, said)
        case "TEL" if said and len(card.numbers) < _VALUES_MOST:
            number = re.sub(r"(?i)^tel:", "", said)
            if number not in card.numbers:
                card.numbers.append(number)


def _properties(content: bytes) -> Iterator[tuple[str, str]]:
    """(name, value) of each line, in one piece and in letters. Portraits and what else is no words are left out."""
    lines = iter(_FOLDED.sub(b"", content.removeprefix(b"\xef\xbb\xbf")).splitlines())
    for line in lines:
        head, _, raw = line.partition(b":")
        name, *marks = head.decode("ascii", "replace").upper().split(";")
        marked = [mark.rpartition("=")[2] for mark in marks]
        quoted = "QUOTED-PRINTABLE" in marked
        while quoted and raw.endswith(b"="):
            raw = raw[:-1] + next(lines, b"")
        charset = next((mark.partition("=")[2].lower() for mark in marks if mark.startswith("CHARSET=")), "utf-8")
        value = (quopri.decodestring(raw) if quoted else raw).decode(_CHARSETS.get(charset, "utf-8"), "replace")
        yield name.rpartition(".")[2].strip(), value  # `item1.TEL` is Apple's way


def _split(value: str) -> list[str]:
    return [_plain(part) for part in re.split(r"(?<!\\);", value)]


def _plain(value: str) -> str:
    spelt = _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), value)
    return " ".join(_HIDDEN.sub(" ", spelt).split())[:_LETTERS_MOST]


def _tell(card: _Card) -> str:
    who = card.name or card.parts
    of = "; ".join(filter(None, dict.fromkeys(card.of)))
    known = f"{who} ({of})" if who and of else who or of
    return ": ".join(filter(None, (known, ", ".join(card.numbers))))
