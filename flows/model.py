"""The shapes of a conversation: what goes into a step, and what it remembers. What comes out is in effects. Pure."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Any, Literal

from flows import taps
from flows.shapes import shape

# A value is a literal, or says what it is so that one stored message exists in every language:
# {"key": …} a text, {"date": "2026-11-21"}, {"code": "4821773091542"}, {"names": {"en": …, "ur": …}}.
Value = str | int | dict[str, Any]
Values = dict[str, Value]
Point = tuple[float, float]  # latitude, longitude


@shape(frozen=True, slots=True)
class Say:
    """One text by its key, with the values to put into it. Never a sentence."""

    key: str
    values: Values = field(default_factory=dict)


@shape(frozen=True, slots=True)
class Option:
    """One answer a citizen can give to a menu: by its digit, its word, or a tap."""

    id: str
    digit: str
    say: Say


@shape(frozen=True, slots=True)
class Reply:
    """One message back: its texts in order, then its numbered options, and the question that these answer."""

    says: tuple[Say, ...]
    options: tuple[Option, ...] = ()
    node: str = ""  # the ordinary one on both sides of the protected door
    flows: str = ""  # fingerprint of the flows that ask it
    wait: float = 0.0  # seconds that it is held for more of the same; see flows.holding

    def as_message(self) -> dict[str, Any]:
        """As the outbox stores it: keys and values, no sentence; each option with what its button carries."""
        return {
            "says": [[say.key, say.values] for say in self.says],
            "options": [
                [option.digit, option.say.key, option.say.values, taps.write(self.node, self.flows, option.id)]
                for option in self.options
            ],
        }


@shape(frozen=True, slots=True)
class Media:
    """A file that came with a message: where it lies at the provider, or why it is known already not to be kept."""

    url: str
    content_type: str
    fault: str = ""  # kind, foreign (not the provider's), many (more than a message may bring)
    id: str = ""  # of its row, once it has one


@shape(frozen=True, slots=True)
class Place:
    """A place a citizen can pick: id, name by language and other spellings."""

    id: str
    names: dict[str, str]
    aliases: tuple[str, ...] = ()
    point: Point | None = None  # its middle


@shape(frozen=True, slots=True)
class Round:
    """An open scorecard round; `indicators` are text keys."""

    id: str
    indicators: tuple[str, ...]


Question = Literal["answer", "confirm", "accept", "call", "edition"]


Ending = Literal["confirm", "accept"]  # of the questions, those that ask how a case ended


@shape(frozen=True, slots=True)
class Focus:
    """What we asked of this person by ourselves last, while it may still be answered.

    A handler's words, "is it done?", "do you accept it?", a call-back, or an edition; `code` is its case ("" where an
    edition has none), or the drop that its answer goes into.
    """

    kind: Question
    code: str
    day: str  # on which it was asked, "2026-11-21"; of an edition's, on which that case was told
    at: float  # when it was asked: which of two questions it is
    late: bool = False  # it ended longer ago than may be gainsaid
    drop: bool = False  # its case is behind the protected door, and which it is nobody here knows


@shape(frozen=True, slots=True)
class Known:
    """What a step may know of the world; the shell fills it in before the step."""

    at: float  # seconds since 1970, UTC
    code: str  # a fresh case code, 13 digits, used if this turn opens a case
    spare: tuple[str, ...] = ()  # two more: what waited may have to be kept beside what begins
    channel: str = "whatsapp"  # key into locales.channels.CHANNELS
    district: dict[str, str] = field(default_factory=dict)  # its name by language
    places: tuple[Place, ...] = ()
    focus: Focus | None = None
    given: bool = False  # this phone was given a number before, on whichever side of the door
    missed: bool = False  # something that we said waits for this message, and is shown by it
    weekly: bool = False  # subscribed to the weekly update, or just offered it by an edition
    trial: bool = False  # a demo on a real line: say so, and take nothing protected
    closed: bool = False  # nobody could open what is sealed now: the protected door says so
    round: Round | None = None
    outside: tuple[tuple[dict[str, str], str], ...] = ()  # (names by language, phone) of others to ask


LATER = "later"


@shape(frozen=True, slots=True)
class FoundCase:
    """What a typed code opens. `state` is the case's status or the protected room's own, "none" where there is none,
    and `LATER` where this phone has tried too many.
    """

    state: str = "none"
    due: str = ""  # the day by which an answer is owed, "2026-12-05", or ""
    day: str = ""  # on which it was told
    last: str = ""  # what was last told of it, as text; never of a protected case
    sealed: bool = False  # behind the protected door: words under its code go there
    asks: Ending | None = None  # what may be said of how it ended; None while it has not
    late: bool = False  # it ended longer ago than may be gainsaid


@shape(frozen=True, slots=True)
class FoundFacility:
    """What a facility's short code opens; `id` is "" where there is none."""

    id: str = ""
    names: dict[str, str] = field(default_factory=dict)


