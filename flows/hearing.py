"""What people say, understood: the meaning of a whole message, and what a message names. Pure, from word data alone.

Every function takes the matching key of a text (`locales.fold`). Words that mean more than one thing mean what was
asked; words that fit nothing are nobody's mistake: they are the story.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import locales
from flows.book import Words
from flows.categories import OFFERED
from flows.lexicon import Heard, Span
from flows.meanings import HINTED, MEANS, OF_IT, SMALL, TAIL, Meaning, is_status, is_yes, names_issue

SHORT = 240  # letters; what is longer is told, not answered


def hear(words: Words, folded: str, among: Collection[Meaning]) -> Meaning | None:
    """What a whole message means, of the meanings that are possible where it was said; None is something else."""
    if not folded or len(folded) > SHORT:
        return None
    heard = words.heard.read(folded)
    hinted = {one for hint in heard.spans if hint in HINTED for one in HINTED[hint] if one in among}
    if not hinted:
        return None
    # "All right" to how it ended may only say that it was read.
    read = (Meaning.DONE in among or Meaning.ACCEPT in among) and not heard.has("agree", "send")
    for meaning, means in MEANS.items():
        if meaning in hinted and means(heard) and not (read and meaning is Meaning.YES):
            return meaning
    return None


# ── what a message names ───────────────────────────────────────────────────────────────────────────────────────────


def find_named(words: Words, folded: str, texts: Iterable[str]) -> str:
    """The one of these options, by the keys of their texts, that a message says and nothing else; or ""."""
    heard = words.heard.read(folded)
    named = [text for text in texts if heard.has(text, f"alone.{text}") and heard.covers(_naming(text))]
    return named[0] if len(named) == 1 else ""


# "I want water" is a complaint, "I want to rate" is a choice; "it is a new complaint" says that it is new.
_BESIDE = {
    "menu.": ("want", "is", "me"),
    "call.word": ("want", "is", "me", "do", "not", "safe_word"),
    "report.more.": ("is", "one", "complaint"),
    "thread.new": ("is", "one", "complaint"),
    "score.": ("is", "one", "all_of_it", "me"),
}


def _naming(text: str) -> tuple[str, ...]:
    beside = next((more for start, more in _BESIDE.items() if text.startswith(start)), ())
    return (*TAIL, text, f"alone.{text}", "of", "matter", *beside)


def is_dangerous(words: Words, folded: str) -> bool:
    """Whether words of a message speak of harm that somebody does: what leads towards protection, never away.

    A phrase that says it outright counts. Words that only stand near each other are read again without what is
    everyday's own: in «ہسپتال لے جانے» nobody is taken away, and a shopkeeper who asks money names a price.
    """
    heard = words.heard.read(folded)
    dangers = heard.spans.get("danger", ())
    aside = _everyday(heard)
    if not dangers or not aside or any(end > start for start, end in dangers):
        return bool(dangers)
    rest = [
        "." if any(start <= place < end for start, end in aside) else token for place, token in enumerate(heard.tokens)
    ]
    return words.heard.read(" ".join(rest)).has("danger")


def _everyday(heard: Heard) -> list[Span]:
    """Where a message says what is harmless; with a seller in it, and no office beside, that is the money as well."""
    sellers, officials = heard.spans.get("seller", ()), heard.spans.get("official", ())
    sells = sellers and all(any(s <= start and end <= e for s, e in sellers) for start, end in officials)
    priced = ("money", "seller") if sells and not heard.has("free") else ()
    return [span for meaning in ("harmless", *priced) for span in heard.spans.get(meaning, ())]


_BESIDE_CODE = (
    *SMALL,
    *OF_IT,
    "code",
    "you",
    "tell",
    "inquire",
    "see",
    "want",
    "do",
    "complaint",
    "what_now",
    "what_became",
)


def asks_after(words: Words, folded: str) -> bool:
    """Whether what stands beside the number of a case only asks after it, or says that it is the number."""
    heard = words.heard.read(folded)
    told = heard.has("done", "not", "danger") or names_issue(heard)
    return heard.covers(_BESIDE_CODE) and (not told or heard.has("what_now", "what_became"))


def find_category(words: Words, folded: str) -> str:
    """The issue that a word of a message names, where exactly one is named; of two words the longer one counts."""
    heard = words.heard.read(folded)
    found = [(span, one) for one in OFFERED for span in heard.spans.get(f"category.{one}", ())]
    spans = {span for span, _ in found}
    longest = max((end - start for start, end in spans), default=0)
    named = {one for span, one in found if not _is_inside(span, spans, longest)}
    return named.pop() if len(named) == 1 else ""


def _is_inside(span: Span, spans: Collection[Span], longest: int) -> bool:
    """Whether a longer one of these spans holds this one. Only those near it are looked at: there may be thousands."""
    start, end = span
    return any(
        (first, last) in spans and (first, last) != span
        for first in range(max(0, end - longest), start + 1)
        for last in range(end, first + longest + 1)
    )


def only_agrees(words: Words, folded: str) -> bool:
    """Whether a message is a yes and nothing else: it tells nothing, and asks for nothing to be sent."""
    heard = words.heard.read(folded)
    return is_yes(heard) and not heard.has("send", "message")


def asks_when(words: Words, folded: str) -> bool:
    """Whether a message asks what became of it, and names no complaint or number: it means what was spoken of."""
    heard = words.heard.read(folded)
    return is_status(heard) and not heard.has("ask_status", "complaint", "code")


def find_correction(words: Words, folded: str, said: str) -> str:
    """The issue that a message names instead of the one that we said back: alone, or after a no; or ""."""
    heard = words.heard.read(folded)
    named = [one for one in OFFERED if heard.has(f"category.{one}", f"alone.category.{one}")]
    refused = {span for meaning in ("no", "not") for span in heard.spans.get(meaning, ())}
    beside = (*TAIL, *OF_IT, "fine", "agree", "no", "not")
    begun = heard.starts("no") or heard.starts("not") or heard.starts(f"category.{said}")
    if len(refused) > 1 or (refused and not begun) or not heard.covers((*beside, *map(_issue, named))):
        return ""
    others = [one for one in named if one != said] or named
    return others[0] if len(others) == 1 else ""


def _issue(one: str) -> str:
    return f"category.{one}"


def find_language(words: Words, folded: str) -> str:
    """The language that a message asks for, one of ours; "" where none is named, or only what somebody cannot read."""
    heard = words.heard.read(folded)
    refused = [start for start, _ in heard.spans.get("not", ())]
    named = {lang: [start for start, _ in heard.spans.get(f"language.{lang}", ())] for lang in locales.LANGS}
    places = sorted(place for found in named.values() for place in found)
    wanted = {
        lang
        for lang, found in named.items()
        for place in found
        if not any(place < no <= place + 3 and not any(place < other < no for other in places) for no in refused)
    }
    return wanted.pop() if len(wanted) == 1 else ""


NUMBERS = range(1, 11)
_NUMBERED = (*TAIL, "digits", "counted", "yes_sign", "fine", *(f"number.{number}" for number in NUMBERS))
_OUT_OF_FIVE = 5


def find_number(words: Words, folded: str, most: int = 10) -> int | None:
    """The number from 1 to `most` that a message consists of: digits, a number word, stars, "5/5"; None otherwise."""
    if not folded or len(folded) > 40:
        return None
    heard = words.heard.read(folded)
    if heard.covers(("star",)):
        return len(heard.tokens) if len(heard.tokens) <= min(most, _OUT_OF_FIVE) else None
    if not heard.covers((*_NUMBERED, "facility") if most > NUMBERS[-1] else _NUMBERED):
        return None
    said = [int(heard.tokens[place]) for place, _ in heard.spans.get("digits", ())]
    said += [number for number in NUMBERS for _ in heard.spans.get(f"number.{number}", ())]
    if len(said) == 2 and said[1] == most == _OUT_OF_FIVE:
        said = said[:1]
    return said[0] if len(set(said)) == 1 and 1 <= said[0] <= most else None
