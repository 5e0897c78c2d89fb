"""The flows in a terminal: the engine alone, with a made-up world behind it. Also how transcripts are written."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import locales
from flows import codes
from flows.book import Book
from flows.effects import Consent, Effect, GiveCode, KeepStory, Lock, LookUp, OpenCase, Seal, SealStory, Settle, Verify
from flows.engine import step
from flows.model import (
    Ending,
    Event,
    Focus,
    Found,
    FoundCase,
    FoundFacility,
    Known,
    Media,
    Place,
    Question,
    Reply,
    Round,
    Session,
)
from flows.places import places_of
from flows.sessions import dump, restore
from locales.render import render_options

DISTRICT = "pishin"


PLACES = places_of(DISTRICT)
# Demo data: a round and a facility that no real district has.
ROUND = Round("demo-round", ("indicator.open_on_time", "indicator.staff_present", "indicator.treated_with_respect"))
FACILITY = FoundFacility("demo-clinic", {"en": "Demo clinic", "ur": "نمونہ کلینک"})
FACILITY_CODE = "101"
NAMES = {"en": "Pishin", "ur": "پشین", "ps": "پښين"}
DAY = "2026-11-21"
VERDICTS = {"yes": "confirmed", "no": "disputed", "half": "disputed", "accept": "closed", "higher": "appealed"}
ENDED = ("resolved", "partly", "confirmed", "withdrawn", "closed")
ENDINGS: dict[str, Ending] = {"cannot": "accept", **dict.fromkeys(ENDED, "confirm")}
OUTSIDE = (({"en": "Demo helpline", "ur": "نمونہ ہیلپ لائن"}, "0000"),)

DIM, PLAIN = "\x1b[2m", "\x1b[0m"
PAUSE = 60.0  # seconds to read an answer and to write the next one
_CALLS = 3  # look-ups in one turn, as the shell allows


@dataclass
class World:
    """What the shell would know: cases by code, the subscription. Time moves with what a phone says or not."""

    at: float = 1_795_000_000.0
    channel: str = "sms"
    trial: bool = False
    closed: bool = False
    places: tuple[Place, ...] = PLACES
    round: Round | None = ROUND
    outside: tuple[tuple[dict[str, str], str], ...] = OUTSIDE
    weekly: bool = False
    cases: dict[str, str] = field(default_factory=dict)  # ordinary ones: state by code
    said: dict[str, str] = field(default_factory=dict)  # what was last answered, by code
    kept: set[str] = field(default_factory=set)  # in the sorting list
    reserved: set[str] = field(default_factory=set)
    sealed: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)  # those that ended more than thirty days ago
    focus: Focus | None = None  # what was asked by ourselves last
    given: bool = False
    made: int = 0

    def known(self) -> Known:
        """What a step may know now; every call has fresh codes."""
        self.made += 1
        return Known(
            at=self.at,
            code=codes.complete(f"{982177300000 + self.made:012d}"),
            spare=tuple(codes.complete(f"{start + self.made:012d}") for start in (982188300000, 982199300000)),
            channel=self.channel,
            district=NAMES,
            places=self.places,
            focus=self.focus,
            given=self.given,
            weekly=self.weekly,
            trial=self.trial,
            closed=self.closed or self.trial,
            round=self.round,
            outside=self.outside,
        )

    def do(self, effect: Effect) -> Found | None:
        """Take an effect; the answer to a look-up comes back."""
        self.given |= isinstance(effect, GiveCode | KeepStory | Lock | OpenCase | Seal | SealStory)
        match effect:
            case KeepStory() | Lock():
                self.kept.add(effect.code)
            case GiveCode():
                self.reserved.add(effect.code)
            case OpenCase():
                self.cases[effect.code] = "received"
            case Verify():
                if effect.verdict in VERDICTS and effect.code not in self.late:
                    self.cases[effect.code] = VERDICTS[effect.verdict]
            case Settle():
                self.focus = None
            case Seal() | SealStory():
                self.sealed.add(effect.code)
            case Consent(topic="weekly"):
                self.weekly = effect.granted
            case LookUp(what="facility"):
                return FACILITY if effect.code == FACILITY_CODE else FoundFacility()
            case LookUp():
                sealed, known = effect.code in self.sealed, self.sealed | self.kept | self.reserved
                state = self.cases.get(effect.code) or ("received" if effect.code in known else "none")
                last, late = self.said.get(effect.code, ""), effect.code in self.late
                return FoundCase(state, "2026-12-05", DAY, last, sealed, None if sealed else ENDINGS.get(state), late)
        return None

    def ask(self, kind: Question, code: str) -> None:
        """As an act at the desk does: what is said next answers this."""
        at = self.focus.at + 1 if self.focus else self.at
        self.focus = Focus(kind, code, DAY, at, code in self.late)


@dataclass
class Phone:
    """One citizen's phone: types, taps, stays silent, and keeps what was said on both sides."""

    book: Book
    world: World = field(default_factory=World)
    session: Session = field(default_factory=Session)
    effects: list[Effect] = field(default_factory=list)
    done: list[Effect] = field(default_factory=list)  # of all turns
    thread: list[str] = field(default_factory=list)
    sealed: bool = False  # the last words went behind the protected door
    replies: int = 0  # of the last turn
    reply: Reply | None = None  # the last one

    def say(self, text: str = "", **more: Any) -> str:
        """Send a message; the reply as its language and channel show it, "" if there was none."""
        self.world.at += PAUSE
        return self.add(text, **more)

    def add(self, text: str = "", **more: Any) -> str:
        """Send a message right after the one before, as people do who say one thing in several."""
        self.thread.extend(f"> {line}".rstrip() for line in (text or _describe(more)).split("\n"))
        storable = text.encode("utf-8", "replace").decode()  # as every channel hands it on
        return self._turn(Event("message", self.world.known(), storable, echo=_mark(storable), **more))

    def wait(self) -> str:
        """Nothing is written until the silence is noticed, if it ever is."""
        self.thread.append("(silence)")
        if not self.session.quiet_after:
            return ""
        self.world.at += self.session.quiet_after
        return self._turn(Event("quiet", self.world.known()))

    def _turn(self, event: Event) -> str:
        shown = ""
        self.replies = 0
        self.effects = []
        self.sealed = False
        for _ in range(1 + _CALLS):
            # A session is stored between two messages: what does not survive it must not work here either.
            made = step(self.book, restore(dump(self.session)), event)
            self.session = made.session
            self.sealed |= made.sealed
            self.effects.extend(made.effects)
            self.done.extend(made.effects)
            if made.reply:
                self.replies += 1
                self.reply = made.reply
                shown = show(made.reply, self.session.lang, self.world.channel)
                self.thread.extend(f"< {line}" for line in shown.split("\n"))
            answers = [answer for effect in made.effects if (answer := self.world.do(effect))]
            if not answers:
                break
            event = replace(event, kind="found", found=answers[0])
        return shown


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _describe(more: dict[str, Any]) -> str:
    if media := more.get("media"):
        return " ".join(f"[{item.content_type}]" for item in media)
    return "[location]" if more.get("location") else f"[{more.get('choice', '')}]"