Found = FoundCase | FoundFacility


@shape(frozen=True, slots=True)
class Event:
    """One thing that happened to a conversation."""

    kind: Literal["message", "found", "quiet", "flood"]  # flood: a message of somebody who has sent too many
    known: Known
    text: str = ""
    choice: str = ""  # the option id of a tapped button or row
    tapped: str = ""  # the node whose button it was, where the button says it
    quoted: str = ""  # the code in the message of ours that this one quotes
    quotes_asks: Ending | None = None  # and whether that message asks how it ended
    media: tuple[Media, ...] = ()
    location: Point | None = None
    found: Found | None = None  # the answer to a LookUp
    echo: str = ""  # a mark that only equal texts of this phone have: the shell's, keyed, so that it tells nothing
    cut: bool = False  # `text` is the first part of what came


# ── what a conversation remembers between two messages ─────────────────────────────────────────────────────────────


@shape(frozen=True, slots=True)
class Item:
    """What one message told: words, files, a place on the map. It is whatever of these it has."""

    text: str = ""
    media: tuple[Media, ...] = ()
    location: Point | None = None
    safe_word: str = ""  # by which whoever lost the number is known; no page shows it

    def words(self) -> dict[str, Any]:
        """{"text"?, "location"?, "safe_word"?} as JSON can hold it; its files are rows of their own."""
        said: dict[str, Any] = {"text": self.text} if self.text else {}
        said |= {"safe_word": self.safe_word} if self.safe_word else {}
        return said | ({"location": list(self.location)} if self.location else {})


@shape(frozen=True, slots=True)
class Details:
    """The short answers of a report; what is "" or None was not answered."""

    about: str = ""  # "service" or "person"; behind the door only
    category: str = ""
    place: str = ""  # a place's id
    place_text: str = ""  # or the place as it was typed
    location: Point | None = None
    may_message: bool | None = None

    def answered(self) -> dict[str, Any]:
        """What was answered, by name, as JSON can hold it."""
        given = {name: getattr(self, name) for name in Details.__slots__}
        kept = {name: value for name, value in given.items() if value is not None and value != ""}
        return kept | ({"location": list(self.location)} if self.location else {})


class Stage(StrEnum):
    """How far a report has come."""

    ASKED = "asked"  # nobody knows yet whether it is about a service or a person
    ROUTED = "routed"  # that is answered
    FILED = "filed"  # its receipt was said, and whether we may message this phone is open
    DONE = "done"  # that is over too


class Lies(StrEnum):
    """Where what was told lies."""

    SESSION = "session"  # in the report itself, and nowhere else yet
    SORTING = "sorting"  # in the sorting list, under its code: words that came before any choice
    DRAFT = "draft"  # in a case that was opened unfinished
    CASE = "case"  # in a case
    SEALED = "sealed"  # behind the protected door: nothing of it stands in the session


