"""What a line of somebody's own may not carry out: phones, CNIC numbers, codes, addresses, names, who was hurt. Pure.

A net with known holes: it finds shapes, words of respect and those of data/withheld.yaml, not every name. The second
person is the other net.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import yaml

import locales
from flows import codes
from locales.places import tehsils

LONGEST = 200  # letters of one line: three SMS parts would be one line alone

# Words that stand before or after a person's name in what people type here, as matching keys (locales.fold).
# Offices are named by their post ("executive engineer"), which none of these is.
PERSON_WORDS = frozenset(
    locales.fold(word)
    for word in (
        *(
            "s/o",
            "d/o",
            "w/o",
            "mr",
            "mrs",
            "miss",
            "ms",
            "haji",
            "maulvi",
            "molvi",
            "sardar",
            "malik",
            "syed",
            "sayyid",
        ),
        *(
            "ولد",
            "بنت",
            "زوجہ",
            "بیوہ",
            "مسمی",
            "مسماۃ",
            "جناب",
            "محترمہ",
            "صاحب",
            "صاحبہ",
            "حاجی",
            "مولوی",
            "سردار",
            "ملک",
            "سید",
        ),
        *("زوی", "لور", "ښاغلی", "ښاغلې", "بی بی", "میر", "واجہ", "بانک", "ملا", "وڈیرہ"),
    )
)

_DATE = re.compile(r"(?<!\d)(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?!\d)")
_CNIC = re.compile(r"(?<!\d)\d{5}[ -]?\d{7}[ -]?\d(?!\d)")
_DIGITS = re.compile(r"\+?\d(?:[ .()\-]{0,2}\d){6,}")
_ADDRESS = re.compile(r"\S+@\S+|https?://\S+|www\.\S+", re.IGNORECASE)
_WORDS = re.compile(r"[^\W\d_]+(?:/[^\W\d_])?")
_TABLE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("data").joinpath("withheld.yaml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing that may not go out. `kind`: phone, cnic, code, address, name, victim, long."""

    kind: str
    found: str


def inspect(line: str, names: Iterable[str] = ()) -> list[Leak]:
    """Everything in a line that may not be published; `names` are people known to the house (its staff)."""
    text = locales.digits(line)
    findings = []
    if code := codes.find(text):
        findings.append(Leak("code", code))
    findings += [Leak("cnic", found[0]) for found in _CNIC.finditer(text)]
    rest = _CNIC.sub(" ", _DATE.sub(" ", text))
    findings += [Leak("phone", found[0].strip()) for found in _DIGITS.finditer(rest) if not code]
    findings += [Leak("address", found[0]) for found in _ADDRESS.finditer(text)]
    folded = f" {locales.fold(line)} "
    findings += [Leak("name", word) for word in _WORDS.findall(line) if locales.fold(word) in PERSON_WORDS]
    findings += [Leak("name", name) for name in names if name and f" {locales.fold(name)} " in folded]
    findings += [Leak("victim", word) for word in _withheld("victim") if f" {word} " in folded]
    findings += [Leak("name", name) for name in _names(folded)]
    if len(line) > LONGEST:
        findings.append(Leak("long", str(len(line))))
    return findings


def _names(folded: str) -> list[str]:
    """Parts of people's names in a folded line, where no name of a place holds them."""
    for place in _places():
        folded = folded.replace(f" {place} ", " · ")
    found = [name for name in _withheld("name") if f" {name} " in folded]
    beside = frozenset(_withheld("name_beside"))
    words = folded.split()
    return found + [f"{one} {other}" for one, other in pairwise(words) if {one, other} <= beside]


@cache
def _withheld(kind: str) -> tuple[str, ...]:
    """The matching keys of one list of the table."""
    words: Any = _TABLE[kind]
    listed = chain.from_iterable(words.values()) if isinstance(words, dict) else words
    return tuple(dict.fromkeys(locales.fold(word) for word in listed))


@cache
def _places() -> tuple[str, ...]:
    """Every way to write a district or tehsil, as matching keys, the longest first: some bear a person's name."""
    spelled = {
        locales.fold(name)
        for row in tehsils()
        for name in (row.district.replace("-", " "), *row.names.values(), *row.spellings)
    }
    return tuple(sorted(spelled - {""}, key=len, reverse=True))
