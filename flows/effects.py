"""What comes out of a step: where the conversation stands, one reply at most, and what the world must do. Pure.

Whoever does effects matches on their types: the type checker and a test know if one is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flows.model import Details, Item, Rating, Reply, Session


@dataclass(frozen=True, slots=True)
class KeepStory:
    """Words before any choice: a row in the sorting list under this code, clocks running."""

    code: str
    story: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class OpenCase:
    """An ordinary case. `kept`: the sorting row of this code becomes the case, its words and clocks with it."""

    code: str
    details: Details
    draft: bool = False
    kept: bool = False
    story: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Append:
    """More words for a case or a kept story of this phone."""

    code: str
    item: Item


@dataclass(frozen=True, slots=True)
class Amend:
    """Later answers to a case or a kept story of this phone; `finish` ends a draft."""

    code: str
    details: Details = Details()
    finish: bool = False


@dataclass(frozen=True, slots=True)
class Seal:
    """One item behind the protected door; the first of a code opens it.

    `kind` is what it answers: open, category, kind, place, story, message, more, call, or the name of a node.
    """

    code: str
    kind: str
    item: Item = Item()
    details: Details = Details()


@dataclass(frozen=True, slots=True)
class SealStory:
    """The kept story goes behind the protected door, with what was answered since."""

    code: str
    details: Details


@dataclass(frozen=True, slots=True)
class Forget:
    """The kept story is erased, for a trial line takes nothing protected."""

    code: str


@dataclass(frozen=True, slots=True)
class LookUp:
    """The answer comes back as a `found` event in the same transaction."""

    what: Literal["case", "facility"]
    code: str


@dataclass(frozen=True, slots=True)
class SetLanguage:
    """The contact's language from now on."""

    lang: str


@dataclass(frozen=True, slots=True)
class Consent:
    """A record. `all` granted lifts a stop."""

    topic: Literal["weekly", "all"]
    granted: bool
    method: Literal["word", "menu"]


@dataclass(frozen=True, slots=True)
class Verify:
    """The writer of a resolved case says whether it is done."""

    code: str
    fixed: bool


@dataclass(frozen=True, slots=True)
class Rate:
    """A finished scorecard."""

    rating: Rating


@dataclass(frozen=True, slots=True)
class CallPerson:
    """Somebody writes back: a row in the sorting list under a fresh code. `reason` is a node, `about` a code or ""."""

    code: str
    reason: str
    about: str = ""
    words: tuple[str, ...] = ()


Effect = (
    KeepStory
    | OpenCase
    | Append
    | Amend
    | Seal
    | SealStory
    | Forget
    | LookUp
    | SetLanguage
    | Consent
    | Verify
    | Rate
    | CallPerson
)


@dataclass(frozen=True, slots=True)
class Step:
    """What one event leads to."""

    session: Session
    reply: Reply | None
    effects: tuple[Effect, ...] = ()
    sealed: bool = False  # the words of this event went behind the protected door: keep no other copy
