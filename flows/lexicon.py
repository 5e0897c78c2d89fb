"""Word data made into a matcher: which meanings the words of a message carry, and where they stand. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import pairwise, product
from typing import NamedTuple

NEAR = 7  # tokens that the parts of "a + b" may lie apart
LONG = 5  # letters from which a word may differ by one
MANY = 200  # tokens from which misspelt words are not looked for: others beside them are spelt right
STEM = 2  # letters of the shortest stem; alone it needs one more

Span = tuple[int, int]  # tokens from … up to; an "a + b" is (n, n): it stands there and covers nothing


class Unusable(ValueError):
    """An entry that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the word data: `words` is a word, a stem with `*`, a phrase of two or three, or some of them with `+`.

    `@name` stands for every entry whose meaning is `name`.
    """

    meaning: str
    words: str
    lang: str
    source: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """Parts that stand in a row, or (`near`) somewhere close to each other; each part is a tag."""

    meaning: str
    parts: tuple[str, ...]
    near: bool


# ── spelling ───────────────────────────────────────────────────────────────────────────────────────────────────────

_TOKENS = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
# Roman Urdu has no spelling: what sounds alike becomes alike (kya, kia; nahin jee, nahin ji; sahb, sahab are two).
_ALIKE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), becomes)
    for pattern, becomes in (
        ("[\U0001f3fb-\U0001f3ff]", ""),  # the skin of a hand
        (r"(?<=n) t\b", "t"),  # don't, isn't: folding parts them
        (r"ee|ii", "i"),
        # A key held down (qqq) is no letter.
        (r"(?<=[a-z])([a-z])\1+|([a-z])\2+(?=[a-z])|\b([a-z])\3\b", r"\1\2\3"),
        (r"[ae]y(?![aeou])|[ae]i(?=[a-z])", "e"),
        (r"iy|(?<=[b-df-hj-np-tv-xz])y", "i"),
        (r"(?<=[aeiou])h\b", ""),
    )
)
_SAME = (("v", "w"), ("q", "k"), ("ھ", "ہ"))
_HAS_ALIKE = re.compile("[a-z\U0001f3fb-\U0001f3ff]")  # without one of these nothing above finds anything
# What needs no word: digits, as many of them as a sum has, and signs that no entry names.
BUILT_IN = frozenset({"digits", "sum", "sign"})
SUM = range(3, 7)  # digits of a number that may be rupees: not a day, nor a telephone


def split(folded: str) -> list[str]:
    """The tokens of a folded text: runs of letters, runs of digits, single signs, each in its one spelling."""
    for letter, becomes in _SAME:
        folded = folded.replace(letter, becomes)
    if folded.replace(" ", "").isalpha() and not _HAS_ALIKE.search(folded):
        return folded.split(" ")
    if _HAS_ALIKE.search(folded):
        for pattern, becomes in _ALIKE:
            folded = pattern.sub(becomes, folded)
    return _TOKENS.findall(folded)


def _shorter(word: str) -> set[str]:
    return {word[:place] + word[place + 1 :] for place in range(len(word))}


def _one_apart(one: str, other: str) -> bool:
    """One letter more, less or other, or two neighbours changed about."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    start = next((place for place, letter in enumerate(one) if letter != other[place]), len(one))
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    turned = one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
    return turned or one[start + 1 :] == other[start + 1 :]


# ── what was heard ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Heard:
    """A message read: its tokens, and where each meaning stands in it."""

    tokens: list[str]
    spans: dict[str, list[Span]]

    def has(self, *meanings: str) -> bool:
        """Whether any of these stands in the message."""
        return not self.spans.keys().isdisjoint(meanings)

    def starts(self, meaning: str) -> bool:
        """Whether the message begins with it."""
        return any(start == 0 for start, _ in self.spans.get(meaning, ()))

    def covers(self, meanings: Collection[str]) -> bool:
        """Whether nothing stands in the message but these."""
        spans = self.spans
        ways = [span for meaning in meanings if meaning in spans for span in spans[meaning]]
        if not ways:
            return False
        ways.sort()
        reached = [True] + [False] * len(self.tokens)
        for start, end in ways:
            if reached[start] and end > start:
                reached[end] = True
        return reached[-1]


# ── the matcher ────────────────────────────────────────────────────────────────────────────────────────────────────


