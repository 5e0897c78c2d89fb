"""The flows as the engine reads them: frozen, indexed, every name resolved. `load` writes this, nobody changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flows.lexicon import Lexicon
from flows.model import Option, Say

# What a node can ask for, and in words what answers it.
ASKS: dict[str, str] = {
    "choice": "one of its options, by digit, word or tap",
    "place": "a place of the district by number or name, a place as typed, or a location",
    "text": "words, a voice note, a photo or a location",
    "more": "nothing; whatever comes is asked about",
    "thread": "more for the case in hand, or one of its options",
    "word": "a word that only they know, or one of its options",
    "case": "a case code, or one of its options",
    "facility": "a facility's short code",
    "score": "one of five steps, once for each indicator of the round",
}

AWAY = ("back", "over")  # targets that are no node: the question that was left, or the end of the conversation


@dataclass(frozen=True, slots=True)
class Choice:
    """One option as a flow states it; `text` is its key, `next` a node's full name or `back`."""

    id: str
    digit: str
    text: str
    next: str
    effect: tuple[str, dict[str, Any]] | None = None
    clear: str = ""  # "report": another report begins


@dataclass(frozen=True, slots=True)
class Branch:
    """One way on: taken if the fact `when` holds; "" always holds."""

    when: str
    next: str


@dataclass(frozen=True, slots=True)
class Node:
    """One place in a conversation. It asks, or it branches, or it only says something and goes on."""

    name: str  # "flow.node"
    flow: str
    line: int
    ask: str = ""
    says: tuple[str, ...] = ()
    options: tuple[Choice, ...] = ()
    branch: tuple[Branch, ...] = ()
    next: str = ""
    found: str = ""  # where a look-up that found something leads; `next` is where it leads otherwise
    look_up: str = ""
    save: str = ""
    effect: tuple[str, dict[str, Any]] | None = None
    sealed: bool = False  # every word that comes here goes behind the protected door
    idle: bool = False  # nothing is pending here: the menu
    report: bool = False
    parts: int = 2  # SMS parts its reply may take
    shown: tuple[Option, ...] = ()  # its options as a reply carries them
    choices: dict[str, Choice] = field(default_factory=dict)  # and as they are taken, by id


@dataclass(frozen=True, slots=True)
class Words:
    """What is understood beside the options: keys are folded."""

    universal: dict[str, str]  # word → MENU's, BACK's … name
    local_stops: frozenset[str]  # of the words for STOP those that everyday complaints are made of, too
    before_digits: tuple[str, ...]
    beside_places: frozenset[str]  # words that stand beside the name of a place
    heard: Lexicon  # what else people say; `hearing` asks it


@dataclass(frozen=True, slots=True)
class Book:
    """All flows, and what is needed to walk them."""

    nodes: dict[str, Node]
    starts: dict[str, str]  # flow → full name of its first node
    files: dict[str, str]  # flow → file it was read from, for messages
    twins: dict[str, str]  # ordinary node → the node behind the protected door that asks the same
    faces: dict[str, str]  # and back: the node behind the door → the ordinary one
    words: Words
    tables: dict[str, tuple[str, ...]]
    unsorted: str  # the category of a report in which none was chosen
    needs: dict[str, tuple[str, ...]]  # text key → names of the values in it
    plain: dict[str, Say]  # text key → the text, of those that need none
    outside: frozenset[str]  # text keys that name others to ask
    quiet_report: int
    quiet_end: int
    quiet_sealed: int
    fold: Callable[[str], str]
    fingerprint: str
    matches: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)  # (node, lang) → folded → option id

    def start(self, flow: str) -> Node:
        """The first node of a flow."""
        return self.nodes[self.starts[flow]]
