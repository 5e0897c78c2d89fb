"""What people really type: ۲, ٢, "2.", "(2)", "number 2", the word. Exact, never by substring: "10" is not "1"."""

from __future__ import annotations

from collections.abc import Iterable

from flows import codes
from flows.book import Book, Choice

# Longer than any option's text or universal word: there is no point in looking further, and a flood costs nothing.
SHORT = 80
_DIGITS = 4  # digits of an answer; a longer number is a code or somebody's phone


def strip_before_digits(words: list[str], before: Iterable[str]) -> list[str]:
    """`["number", "1"]` is `["1"]`, and so is `["1", "number"]`; anything else as it is."""
    if len(words) == 2 and not set(before).isdisjoint(words):
        return [word for word in words if word.isdecimal()] or words
    return words


def index(
    options: Iterable[Choice],
    own: dict[str, str],
    others: Iterable[dict[str, str]],
    book_words: dict[str, tuple[str, ...]],
) -> dict[str, str]:
    """Folded answer → option id. `own` and `others` map text keys to folded texts: the language's, and the rest.

    Digits win over words, the citizen's language over the others; a word that two options of another language share
    picks neither.
    """
    options = tuple(options)
    found = {option.digit: option.id for option in options}
    for option in options:
        found.setdefault(own.get(option.text, ""), option.id)
        for word in book_words.get(option.text, ()):
            found.setdefault(word, option.id)
    foreign: dict[str, set[str]] = {}
    for texts in others:
        for option in options:
            foreign.setdefault(texts.get(option.text, ""), set()).add(option.id)
    for word, ids in foreign.items():
        if len(ids) == 1:
            found.setdefault(word, next(iter(ids)))
    found.pop("", None)
    return found


def match(found: dict[str, str], folded: str, before: tuple[str, ...]) -> str:
    """The option id that a folded answer picks, or ""."""
    picked = found.get(folded)
    if picked is not None:
        return picked
    words = strip_before_digits(folded.split(), before)
    if len(words) == 1:
        return found.get(words[0], "")
    # "1 Water", as a row is copied: both halves must mean the same option.
    for digit, rest in ((words[0], words[1:]), (words[-1], words[:-1])) if words else ():
        if digit.isdecimal() and digit in found and found[digit] == found.get(" ".join(rest), ""):
            return found[digit]
    return ""


def pick_number(folded: str, before: tuple[str, ...]) -> str:
    """The number a folded answer consists of, at most four digits, without leading zeros ("0" stays), or ""."""
    words = strip_before_digits(folded.split(), before)
    if len(words) == 1 and words[0].isdecimal() and len(words[0]) <= _DIGITS:
        return words[0].lstrip("0") or "0"
    return ""


def status_code(book: Book, text: str, folded: str) -> str | None:
    """The digits behind a STATUS word ("STATUS 4821 …"), or of a bare valid code; None if the text is neither."""
    if not any(map(str.isdecimal, folded)):
        return None
    bare = codes.typed(text)
    if bare:
        return bare if codes.valid(bare) else None
    words = folded.split()
    for cut in range(len(words) - 1, 0, -1):
        if book.words.universal.get(" ".join(words[:cut])) == "status":
            rest = words[cut:]
            if len(rest) > 1 and rest[0] in book.words.before_digits:
                rest = rest[1:]
            return "".join(rest) if all(word.isdecimal() for word in rest) else None
    return None


def is_story(book: Book, folded: str) -> bool:
    """Longer than a greeting: words that somebody came to say."""
    return folded not in book.words.greetings and sum(map(str.isalpha, folded)) > book.story_letters
