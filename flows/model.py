"""The shapes of a conversation: what goes into a step and what comes out of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

# A value is a literal, or says what it is so that one stored message exists in every language:
# {"key": …} a text, {"date": "2026-11-21"}, {"code": "4821773091542"}, {"names": {"en": …, "ur": …}}.
Value = str | int | dict[str, Any]
Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Say:
    """One text by its key, with the values to put into it. Never a sentence."""

    key: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer a citizen can give to a menu: by its digit, its word, or a tap."""

    id: str
    digit: str
    say: Say


@dataclass(frozen=True, slots=True)
class Reply:
    """One message back: its texts in order, then its numbered options."""

    says: tuple[Say, ...]
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """Something the world must do because of this turn; `kind` is one of EFFECTS."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Media:
    """A photo or voice note that came with a message: where it lies at the provider."""

    url: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place a citizen can pick: id, name by language and other spellings."""

    id: str
    names: dict[str, str]
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What a step may know of the world; the shell fills it in before the step."""

    at: float  # seconds since 1970, UTC
    code: str  # a fresh case code, 13 digits, used if this turn opens a case
    channel: str = "whatsapp"  # key into locales.channels.CHANNELS
    places: tuple[Place, ...] = ()
    cases: tuple[tuple[str, str], ...] = ()  # (code, status) of this phone's open ordinary cases, newest first
    confirm: str = ""  # code of a case whose "is it done?" was asked since this phone last wrote
    weekly: bool = False  # subscribed to the weekly update
    trial: bool = False  # a demo on a real line: say so, and take nothing protected
    round: dict[str, Any] | None = None  # the open scorecard round: {"id", "indicators": [text key, ...]}
    outside: tuple[tuple[dict[str, str], str], ...] = ()  # (names by language, phone) of bodies outside the district


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a conversation."""

    kind: Literal["message", "found", "quiet"]
    known: Known
    text: str = ""
    choice: str = ""  # the option id of a tapped button or row
    media: tuple[Media, ...] = ()
    location: tuple[float, float] | None = None
    found: dict[str, Any] = field(default_factory=dict)  # the answer to a look_up effect


@dataclass(frozen=True, slots=True)
class Session:
    """Where a conversation stands. Sealed answers are never in it."""

    flow: str = ""
    node: str = ""
    lang: str = ""  # "" until chosen
    answers: dict[str, Any] = field(default_factory=dict)
    trail: tuple[str, ...] = ()  # nodes to go Back to, oldest first, as "flow.node"
    misses: int = 0  # answers in a row that were not understood
    flows: str = ""  # fingerprint of the flows this session was written by
    quiet_after: int = 0  # seconds of silence after which a "quiet" event is due; 0 = never


@dataclass(frozen=True, slots=True)
class Step:
    """What one event leads to."""

    session: Session
    reply: Reply | None
    effects: tuple[Effect, ...] = ()
    sealed: bool = False  # the words of this event went behind the protected door: keep no other copy


# An item of a story, JSON as it stands: {"text"?: str, "media"?: [{"url", "content_type"}], "location"?: [lat, lon]}.
Item = dict[str, Any]

# Every effect a flow may ask for, and the data it carries. intake must handle each; a test compares the two.
# What is marked ? is left out where there is nothing to say; codes are 13 digits.
EFFECTS: dict[str, str] = {
    "keep_story": "code, story: [Item]. Words before any choice: a row in the sorting list, clocks running",
    "open_case": (
        "code, category, draft, kept, place?, place_text?, location?, story?: [Item], may_message?. An ordinary case; "
        "kept: the sorting row of this code becomes the case, its words and clocks with it"
    ),
    "append": "code, and an Item: more words for a case or a kept story of this phone",
    "amend": "code, category? place? place_text? location? may_message? finish?: later answers to a case or kept story",
    "seal": (
        "code, kind (open|category|kind|place|story|message|more|call|send), and the answer: an Item, category, about, "
        "place, place_text, location, may_message. One item behind the protected door; the first of a code opens it"
    ),
    "seal_story": "code, category?, place?, place_text?, location?: the kept story goes behind the protected door",
    "forget": "code: the kept story is erased, for a trial line takes nothing protected",
    "look_up": "what (case|facility), code: the answer comes back as a `found` event in the same transaction",
    "set_language": "lang: the contact's language from now on",
    "consent": "topic (weekly|all), granted, method (word|menu): a record. `all` granted lifts a stop",
    "verify": "code, fixed (true|false): the writer of a resolved case says whether it is done",
    "rate": "round, facility, scores: {indicator: 1..5}",
    "call_person": "code (fresh), reason (a node), about?: code, words?: [str]. Somebody writes back; the sorting list",
}
