"""The signed roster as a text: whom it vouches for, whose signatures count, and what makes it none. No database.

{"format": "jawab roster 1", "version": 3, "demo": false, "needs": 1, "trustees": ["<Ed25519 public key>"],
 "people": [{"id": "<staff id>", "login": …, "person": "<name>", "office": "<office id>" | null, "key": "<X25519>"}]}

What is signed is this text with sorted keys and no spaces. Each roster names the trustees of the next one: so a
district begins with one of them, and has two of three later without anybody touching what was pinned.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from store.signatures import is_signed

FORMAT = "jawab roster 1"


class Unsound(ValueError):
    """Why a text is no roster, or not to be trusted: one line."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One protected handler: who it is, where they sit, and the key that is sealed to."""

    id: UUID
    login: str
    person: str
    office: UUID | None
    key: bytes


@dataclass(frozen=True, slots=True)
class Trust:
    """`needs` of these Ed25519 public keys must have signed."""

    trustees: tuple[bytes, ...]
    needs: int


@dataclass(frozen=True, slots=True)
class Roster:
    version: int
    demo: bool
    trust: Trust  # for the roster after this one
    people: tuple[Seat, ...]

    def write(self) -> str:
        """The text that is signed."""
        return _json(
            {
                "format": FORMAT,
                "version": self.version,
                "demo": self.demo,
                "needs": self.trust.needs,
                "trustees": [one.hex() for one in self.trust.trustees],
                "people": [
                    {
                        "id": str(one.id),
                        "login": one.login,
                        "person": one.person,
                        "office": None if one.office is None else str(one.office),
                        "key": one.key.hex(),
                    }
                    for one in self.people
                ],
            }
        )

    def seat(self, staff_id: UUID) -> Seat | None:
        return next((one for one in self.people if one.id == staff_id), None)


@dataclass(frozen=True, slots=True)
class Signed:
    """A roster's text with the signatures under it: {public key: signature}, hexadecimal."""

    text: str
    signatures: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: str) -> Signed:
        """What `write` wrote. Raises `Unsound`."""
        try:
            found = json.loads(file)
            return cls(_json(found["roster"]), {str(key): str(one) for key, one in found["signatures"].items()})
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Unsound("this file is no roster: make one with `jawab roster export`") from None

    def write(self) -> str:
        return json.dumps(
            {"roster": json.loads(self.text), "signatures": dict(self.signatures)}, ensure_ascii=False, indent=2
        )

    def accept(self, trust: Trust) -> Roster:
        """The roster, where enough of those who are trusted have signed it. Raises `Unsound`."""
        roster = read(self.text)
        signed = sum(
            is_signed(one, self.text.encode(), _hex(self.signatures.get(one.hex(), ""))) for one in trust.trustees
        )
        if signed < trust.needs:
            raise Unsound(
                f"this roster is signed by {signed} of the trustees that are pinned here, and needs {trust.needs}:"
                " `jawab roster sign`, with the right key"
            )
        return roster


def read(text: str) -> Roster:
    """A roster by its text. Raises `Unsound`: also where two people on it are one."""
    try:
        found: dict[str, Any] = json.loads(text)
        roster = Roster(
            version=int(found["version"]),
            demo=bool(found["demo"]),
            trust=Trust(tuple(bytes.fromhex(one) for one in found["trustees"]), int(found["needs"])),
            people=tuple(
                Seat(
                    UUID(one["id"]),
                    str(one["login"]),
                    str(one["person"]),
                    None if one["office"] is None else UUID(one["office"]),
                    bytes.fromhex(one["key"]),
                )
                for one in found["people"]
            ),
        )
        other = found["format"] != FORMAT
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unsound("this text is no roster") from None
    if other:
        raise Unsound(f"this roster is of another format than {FORMAT!r}")
    _check(roster)
    return roster


def walk(pinned: Trust, rows: Iterable[tuple[int, Signed]], *, demo: bool) -> tuple[Roster | None, list[int]]:
    """The roster in force, and the versions that hold nothing. Each is judged by the trustees of the one before."""
    standing: Roster | None = None
    trust, broken = pinned, []
    for version, signed in sorted(rows, key=lambda row: row[0]):
        try:
            roster = signed.accept(trust)
        except Unsound:
            broken.append(version)
            continue
        if (roster.version, roster.demo) != (version, demo):
            broken.append(version)
            continue
        standing, trust = roster, roster.trust
    return standing, broken


def _check(roster: Roster) -> None:
    trust = roster.trust
    if not 1 <= trust.needs <= len(set(trust.trustees)) or any(len(one) != 32 for one in trust.trustees):
        raise Unsound(f"{trust.needs} of {len(set(trust.trustees))} trustees cannot sign a roster")
    if any(len(one.key) != 32 for one in roster.people):
        raise Unsound("a key on this roster is none")
    for what, of in _SAME.items():
        seen: dict[Any, Seat] = {}
        for one in roster.people:
            other = seen.setdefault(of(one), one)
            if other is not one:
                raise Unsound(f"{other.login} and {one.login} are one on this roster: the same {what} twice")


_SAME: Mapping[str, Any] = {
    "login": lambda one: one.login,
    "row of staff": lambda one: one.id,
    "key": lambda one: one.key,
    "person": lambda one: " ".join(one.person.split()).casefold(),
}


def _json(thing: Any) -> str:
    return json.dumps(thing, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
