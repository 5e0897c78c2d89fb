"""What a step works on while it works: the session being moved, what will be said and done. It ends with the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flows import blobs
from flows.book import Book, Node
from flows.effects import Effect, LookUp, Step
from flows.model import (
    Echo,
    Event,
    FoundCase,
    Held,
    Lies,
    Memory,
    Option,
    Place,
    Reply,
    Report,
    Say,
    Session,
    Value,
)
from flows.shapes import replace

# Texts that no flow names because they can be said anywhere.
SPOKEN = (
    "card.refused",
    "door.alone",
    "door.closed",
    "door.kept",
    "intake.cut",
    "intake.file_refused",
    "intake.kept",
    "miss.again",
    "outside.ask",
    "place.first",
    "place.more",
    "place.name",
    "report.kept",
    "restart.sorry",
    "start.done",
    "stop.done",
    "thanks.reply",
    "thread.answered",
    "trial.closed",
    "trial.first",
    "trial.notice",
    "verify.kept",
    "welcome.code",
    "welcome.hello",
)

# Statuses a citizen can be told, and what the protected room's own word is said as: nobody can tell which room speaks.
STATUSES = (
    *("received", "acknowledged", "in_progress", "sent_on", "inspected", "partly", "resolved", "cannot", "confirmed"),
    *("disputed", "appealed", "withdrawn", "closed"),
)
SAID_AS = {"seen": "acknowledged"}

MENU, LANGUAGE, FIRST, REPORT = "welcome.menu", "welcome.language", "welcome.first", "complaint.category"
OUTSIDE_MOST = 100  # letters of all the others to ask: with what is said beside them, three parts of an SMS
PLACES = 9  # digits of one hand's reach, and WhatsApp's list of ten rows
MORE = "more"  # the option that turns to the next page of places, after the last to the first
TRAIL = 30
_LOOKED = frozenset({"status", "thread"})  # where a case stands in hand whose number was typed
MISSED = 5  # messages that are remembered for the person who is called
NOTHING = Memory()  # is in hand
SHORT = 80  # longer than any option's text or universal word: there is no point in looking further


class Turn:
    """One event on its way through the flows; what stands here stays as it is until something says otherwise."""

    event: Event
    words: str  # the text of the message, without what a program wrote into it
    short: str  # the matching key of a message that may be an answer; "" for a longer one
    key: str | None
    options: tuple[Option, ...] = ()
    meant: tuple[Place, ...] = ()  # of two places that fit an answer alike, only these are offered
    looked_up: str = ""  # the code a found event answers for
    left: str = ""  # the node that was left to look it up
    sealed: bool = False
    over: bool = False  # the conversation ends: the next message opens another
    took: bool = False  # an answer of a report was taken, on whichever side of the door
    shut: bool = False  # the protected door is closed: nothing more happens in this turn
    partial: bool = False  # this may be one bubble of several: its reply waits a moment
    early: bool = False  # it came before its question could be read
    answered: bool = False  # it answered an open question, or was a command

    def __init__(self, book: Book, session: Session, event: Event) -> None:
        nodes, known = book.nodes, event.known
        name = f"{session.flow}.{session.node}" if session.node else ""
        self.book = book
        self.known = known
        self.lang = session.lang
        self.node: Node = nodes.get(name) or nodes[self.home]
        self.report = session.memory.report
        self.memory = session.memory  # but for its report, which stands above while the turn goes on
        self.shadow = session.shadow
        self.trail = [node for node in session.trail if node in nodes]
        self.misses = session.misses
        self.passed = session.passed
        self.says: list[Say] = []
        self.effects: list[Effect] = []
        self.codes = [known.code, *known.spare]  # fresh ones that this turn has not used
        self.fresh = not name  # nothing has been asked yet
        self.lost = not self.fresh and name not in nodes  # the node this session stood at is gone from the flows
        self.older = session.flows != book.fingerprint  # what is open was asked by other flows than these
        ended = session.quiet_after == book.quiet_end
        self.slept = ended and event.kind == "message"  # an unfinished report has been kept since, and said to be
        self.silent = ended and event.kind == "quiet"  # it is the second silence, and ends the conversation
        self.read(event)
        if self.node.sealed and not self.report.sealed:
            self.update(lies=Lies.SEALED)  # whatever was lost of a session: who stands behind the door is behind it
        # The reply to what came just before, where that has not gone out yet.
        self.held = session.held if session.held is not None and known.at < session.held.until else None
        # The question that has been read.
        self.seen = self.held.seen if self.held is not None else "" if self.fresh else self.face

    def read(self, event: Event) -> None:
        """Take up an event, with the words of its message."""
        self.event, self.words, self.key = event, blobs.words(event.text), None
        self.short = self.folded if len(event.text) <= SHORT else ""

    @property
    def folded(self) -> str:
        """The matching key of the whole message. Made once: on 10,000 letters it is most of a step's time."""
        if self.key is None:
            text = self.words
            # A bare digit is what most messages are.
            self.key = text if text.isascii() and text.isdigit() else self.book.fold(text)
        return self.key

    @property
    def face(self) -> str:
        """The name of the open question as anybody may see it: behind the protected door the ordinary one's."""
        return self.book.faces.get(self.node.name, self.node.name)

    @property
    def found_case(self) -> FoundCase:
        """The case that a look-up has just found; one that is none for every other event."""
        found = self.event.found
        return found if isinstance(found, FoundCase) else FoundCase()

    def remember(self, **changed: Any) -> None:
        """Write over a part of what the conversation has in hand besides its report."""
        self.memory = replace(self.memory, **changed)

    def update(self, **changed: Any) -> None:
        """Write over a part of the report."""
        self.report = replace(self.report, **changed)

    def new_code(self) -> str:
        """A number that nobody has. Two things that are kept in one turn must not share one."""
        return self.codes.pop(0)

    def forget(self, report: Report = Report()) -> None:
        """Let go of everything in hand but this report."""
        self.memory, self.report = NOTHING, report

    def say(self, key: str) -> None:
        """Add a text to the reply, with whatever values it has places for."""
        if key == "thread.added" and self.memory.thread is not None and self.memory.thread.asked:
            key = "thread.answered"  # the day of what was told is not known to who only answers
        said = self.book.plain.get(key)
        if said is None:
            said = Say(key, {name: VALUES[name](self) for name in self.book.needs.get(key, ())})
        self.says.append(said)

    def open_with(self, key: str) -> None:
        """Say a text before all that is said."""
        self.say(key)
        self.says.insert(0, self.says.pop())

    def do(self, effect: Effect) -> None:
        """Ask the world for an effect."""
        self.effects.append(effect)

    def ask(self) -> None:
        """Say what the node asks, with its options."""
        for key in self.node.says:
            if key not in self.book.outside or self.known.outside:  # of nobody nothing is said
                self.say(key)
        shown = OPTIONS.get(self.node.ask)
        self.options = shown(self) if shown else self.node.shown

    @property
    def first(self) -> str:
        """What a conversation begins with: a known phone is asked what it is about, a stranger for a language."""
        return REPORT if self.lang else FIRST

    @property
    def home(self) -> str:
        """Where a conversation stands when nothing is pending."""
        return MENU if self.lang else LANGUAGE

    @property
    def looks(self) -> bool:
        """Whether something must be looked up before this can go on."""
        return bool(self.effects) and any(type(effect) is LookUp for effect in self.effects)

    def note(self) -> None:
        """Remember this message for the person who is called; behind the door nothing of it is remembered."""
        if not self.report.sealed and self.event.text.strip():
            self.remember(missed=(*self.memory.missed, self.event.text[:200])[-MISSED:])

    def pass_by(self) -> None:
        """What we asked by ourselves is answered, or waits: something else was begun."""
        if self.known.focus:
            self.passed = self.known.focus.at

    def push(self) -> None:
        """Remember the node for Back. A side question about one case is not gone back to: its case may be forgotten."""
        if self.fresh or self.node.flow in {"verify", "thread", "doubt", "withdraw"}:
            return
        if not self.trail or self.trail[-1] != self.node.name:
            self.trail = [*self.trail, self.node.name][-TRAIL:]

    def end(self, reply: Reply | None, held: Held | None, echo: Echo | None, *, replaces: bool = False) -> Step:
        """The step as it stands now, with this reply; `held` and `echo` as in `Session`, `replaces` as in `Step`."""
        memory = self.memory
        if memory.report is not self.report:
            memory = replace(memory, report=self.report)
        if self.over:
            # What waited while something else was done is asked again by whatever comes next.
            session = Session(lang=self.lang, flows=self.book.fingerprint, held=held, echo=echo)
        else:
            session = Session(
                flow=self.node.flow,
                node=self.node.name.partition(".")[2],
                lang=self.lang,
                memory=memory,
                trail=tuple(self.trail),
                misses=self.misses,
                flows=self.book.fingerprint,
                quiet_after=self._quiet_after(memory),
                passed=self.passed,
                held=held,
                echo=echo,
            )
        return Step(session, reply, tuple(self.effects), self.sealed, self.took, replaces)

    def _quiet_after(self, memory: Memory) -> int:
        """Seconds. With a number in hand that opens something it is as short as behind the door, on either side."""
        thread = memory.thread
        looked = thread is not None and self.node.flow in _LOOKED
        if self.report.sealed or self.report.done or looked or (thread is not None and thread.sealed):
            return self.book.quiet_sealed
        if self.silent:
            return self.book.quiet_end
        pending = self.node.report or not self.node.idle or memory != NOTHING
        # On a trial line every conversation opens by saying so, which needs conversations that end.
        return self.book.quiet_report if pending or self.known.trial else 0


