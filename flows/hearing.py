"""What people say, understood: the meaning of a whole message, and what a message names. Pure, from word data alone.

Every function takes the matching key of a text (`locales.fold`). Words that mean more than one thing mean what was
asked; words that fit nothing are nobody's mistake: they are the story.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from enum import StrEnum

import locales
from flows.book import Words
from flows.categories import OFFERED
from flows.lexicon import Heard, Span

SHORT = 240  # letters; what is longer is told, not answered


class Meaning(StrEnum):
    """What a whole message can mean, besides a story."""

    YES = "yes"
    NO = "no"
    DONE = "done"
    NOT_DONE = "not_done"
    HALF = "half"
    ACCEPT = "accept"  # that it cannot be done
    HIGHER = "higher"  # to the office above
    WITHDRAW = "withdraw"  # a wish to take one's own case back
    DONT_KNOW = "dont_know"
    GREETING = "greeting"
    THANKS = "thanks"
    REACTION = "reaction"  # our own words quoted back, or signs alone that answer nothing
    STATUS = "status"  # what became of it?
    LOST_CODE = "lost_code"
    CALL = "call"
    PERSON = "person"
    LANGUAGE = "language"
    STOP = "stop"
    REPORT = "report"  # a wish to complain that says not of what
    NOTHING = "nothing"  # nothing more to tell


# ── what a whole message means ─────────────────────────────────────────────────────────────────────────────────────

# Words that say nothing by themselves, and may stand beside an answer.
TAIL = ("tail", "sign", "please")
_AGREED = (*TAIL, "yes", "send", "tell", "do", "message", "thanks", "me", "is", "you")
_REFUSED = (
    *TAIL,
    "no",
    "not",
    "send",
    "tell",
    "do",
    "message",
    "thanks",
    "me",
    "is",
    "you",
    "now",
    "wait",
    "wrong",
    "wholly",
)
_SMALL = (*TAIL, "greeting", "thanks", "bless", "bestow", "very", "join")
_POLITE = (*_SMALL, "fine", "you", "is")
_ACHIEVED = (
    *_POLITE,
    *_AGREED,
    "done",
    "supply",
    "official",
    "of",
    "one",
    "now",
    "today",
    "matter",
    "complaint",
    "all_of_it",
)
OF_IT = ("of", "is", "one", "me", "this", "matter", "complaint")


# An office or officer is whom one asks for, as well as what one complains of.
_ISSUES = tuple(f"category.{one}" for one in OFFERED if one != "services")


def _names_issue(heard: Heard) -> bool:
    return heard.has(*_ISSUES)


def _yes(heard: Heard) -> bool:
    return heard.has("yes", "send") and heard.covers(_AGREED)


def _no(heard: Heard) -> bool:
    if heard.has("no", "not", "wait", "wrong") and heard.covers(_REFUSED):
        return True
    if _names_issue(heard) or heard.has("danger", "done"):
        return False
    return heard.has("not_here") or (heard.starts("no") and heard.has("excuse"))


def _half(heard: Heard) -> bool:
    return heard.has("half") and not heard.has("not_even", "lie")


def _not_done(heard: Heard) -> bool:
    return (not heard.has("half", "dont_know") and heard.has("not", "no", "lie", "undone")) or heard.has("not_even")


def _done(heard: Heard) -> bool:
    # Only words that were expected: a wrong "done" closes a case, what is not understood is asked once more.
    doubt = ("not", "no", "lie", "undone", "broken", "half", "but", "still", "again", "dont_know", "what_now", "lost")
    return heard.has("done") and not heard.has(*doubt, "danger") and heard.covers(_ACHIEVED)


def _accept(heard: Heard) -> bool:
    against = ("not", "no", "lie", "higher", "but", "still", "again", "dont_know", "danger")
    return heard.has("accept") and not heard.has(*against) and heard.covers((*_POLITE, *_AGREED, *OF_IT, "accept"))


def _stands_before(heard: Heard, place: int, *meanings: str) -> bool:
    return any(start < place for meaning in meanings for start, _ in heard.spans.get(meaning, ()))


def _higher(heard: Heard) -> bool:
    if heard.has("higher"):
        # "No, to the office above" and "I do not accept, higher" ask for it; "not to the office above" does not.
        place = heard.spans["higher"][0][0]
        refuses = all(_stands_before(heard, place, *meanings) for meanings in (("accept", "agree"), ("not", "no")))
        return not heard.has("not", "no") or heard.starts("no") or heard.starts("not") or refuses
    return heard.has("lie") or (heard.has("accept", "agree") and heard.has("not", "no"))


def _withdraw(heard: Heard) -> bool:
    # Nothing beside it: who says that somebody wants it taken back tells a story.
    beside = (*_POLITE, *OF_IT, "taking_back", "take_back", "want", "do", "now", "code", "digits")
    return heard.has("take_back") and not heard.has("danger", "warn") and heard.covers(beside)


def _dont_know(heard: Heard) -> bool:
    return heard.has("dont_know") and not heard.has("half", "done", "lie")


def _greeting(heard: Heard) -> bool:
    return heard.has("greeting") and not heard.has("thanks") and heard.covers((*_SMALL, "courtesy"))


def _thanks(heard: Heard) -> bool:
    meant = heard.has("thanks") or (heard.has("fine", "bless") and not heard.has("greeting"))
    return meant and heard.covers(_POLITE)


def _reaction(heard: Heard) -> bool:
    if heard.covers(("sign", "yes_sign", "no_sign", "thanks_sign")):
        return True
    # Telephones without reactions write them in English: Liked “…”. What we say does not begin in Latin letters.
    quoted = heard.tokens[1:2]
    return heard.starts("reacted") and any(not token.isascii() or token.isdecimal() for token in quoted)


def _status(heard: Heard) -> bool:
    if heard.has("ask_status") and not heard.has("danger", "nay"):
        return True
    return heard.has("what_became") and heard.covers(
        (*TAIL, "what_became", *OF_IT, "going", "see", "want", "you", "greeting", "digits", "code")
    )


def _lost_code(heard: Heard) -> bool:
    return heard.has("lost_code") and not _names_issue(heard) and not heard.has("danger")


def _call(heard: Heard) -> bool:
    if heard.has("no_call") and not heard.has("hour"):
        return False
    return heard.has("call_me") and not _names_issue(heard) and not heard.has("danger")


def _person(heard: Heard) -> bool:
    return heard.has("to_person") and not _names_issue(heard) and not heard.has("danger")


def _language(heard: Heard) -> bool:
    if _names_issue(heard) or not heard.has("tongue"):
        return False
    return heard.has("speak") or heard.covers((*TAIL, "tongue", "of", "is", "me"))


def _stop(heard: Heard) -> bool:
    # "Do not send it higher" is about a case, not about our messages.
    return heard.has("stop_it") and not _names_issue(heard) and not heard.has("danger", "call_me", "higher")


def _report(heard: Heard) -> bool:
    return heard.has("complaint") and heard.covers((*TAIL, *OF_IT, "greeting", "want", "very"))


def _nothing(heard: Heard) -> bool:
    return heard.has("nothing", "no") and heard.covers((*TAIL, "nothing", "no", "thanks", "is"))


# In this order: what was asked, then wishes, then small talk.
_MEANS: dict[Meaning, Callable[[Heard], bool]] = {
    Meaning.DONE: _done,
    Meaning.ACCEPT: _accept,
    Meaning.HIGHER: _higher,
    Meaning.YES: _yes,
    Meaning.DONT_KNOW: _dont_know,
    Meaning.NO: _no,
    Meaning.HALF: _half,
    Meaning.NOT_DONE: _not_done,
    Meaning.NOTHING: _nothing,
    Meaning.WITHDRAW: _withdraw,
    Meaning.STOP: _stop,
    Meaning.LOST_CODE: _lost_code,
    Meaning.STATUS: _status,
    Meaning.CALL: _call,
    Meaning.PERSON: _person,
    Meaning.LANGUAGE: _language,
    Meaning.REPORT: _report,
    Meaning.THANKS: _thanks,
    Meaning.GREETING: _greeting,
    Meaning.REACTION: _reaction,
}


# What must be heard at least for each of these; most messages have nothing of it, and are asked no further.
_HINTS: dict[Meaning, tuple[str, ...]] = {
    Meaning.DONE: ("done",),
    Meaning.ACCEPT: ("accept",),
    Meaning.HIGHER: ("higher", "lie", "accept", "agree"),
    Meaning.YES: ("yes", "send"),
    Meaning.DONT_KNOW: ("dont_know",),
    Meaning.NO: ("no", "not", "wait", "wrong", "not_here"),
    Meaning.HALF: ("half",),
    Meaning.NOT_DONE: ("not", "no", "lie", "undone", "not_even"),
    Meaning.NOTHING: ("nothing", "no"),
    Meaning.WITHDRAW: ("take_back",),
    Meaning.STOP: ("stop_it",),
    Meaning.LOST_CODE: ("lost_code",),
    Meaning.STATUS: ("ask_status", "what_became"),
    Meaning.CALL: ("call_me",),
    Meaning.PERSON: ("to_person",),
    Meaning.LANGUAGE: ("tongue",),
    Meaning.REPORT: ("complaint",),
    Meaning.THANKS: ("thanks", "fine", "bless"),
    Meaning.GREETING: ("greeting",),
    Meaning.REACTION: ("sign", "yes_sign", "no_sign", "thanks_sign", "reacted"),
}
_HINTED = {hint: frozenset(one for one in _HINTS if hint in _HINTS[one]) for hints in _HINTS.values() for hint in hints}


def hear(words: Words, folded: str, among: Collection[Meaning]) -> Meaning | None:
    """What a whole message means, of the meanings that are possible where it was said; None is something else."""
    if not folded or len(folded) > SHORT:
        return None
    heard = words.heard.read(folded)
    hinted = {one for hint in heard.spans if hint in _HINTED for one in _HINTED[hint] if one in among}
    if not hinted:
        return None
    # "All right" to how it ended may only say that it was read.
    read = (Meaning.DONE in among or Meaning.ACCEPT in among) and not heard.has("agree", "send")
    for meaning, means in _MEANS.items():
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
    *_SMALL,
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
    told = heard.has("done", "not", "danger") or _names_issue(heard)
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
    return _yes(heard) and not heard.has("send", "message")


def asks_when(words: Words, folded: str) -> bool:
    """Whether a message asks what became of it, and names no complaint or number: it means what was spoken of."""
    heard = words.heard.read(folded)
    return _status(heard) and not heard.has("ask_status", "complaint", "code")


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