@shape(frozen=True, slots=True)
class Report:
    """A report on its way. Behind the protected door it is its code, its stage and `told`: nothing that was said."""

    code: str = ""  # once something of it is kept
    stage: Stage = Stage.ASKED
    lies: Lies = Lies.SESSION
    told: bool = False  # the story came before the questions
    placed: bool = False  # its place was said before it was asked for
    reminded: bool = False  # whether we may message this phone was asked once more, days later
    heard: str = ""  # the category that was heard in the story, until it was said back
    details: Details = Details()
    story: tuple[Item, ...] = ()  # told to the questions, and only here
    held: tuple[Item, ...] = ()  # told after the receipt, until it is known whether it is more of the same

    @property
    def sealed(self) -> bool:
        return self.lies is Lies.SEALED

    @property
    def opened(self) -> bool:
        """Whether its case exists."""
        return self.lies in {Lies.DRAFT, Lies.CASE}

    @property
    def done(self) -> bool:
        return self.stage is Stage.DONE

    @property
    def routed(self) -> bool:
        return self.stage is Stage.ROUTED

    @property
    def asked(self) -> bool:
        """Whether nobody knows yet if it is about a person."""
        return self.stage is Stage.ASKED

    @property
    def unfinished(self) -> bool:
        """Whether questions of it are still to come."""
        return self.stage in {Stage.ASKED, Stage.ROUTED}


@shape(frozen=True, slots=True)
class Rating:
    """A scorecard on its way: one facility in one round; `scores` are 1..5 by indicator."""

    round: str
    facility: str
    names: dict[str, str]
    scores: dict[str, int] = field(default_factory=dict)


@shape(frozen=True, slots=True)
class Thread:
    """The case that words go to now; `day` it was told, or where that is what they answer it was `asked`.

    `sealed` behind the door. `drop`: behind it too, and reached by what stands with the phone while we ask: `code` is
    the drop's id, and nothing else about the conversation may be another than an ordinary case's.
    """

    code: str
    day: str = ""
    sealed: bool = False
    held: tuple[Item, ...] = ()  # words that may be about a person, until that is answered
    asks: Ending | None = None  # what may be said of how it ended
    late: bool = False  # longer ago than may be gainsaid: it is kept as words
    drop: bool = False
    asked: bool = False

    @property
    def inside(self) -> bool:
        """Behind the door, by whichever way it is reached."""
        return self.sealed or self.drop


@shape(frozen=True, slots=True)
class Call:
    """A call that somebody asks for: by a woman or a man ("" = whoever), and at what time of day."""

    by: str = ""
    hour: str = ""


@shape(frozen=True, slots=True)
class Memory:
    """What a conversation has in hand besides where it stands. All of it is forgotten together."""

    report: Report = Report()
    rating: Rating | None = None
    thread: Thread | None = None
    call: Call = Call()
    called: str = ""  # the number of the card on which the call just asked for stands, until the word to it
    missed: tuple[str, ...] = ()  # answers that were not understood, for the person who is called
    look: str = ""  # the code that is being looked up
    left: str = ""  # and the node that was left for it
    opening: str = ""  # text that opens the reply once that is found
    page: int = 0  # of the places that are offered, where there are more than fit


@shape(frozen=True, slots=True)
class Held:
    """A reply that waits for more of the same, and is replaced where it comes."""

    until: float  # seconds since 1970; then it has gone out
    since: float  # when the first of these messages came
    seen: str = ""  # the question that stood open before them, which has been read
    says: tuple[Say, ...] = ()  # what whatever replaces it must say too: a number that was given


@shape(frozen=True, slots=True)
class Echo:
    """The same text again and again: `mark` as in `Event.echo`, how often, and when for the first time."""

    mark: str
    times: int
    since: float  # seconds since 1970, whole


@shape(frozen=True, slots=True)
class Session:
    """Where a conversation stands. Sealed answers are never in it."""

    flow: str = ""
    node: str = ""
    lang: str = ""  # "" until chosen
    memory: Memory = Memory()
    trail: tuple[str, ...] = ()  # nodes to go Back to, oldest first, as "flow.node"
    misses: int = 0  # answers in a row that were not understood
    passed: float = 0.0  # `Focus.at` of the last question of ours that was answered, or passed by for something else
    flows: str = ""  # fingerprint of the flows this session was written by
    quiet_after: int = 0  # seconds of silence after which a "quiet" event is due; 0 = never
    held: Held | None = None
    echo: Echo | None = None
    shadow: Report | None = None  # behind the door: its ordinary twin without a word of it (flows.twins)
    hashes: dict[str, str] = field(default_factory=dict)  # of the codes in it: the shell's, which no step reads