def show(reply: Reply, lang: str, channel: str) -> str:
    """A reply as its reader gets it."""
    return locales.render(reply.as_message(), lang or "ur", channel)


def rows(reply: Reply, lang: str, channel: str) -> list[tuple[str, str]]:
    """The (digit, text) of a reply's options."""
    return render_options(reply.as_message(), lang or "ur", channel)


def write_transcript(thread: Sequence[str]) -> str:
    """A conversation as a golden file holds it: > what was written, < what was answered."""
    return "\n".join(thread) + "\n"


def play(
    book: Book,
    lang: str | None = None,
    channel: str = "sms",
    read: Callable[[str], str] = input,
    write: Callable[[str], None] = print,
) -> str:
    """Talk to the flows until the input ends; the transcript comes back and is printed last.

    A line is a message. `/quiet` is a silence, `/photo`, `/voice` and `/place 30.6 66.9` send what they say.
    """
    phone = Phone(book, World(at=time.time(), channel=channel), Session(lang=lang or ""))
    write(f"{DIM}A line is a message. /quiet /photo /voice /place LAT LON, end with Ctrl-D.{PLAIN}")
    while True:
        try:
            line = read("> ")
        except (EOFError, KeyboardInterrupt):
            break
        write(_play_line(phone, line) or f"{DIM}(no reply){PLAIN}")
        for effect in phone.effects:
            write(f"{DIM}{effect}{PLAIN}")
    transcript = write_transcript(phone.thread)
    write(f"{DIM}{transcript}{PLAIN}")
    return transcript


def _play_line(phone: Phone, line: str) -> str:
    if line == "/quiet":
        return phone.wait()
    if line == "/photo":
        return phone.say(media=(Media("demo:photo", "image/jpeg"),))
    if line == "/voice":
        return phone.say(media=(Media("demo:voice", "audio/ogg"),))
    if found := re.fullmatch(r"/place (-?\d+(?:\.\d+)?) (-?\d+(?:\.\d+)?)", line):
        return phone.say(location=(float(found[1]), float(found[2])))
    return phone.say(line)
