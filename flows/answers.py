"""What people really type: ۲, ٢, "2.", "(2)", "number 2", the word. Exact, never by substring: "10" is not "1"."""

from __future__ import annotations

from collections.abc import Iterable

from flows import codes, hearing, kinds
from flows.book import Book, Choice, Node, Words
from flows.meanings import Meaning

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
) -> dict[str, str]:
    """Folded answer → option id. `own` and `others` map text keys to folded texts: the language's, and the rest.

    Digits win over words, the citizen's language over the others; a word that two options of another language share
    picks neither.
    """
    options = tuple(options)
    found = {option.digit: option.id for option in options}
    for option in options:
        found.setdefault(own.get(option.text, ""), option.id)
    foreign: dict[str, set[str]] = {}
    for texts in others:
        for option in options:
            foreign.setdefault(texts.get(option.text, ""), set()).add(option.id)
    for word, ids in foreign.items():
        if len(ids) == 1:
            found.setdefault(word, next(iter(ids)))
    found.pop("", None)
    return found


def match(book: Book, node: Node, lang: str, folded: str) -> str:
    """The option of a node that a folded answer picks, by digit, by its text or in other words; or ""."""
    found = book.matches[node.name, lang]
    picked = found.get(folded)
    if picked is not None or not folded:
        return picked or ""
    words = strip_before_digits(folded.split(), book.words.before_digits)
    if len(words) == 1 and words[0] in found:
        return found[words[0]]
    # "1 Water", as a row is copied: both halves must mean the same option.
    for digit, rest in ((words[0], words[1:]), (words[-1], words[:-1])) if words else ():
        if digit.isdecimal() and digit in found and found[digit] == found.get(" ".join(rest), ""):
            return found[digit]
    if heard := _hear_option(book.words, node, folded):
        return heard
    number = hearing.find_number(book.words, folded, max(int(option.digit) for option in node.options))
    return found.get(str(number), "")


# What a whole message can mean that picks an option, by the key of the option's text.
MEANT: dict[str, tuple[Meaning, ...]] = {
    "answer.yes": (Meaning.YES,),
    "answer.no": (Meaning.NO,),
    "case.confirm_yes": (Meaning.YES, Meaning.DONE),
    "case.confirm_no": (Meaning.NO, Meaning.NOT_DONE),
    "case.confirm_half": (Meaning.HALF,),
    "case.confirm_unknown": (Meaning.DONT_KNOW,),
    "case.accept_yes": (Meaning.YES, Meaning.ACCEPT),
    "case.accept_higher": (Meaning.NO, Meaning.HIGHER),
    "call.none": (Meaning.NO,),
    "call.wish": (Meaning.CALL,),
    "call.word_none": (Meaning.NO, Meaning.NOTHING, Meaning.DONT_KNOW),
    "follow.lost": (Meaning.LOST_CODE, Meaning.NO),
    "help.person": (Meaning.YES, Meaning.PERSON),
    "menu.report": (Meaning.REPORT,),
    "menu.status": (Meaning.STATUS,),
    "menu.language": (Meaning.LANGUAGE,),
    "miss.try": (Meaning.NO,),
    "report.doubt.person": (Meaning.YES,),
    "report.doubt.service": (Meaning.NO,),
    "report.story.nothing": (Meaning.NOTHING, Meaning.NO),
}
_KINDS = frozenset({"person", "service"})
_LANGUAGE = "language."


def _hear_option(words: Words, node: Node, folded: str) -> str:
    ids = {option.text: option.id for option in node.options}
    among = {meaning: ids[text] for text in ids for meaning in MEANT.get(text, ())}
    if among and (heard := hearing.hear(words, folded, among)):
        return among[heard]
    named = hearing.find_named(words, folded, ids)
    if not named and {*ids.values()} == _KINDS:
        return kinds.find_kind(words, folded)
    if not named and any(text.startswith(_LANGUAGE) for text in ids):
        wished = hearing.hear(words, folded, {Meaning.LANGUAGE})
        named = f"{_LANGUAGE}{hearing.find_language(words, folded)}" if wished else ""
    return ids.get(named, "")


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
