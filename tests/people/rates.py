"""How many of the phrases are understood: in all, in each language, and without the words that only one of them needs.

What must be true of a phrase stands in one table, by its `expect`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import reduce

import locales
from flows import answers, hearing
from flows.book import Book, Node
from flows.categories import OFFERED
from flows.entries import read_entries
from flows.lexicon import Entry, Lexicon, Pattern, parse, split
from flows.load import FOLDER
from flows.meanings import Meaning
from tests.people.phrases import POSSIBLE, Phrase

# ── what must be true, by `expect` ─────────────────────────────────────────────────────────────────────────────────


def _heard(book: Book, phrase: Phrase) -> Meaning | None:
    folded = book.fold(phrase.text)
    if Meaning.STOP in POSSIBLE[phrase.state] and book.words.universal.get(folded) == "stop":
        return Meaning.STOP
    return hearing.hear(book.words, folded, POSSIBLE[phrase.state])


def _means(*meanings: Meaning | None) -> Callable[[Book, Phrase], bool]:
    return lambda book, phrase: _heard(book, phrase) in meanings


def _asks(book: Book, text: str) -> Node:
    return next(node for node in book.nodes.values() if any(option.text == text for option in node.options))


# The question that a state stands at, by the text of one of its options.
_QUESTIONS = {"menu": "menu.report", "kind": "report.kind.person"}


def _numbered(book: Book, phrase: Phrase) -> bool:
    folded = book.fold(phrase.text)
    if phrase.state not in _QUESTIONS:
        return hearing.find_number(book.words, folded) == int(phrase.value)
    node = _asks(book, _QUESTIONS[phrase.state])
    picked = answers.match(book, node, "ur", folded)
    return [option.digit for option in node.options if option.id == picked] == [phrase.value]


def _names(book: Book, phrase: Phrase) -> bool:
    """The issue, and only that; "other" is none: who names none of them says what it is in their own words."""
    named = hearing.find_named(book.words, book.fold(phrase.text), [f"category.{one}" for one in OFFERED])
    return named == (f"category.{phrase.value}" if phrase.value in OFFERED else "")


def is_dangerous(book: Book, phrase: Phrase) -> bool:
    """Whether it leads towards protection."""
    return hearing.is_dangerous(book.words, book.fold(phrase.text))


_kept = _means(None)
HOLDS: dict[str, Callable[[Book, Phrase], bool]] = {
    "story": _kept,
    "append": _kept,
    "anger": _kept,
    "not_stop": _kept,
    "place": _kept,
    "unknown_ok": _means(None, Meaning.DONT_KNOW, Meaning.NOTHING, Meaning.REPORT),
    "danger": lambda book, phrase: is_dangerous(book, phrase) and _kept(book, phrase),
    # "Yes" to "is it done?" is "done"; so is "no" and "not done".
    "yes": _means(Meaning.YES, Meaning.DONE),
    "done": _means(Meaning.DONE, Meaning.YES),
    "no": _means(Meaning.NO, Meaning.NOT_DONE),
    "not_done": _means(Meaning.NOT_DONE, Meaning.NO),
    "half": _means(Meaning.HALF),
    "greeting": _means(Meaning.GREETING),
    "thanks": _means(Meaning.THANKS),
    "status_wish": _means(Meaning.STATUS),
    "lost_code": _means(Meaning.LOST_CODE),
    "language_wish": _means(Meaning.LANGUAGE),
    "call_me": _means(Meaning.CALL),
    "person_wish": _means(Meaning.PERSON),
    "stop": _means(Meaning.STOP),
    "number": _numbered,
    "category": _names,
}

# The share that must be understood, by `expect`; all others: ALL_BAR.
BARS: dict[str, float] = {
    "story": 1.0,
    **dict.fromkeys(("greeting", "thanks", "yes", "no", "done", "not_done", "half"), 0.99),
    **dict.fromkeys(("number", "category"), 0.98),
    "danger": 0.95,
}
OTHER_BAR = 0.9
FALSE_ALARMS_BAR = 0.08  # of stories


# ── counting ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Rates:
    """Counts by (expect, language): how many phrases there are, and how many are understood."""

    there: Counter[tuple[str, str]]
    right: Counter[tuple[str, str]]
    wrong: tuple[Phrase, ...]
    alarms: tuple[Phrase, ...]  # stories that lead towards protection

    def of(self, kind: str = "", lang: str = "") -> tuple[int, int]:
        """(understood, there) of an `expect`, a language, both or all."""

        def total(counted: Counter[tuple[str, str]]) -> int:
            return sum(times for (one, spoken), times in counted.items() if kind in {"", one} and lang in {"", spoken})

        return total(self.right), total(self.there)


def rate(book: Book, given: Collection[Phrase]) -> Rates:
    """How many of these are understood."""
    wrong = tuple(phrase for phrase in given if not HOLDS[phrase.kind](book, phrase))
    there = Counter((phrase.kind, phrase.lang) for phrase in given)
    alarms = tuple(phrase for phrase in given if phrase.kind == "story" and is_dangerous(book, phrase))
    return Rates(there, there - Counter((phrase.kind, phrase.lang) for phrase in wrong), wrong, alarms)


# ── what was learned by heart ──────────────────────────────────────────────────────────────────────────────────────


def entries() -> list[Entry]:
    """Every row of the word data."""
    return list(read_entries(FOLDER / "heard"))


def hears_with(book: Book, lexicon: Lexicon) -> Book:
    """The same book with another lexicon."""
    return replace(book, words=replace(book.words, heard=lexicon))


_NEVER = Pattern("", ("=\0", "=\0"), False)


def _without(lexicon: Lexicon, pattern: Pattern) -> Lexicon:
    """The lexicon less one entry. Quicker than to compile the rest, and a name that nothing bears any more may stay."""
    if len(pattern.parts) > 1 or not pattern.parts[0].startswith("="):
        return replace(lexicon, patterns=tuple(_NEVER if one == pattern else one for one in lexicon.patterns))
    word = pattern.parts[0][1:]
    if word.endswith("*"):
        left = lexicon.stems[word[:-1]] - {pattern.meaning}
        return replace(lexicon, stems={**lexicon.stems, word[:-1]: left})
    return replace(lexicon, exact={**lexicon.exact, word: lexicon.exact[word] - {pattern.meaning}})


def _touched(lexicon: Lexicon, patterns: Collection[Pattern], folded: str) -> Iterator[Pattern]:
    """The entries that may matter to a text."""
    spans = lexicon.read(folded).spans
    tokens = set(split(folded))
    words = {f"={token}" for token in tokens}
    words |= {f"={token[:end]}*" for token in tokens for end in range(1, len(token) + 1)}
    words |= {f"={near}{end}" for token in tokens for near in lexicon.alike(token) for end in ("", "*")}
    for pattern in patterns:
        if pattern.meaning in spans and all(part in spans or part in words for part in pattern.parts):
            yield pattern


def needed_by_one(book: Book, given: Collection[Phrase]) -> set[Pattern]:
    """The entries without which exactly one of the phrases is not understood any more.

    What is only to be kept needs no word.
    """
    lexicon = book.words.heard
    patterns = {parse(entry, locales.fold) for entry in entries()}
    need: Counter[Pattern] = Counter()
    for phrase in given:
        if HOLDS[phrase.kind] is not _kept and HOLDS[phrase.kind](book, phrase):
            for pattern in _touched(lexicon, patterns, book.fold(phrase.text)):
                if not HOLDS[phrase.kind](hears_with(book, _without(lexicon, pattern)), phrase):
                    need[pattern] += 1
    return {pattern for pattern, times in need.items() if times == 1}


def without(book: Book, patterns: Collection[Pattern]) -> Book:
    """The same book whose lexicon lacks these entries."""
    return hears_with(book, reduce(_without, patterns, book.words.heard))
