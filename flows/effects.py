"""What comes out of a step: where the conversation stands, one reply at most, and what the world must do. Pure.

Whoever does effects matches on their types: the type checker and a test know if one is forgotten.
"""

from __future__ import annotations

from typing import Literal

from flows.model import Call, Details, Item, Rating, Reply, Session
from flows.shapes import shape

# What the writer of a case says to "is it done?" and to "do you accept it?".
Verdict = Literal["yes", "no", "half", "unknown", "accept", "higher"]


@shape(frozen=True, slots=True)
class KeepStory:
    """Words before any choice: a row in the sorting list under this code, clocks running.

    `about`: they are said to belong to something told before, whose number was not found.
    """

    code: str
    story: tuple[Item, ...]
    about: bool = False


@shape(frozen=True, slots=True)
class GiveCode:
    """This code is said to somebody whose report is not complete: from now on it opens "received"."""

    code: str


@shape(frozen=True, slots=True)
class OpenCase:
    """An ordinary case. `kept`: the sorting row of this code becomes the case, its words and clocks with it."""

    code: str
    details: Details
    draft: bool = False
    kept: bool = False
    story: tuple[Item, ...] = ()


@shape(frozen=True, slots=True)
class Append:
    """More words for the ordinary case or the kept story of this code; whoever sends the code may add to it."""

    code: str
    item: Item


@shape(frozen=True, slots=True)
class Amend:
    """Later answers to a case or a kept story of this phone; `finish` ends a draft."""

    code: str
    details: Details = Details()
    finish: bool = False


@shape(frozen=True, slots=True)
class Seal:
    """One item behind the protected door; the first of a code opens it. `drop`: the code is a drop's id.

    `kind` is what it answers: open, category, kind, place, story, message, more, call, or the name of a node.
    """

    code: str
    kind: str
    item: Item = Item()
    details: Details = Details()
    call: Call | None = None
    drop: bool = False


@shape(frozen=True, slots=True)
class SealStory:
    """The kept story goes behind the protected door, with what was answered since."""

    code: str
    details: Details


@shape(frozen=True, slots=True)
class Lock:
    """What was said before the protected door was found closed waits, locked, for the province's triage.

    `kept`: the sorting row of this code is locked, with what is here besides; else a new one is made under it.
    """

    code: str
    details: Details
    story: tuple[Item, ...] = ()
    kept: bool = False


@shape(frozen=True, slots=True)
class Forget:
    """The kept story is erased, for a trial line takes nothing protected."""

    code: str


@shape(frozen=True, slots=True)
class LookUp:
    """The answer comes back as a `found` event in the same transaction."""

    what: Literal["case", "facility"]
    code: str


@shape(frozen=True, slots=True)
class SetLanguage:
    """The contact's language from now on."""

    lang: str


@shape(frozen=True, slots=True)
class Consent:
    """A record. `all` granted lifts a stop."""

    topic: Literal["weekly", "all"]
    granted: bool
    method: Literal["word", "menu"]


@shape(frozen=True, slots=True)
class Verify:
    """Somebody says how a case ended: its writer, or from another phone whoever has its code."""

    code: str
    verdict: Verdict


@shape(frozen=True, slots=True)
class Withdraw:
    """Somebody wishes to take their case back. It moves nothing; `why` is "" until they were asked."""

    code: str
    why: str


@shape(frozen=True, slots=True)
class Settle:
    """What we asked of this person by ourselves is answered: it is no longer the last that was asked."""

    at: float


@shape(frozen=True, slots=True)
class Rate:
    """A finished scorecard."""

    rating: Rating


@shape(frozen=True, slots=True)
class CallPerson:
    """Somebody writes or calls: a row in the sorting list under a fresh code.

    `reason` is the node it was asked at, `about` a code or "", `call` when and by whom, if a call was asked for.
    """

    code: str
    reason: str
    about: str = ""
    words: tuple[str, ...] = ()
    call: Call | None = None


Effect = (
    KeepStory
    | GiveCode
    | OpenCase
    | Append
    | Amend
    | Seal
    | SealStory
    | Lock
    | Forget
    | LookUp
    | SetLanguage
    | Consent
    | Verify
    | Withdraw
    | Settle
    | Rate
    | CallPerson
)


@shape(frozen=True, slots=True)
class Step:
    """What one event leads to."""

    session: Session
    reply: Reply | None
    effects: tuple[Effect, ...] = ()
    sealed: bool = False  # the words of this event went behind the protected door: keep no other copy
    took: bool = False  # an answer of a report was taken: behind the door it is sealed, else the session may hold it
    replaces: bool = False  # the reply says what the one that is still held would have said