class _Wait(NamedTuple):
    """A pattern that may stand in a message once one of its parts does."""

    rank: int  # its place among the patterns
    word: str  # another part of it that is a word, which the message has from the start or never has; else that one


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All entries, indexed. Made by `compile_entries`."""

    exact: dict[str, frozenset[str]]
    stems: dict[str, frozenset[str]]
    ends: dict[str, tuple[int, ...]]  # the first letters of a word → how many a stem that begins so may have
    longest: int  # letters of the longest stem
    shortened: dict[str, tuple[str, ...]]  # a long word less one letter → the words it may be
    patterns: tuple[Pattern, ...]  # what a pattern refers to stands before it
    begins: dict[str, tuple[_Wait, ...]]  # a tag → the patterns of whose parts it is the rarest
    last: list[tuple[str, Heard]] = field(default_factory=list, init=False)  # what was read last, at most one

    def read(self, folded: str) -> Heard:
        """What the words of a folded text mean, and where. A step asks it of one message again and again."""
        for text, heard in self.last:
            if text == folded:
                return heard
        heard = self._read(folded)
        self.last[:] = [(folded, heard)]
        return heard

    def forget(self) -> None:
        """Let go of what was read last: nobody's words stay between two messages."""
        self.last.clear()

    def _read(self, folded: str) -> Heard:
        tokens = split(folded)
        spans: dict[str, list[Span]] = {}
        known: dict[str, frozenset[str]] = {}
        for place, token in enumerate(tokens):
            tags = known.get(token)
            if tags is None:
                tags = known[token] = self._tags(token, len(tokens) < MANY)
            for tag in tags:
                if tag in spans:
                    spans[tag].append((place, place + 1))
                else:
                    spans[tag] = [(place, place + 1)]
        begins, patterns = self.begins, self.patterns
        waiting = [rank for tag in spans if tag in begins for rank, word in begins[tag] if word in spans]
        heapify(waiting)
        while waiting:
            pattern = patterns[heappop(waiting)]
            if not (found := _find(pattern, spans)):
                continue
            meaning = pattern.meaning
            if meaning in spans:
                spans[meaning] = sorted({*found, *spans[meaning]})
                continue
            for rank, word in begins.get(meaning, ()):
                if word in spans or word == meaning:
                    heappush(waiting, rank)
            spans[meaning] = sorted({*found}) if len(found) > 1 else found
        return Heard(tokens, spans)

    def _tags(self, token: str, misspelt: bool) -> frozenset[str]:
        if token.isdecimal():
            return frozenset({"digits", "sum"} if len(token) in SUM else {"digits"})
        if not token.isalpha():
            return self.exact.get(token, frozenset({"sign"}))
        tags = set(self.exact.get(token, ()))
        for end in self.ends.get(token[:STEM], ()):
            tags |= self.stems.get(token[:end], frozenset())
        for word in self.alike(token) if misspelt and not tags else ():
            tags |= self.exact.get(word, frozenset()) | self.stems.get(word, frozenset())
        return frozenset(tags)

    def alike(self, token: str) -> set[str]:
        """The long words that a token differs from by one letter."""
        if not LONG <= len(token) <= 2 * self.longest:
            return set()
        words = {word for less in (token, *_shorter(token)) for word in self.shortened.get(less, ())}
        return {word for word in words if _one_apart(token, word)}


def _find(pattern: Pattern, spans: dict[str, list[Span]]) -> list[Span]:
    places = []
    for part in pattern.parts:
        if part not in spans:
            return []
        places.append(spans[part])
    return _near(places) if pattern.near else _in_a_row(places)


def _in_a_row(places: list[list[Span]]) -> list[Span]:
    rows = places[0]
    for part in places[1:]:
        rows = [(first, stop) for first, end in rows for stop in _from(part, end)]
    return rows


def _from(part: list[Span], at: int) -> list[int]:
    stops, place = [], bisect_left(part, (at, 0))
    while place < len(part) and part[place][0] == at:  # no slice: a long text would be copied at each word
        stops.append(part[place][1])
        place += 1
    return stops


def _near(places: list[list[Span]]) -> list[Span]:
    found = []
    for one in places[0]:
        low, high = (one[0] - NEAR, 0), (one[0] + NEAR + 1, 0)
        others = [part[bisect_left(part, low) : bisect_left(part, high)] for part in places[1:]]
        for beside in product(*others):
            spots = sorted((one, *beside))
            if all(end <= start for (_, end), (start, _) in pairwise(spots)) and len({*spots}) == len(places):
                found.append((spots[0][0], spots[0][0]))
                break
    return found