def indicator(turn: Turn) -> str:
    """The text key of the indicator that is rated next; "" when all are."""
    asked = turn.known.round.indicators if turn.known.round else ()
    scores = turn.memory.rating.scores if turn.memory.rating else {}
    return next((key for key in asked if key not in scores), "")


def _category(turn: Turn) -> Value:
    return {"key": f"category.{turn.report.heard or turn.report.details.category or 'other'}"}


def _day(turn: Turn) -> Value:
    return {"date": turn.memory.thread.day if turn.memory.thread else ""}


def list_outside(bodies: Sequence[tuple[dict[str, str], str]]) -> dict[str, str]:
    """Others to ask as one line by language, each by the name that it has there, or in another."""
    langs = sorted({lang for names, _ in bodies for lang in names})
    return {
        lang: ", ".join(f"{names.get(lang) or next(iter(names.values()))} {phone}" for names, phone in bodies if names)
        for lang in langs
    }


def _status(turn: Turn) -> Value:
    state = turn.found_case.state
    return {"key": f"status.{SAID_AS.get(state, state)}"}


VALUES: dict[str, Callable[[Turn], Value]] = {
    "category": _category,
    "code": lambda turn: {"code": turn.looked_up or turn.report.code},
    "day": _day,
    "district": lambda turn: {"names": turn.known.district},
    "status": _status,
    "due": lambda turn: {"date": turn.found_case.due},
    "facility": lambda turn: {"names": turn.memory.rating.names if turn.memory.rating else {}},
    "indicator": lambda turn: {"key": indicator(turn)},
    "last": lambda turn: turn.found_case.last,
    "outside": lambda turn: {"names": list_outside(turn.known.outside)},
}


def numbered_places(places: tuple[Place, ...]) -> dict[str, Place]:
    """Every place by its number, which is the same on every page and on paper; the number of MORE is no place's."""
    paged = len(places) > PLACES
    return {str(number + (paged and number >= PLACES)): place for number, place in enumerate(places, 1)}


def _place_options(turn: Turn) -> tuple[Option, ...]:
    """Where there are more than nine they come in pages of eight."""
    numbered, row = numbered_places(turn.known.places), PLACES - 1
    shown, first = list(numbered.items()), turn.memory.page * row
    if turn.meant:
        shown = [(number, place) for number, place in shown if place in turn.meant]
    elif len(shown) > PLACES:
        shown = shown[first : first + row]
    options = tuple(
        Option(place.id, number, Say("place.name", {"name": {"names": place.names}})) for number, place in shown
    )
    if len(numbered) <= PLACES or turn.meant:
        return options
    text = "place.more" if first + row < len(numbered) else "place.first"
    return (*options, Option(MORE, str(PLACES), Say(text)))


# Options that come from the world, not from the flow.
OPTIONS: dict[str, Callable[[Turn], tuple[Option, ...]]] = {"place": _place_options}
