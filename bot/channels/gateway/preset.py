"""The shape of presets/*.toml: what a gateway asks for, how it proves itself, where things stand, what errors mean."""

from __future__ import annotations

import base64
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bot.channels import Ask, Fate

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of web hook: what it is, and the dotted paths where its own things stand."""

    what: Literal["message", "sent", "delivered", "failed", "alive"]
    text: str = ""
    files: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What some words of the gateway mean. The last group that matched, else all of it, is the code in our logs."""

    words: re.Pattern[str]
    fate: Fate
    wait: float


@dataclass(frozen=True, slots=True)
class Proof:
    """How a web hook shows that it was made by the gateway; headers in lower case, `apart` in seconds."""

    scheme: str
    signature: str
    time: str
    apart: float


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the gateway; `{…}` in path and body are filled in, and left out of the body where empty."""

    path: str
    body: Said
    keys: Mapping[str, Any]  # names in its answer, statuses and states that mean something


@dataclass(frozen=True, slots=True)
class Preset:
    says: str
    steps: tuple[str, ...]
    parts_most: int
    stay_most: int
    asks: tuple[Ask, ...]
    proof: Proof
    paths: Mapping[str, str]
    events: Mapping[str, Event]
    send: Call
    find: Call
    hooks: Call
    statuses: Mapping[int, tuple[Fate, float]]
    refusals: tuple[Words, ...]
    reasons: tuple[Words, ...]


def load(path: Path) -> Preset:
    """Read one file of presets/. Raises KeyError or TypeError where it is not what it must be."""
    given = tomllib.loads(path.read_text())
    return Preset(
        says=given["says"],
        steps=tuple(given["steps"]),
        parts_most=given["parts_most"],
        stay_most=given["stay_most"],
        asks=tuple(_ask(**one) for one in given["asks"]),
        proof=Proof(**given["proof"]),
        paths=given["paths"],
        events={name: Event(**one) for name, one in given["events"].items()},
        send=_call(given["send"]),
        find=_call(given["find"]),
        hooks=_call(given["hooks"]),
        statuses={int(status): (fate, wait) for status, (fate, wait) in given["statuses"].items()},
        refusals=tuple(_words(**one) for one in given["refusals"]),
        reasons=tuple(_words(**one) for one in given["reasons"]),
    )


def _ask(default: str | None = None, made: bool = False, **more: Any) -> Ask:
    return Ask(**more, default=make_secret if made else None if default is None else lambda: default)


def make_secret() -> str:
    """120 bits in small letters and digits, for fingers on a telephone."""
    return base64.b32encode(secrets.token_bytes(15)).decode().lower()


def _call(given: dict[str, Any]) -> Call:
    return Call(given.pop("path"), given.pop("body", {}), given)


def _words(words: str, fate: Fate, wait: float = 0.0) -> Words:
    return Words(re.compile(words), fate, wait)


PRESETS = {path.stem: load(path) for path in sorted((Path(__file__).parent / "presets").glob("*.toml"))}
PRESET = Ask(
    "preset", f"Which gateway: {', '.join(f'{k} ({v.says})' for k, v in PRESETS.items())}", pattern="|".join(PRESETS)
)