# ── making it ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _part(term: str, fold: Callable[[str], str]) -> str:
    """A term as its tag: `@name` is the meaning of that name, "=word" and "=stem*" a word in its one spelling."""
    if term.startswith("@"):
        return term[1:]
    tokens = split(fold(term.removesuffix("*")))
    if len(tokens) != 1:
        raise Unusable(f"{term} is not one word")
    if term.endswith("*") and len(tokens[0]) < STEM:
        raise Unusable(f"{term} is too short for a stem")
    return f"={tokens[0]}{'*' * term.endswith('*')}"


def parse(entry: Entry, fold: Callable[[str], str]) -> Pattern:
    """The parts of an entry. Unusable if it is written wrong; `fold` is that of the messages."""
    terms = entry.words.split()
    near = "+" in terms
    if near and terms[1::2] != ["+"] * (len(terms) // 2):
        raise Unusable("words stand in a row, or with a + between each two")
    parts = tuple(_part(term, fold) for term in terms if term != "+")
    if not 1 <= len(parts) <= 3 or (near and len(terms) % 2 == 0):
        raise Unusable("an entry has one, two or three words")
    if len(parts) == 1 and parts[0].endswith("*") and len(parts[0]) < len("=*") + STEM + 1:
        raise Unusable(f"{entry.words} is too short to stand alone as a stem")
    return Pattern(entry.meaning, parts, near)


def _in_order(patterns: Collection[Pattern], known: Collection[str]) -> Iterator[Pattern]:
    """Patterns so that what one refers to is complete before it. Unusable for a ring or a name that nothing has."""
    patterns = list(patterns)
    for pattern in patterns:
        for part in pattern.parts:
            if not part.startswith("=") and part not in known:
                raise Unusable(f"nothing means @{part}")
    while patterns:
        waiting = {pattern.meaning for pattern in patterns}
        ready = [pattern for pattern in patterns if waiting.isdisjoint(pattern.parts)]
        if not ready:
            raise Unusable(f"in a ring: {', '.join(sorted(waiting))}")
        yield from ready
        patterns = [pattern for pattern in patterns if not waiting.isdisjoint(pattern.parts)]


def compile_patterns(patterns: Collection[Pattern], loosely: Callable[[Pattern, str], bool]) -> Lexicon:
    """The matcher of these patterns. `loosely(pattern, word)` says whose long words may differ by one letter."""
    tags: dict[str, set[str]] = {}
    loose: set[str] = set()
    for pattern in patterns:
        for part in pattern.parts:
            if part.startswith("="):
                tags.setdefault(part[1:], set()).add(pattern.meaning if len(pattern.parts) == 1 else part)
                word = part[1:].removesuffix("*")
                if len(word) >= LONG and loosely(pattern, word):
                    loose.add(word)
    shortened: dict[str, set[str]] = {}
    for word in loose:
        for less in (word, *_shorter(word)):
            shortened.setdefault(less, set()).add(word)
    stems = {word[:-1]: frozenset(found) for word, found in tags.items() if word.endswith("*")}
    exact = {word: frozenset(found) for word, found in tags.items() if not word.endswith("*")}
    several = [pattern for pattern in patterns if len(pattern.parts) > 1 or not pattern.parts[0].startswith("=")]
    ordered = tuple(_in_order(several, BUILT_IN.union(pattern.meaning for pattern in patterns)))
    return Lexicon(
        exact=exact,
        stems=stems,
        ends=_ends(stems),
        longest=max(map(len, stems), default=STEM),
        shortened={less: tuple(sorted(words)) for less, words in shortened.items()},
        patterns=ordered,
        begins=_begins(ordered),
    )


def _ends(stems: Iterable[str]) -> dict[str, tuple[int, ...]]:
    ends: dict[str, set[int]] = {}
    for stem in stems:
        ends.setdefault(stem[:STEM], set()).add(len(stem))
    return {start: tuple(sorted(lengths)) for start, lengths in ends.items()}


def _begins(patterns: Iterable[Pattern]) -> dict[str, tuple[_Wait, ...]]:
    """Each pattern under the rarest of its parts: of those under "not" there would be hundreds to look at."""
    patterns = tuple(patterns)
    often = Counter(part for pattern in patterns for part in pattern.parts)
    begins: dict[str, list[_Wait]] = {}
    for rank, pattern in enumerate(patterns):
        rarest = min(pattern.parts, key=lambda part: often[part])
        word = next((part for part in pattern.parts if part != rarest and part.startswith("=")), rarest)
        begins.setdefault(rarest, []).append(_Wait(rank, word))
    return {tag: tuple(waiting) for tag, waiting in begins.items()}
