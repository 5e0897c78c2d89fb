"""What a whole message can mean, and what must be heard for each meaning. Pure: predicates over what was heard."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from flows.categories import OFFERED
from flows.lexicon import Heard


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
SMALL = (*TAIL, "greeting", "thanks", "bless", "bestow", "very", "join")
_POLITE = (*SMALL, "fine", "you", "is")
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


def names_issue(heard: Heard) -> bool:
    return heard.has(*_ISSUES)


def is_yes(heard: Heard) -> bool:
    return heard.has("yes", "send") and heard.covers(_AGREED)


def _no(heard: Heard) -> bool:
    if heard.has("no", "not", "wait", "wrong") and heard.covers(_REFUSED):
        return True
    if names_issue(heard) or heard.has("danger", "done"):
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
    return heard.has("greeting") and not heard.has("thanks") and heard.covers((*SMALL, "courtesy"))


def _thanks(heard: Heard) -> bool:
    meant = heard.has("thanks") or (heard.has("fine", "bless") and not heard.has("greeting"))
    return meant and heard.covers(_POLITE)


def _reaction(heard: Heard) -> bool:
    if heard.covers(("sign", "yes_sign", "no_sign", "thanks_sign")):
        return True
    # Telephones without reactions write them in English: Liked “…”. What we say does not begin in Latin letters.
    quoted = heard.tokens[1:2]
    return heard.starts("reacted") and any(not token.isascii() or token.isdecimal() for token in quoted)


def is_status(heard: Heard) -> bool:
    if heard.has("ask_status") and not heard.has("danger", "nay"):
        return True
    return heard.has("what_became") and heard.covers(
        (*TAIL, "what_became", *OF_IT, "going", "see", "want", "you", "greeting", "digits", "code")
    )


def _lost_code(heard: Heard) -> bool:
    return heard.has("lost_code") and not names_issue(heard) and not heard.has("danger")


def _call(heard: Heard) -> bool:
    if heard.has("no_call") and not heard.has("hour"):
        return False
    return heard.has("call_me") and not names_issue(heard) and not heard.has("danger")


def _person(heard: Heard) -> bool:
    return heard.has("to_person") and not names_issue(heard) and not heard.has("danger")


def _language(heard: Heard) -> bool:
    if names_issue(heard) or not heard.has("tongue"):
        return False
    return heard.has("speak") or heard.covers((*TAIL, "tongue", "of", "is", "me"))


def _stop(heard: Heard) -> bool:
    # "Do not send it higher" is about a case, not about our messages.
    return heard.has("stop_it") and not names_issue(heard) and not heard.has("danger", "call_me", "higher")


def _report(heard: Heard) -> bool:
    return heard.has("complaint") and heard.covers((*TAIL, *OF_IT, "greeting", "want", "very"))


def _nothing(heard: Heard) -> bool:
    return heard.has("nothing", "no") and heard.covers((*TAIL, "nothing", "no", "thanks", "is"))


# In this order: what was asked, then wishes, then small talk.
MEANS: dict[Meaning, Callable[[Heard], bool]] = {
    Meaning.DONE: _done,
    Meaning.ACCEPT: _accept,
    Meaning.HIGHER: _higher,
    Meaning.YES: is_yes,
    Meaning.DONT_KNOW: _dont_know,
    Meaning.NO: _no,
    Meaning.HALF: _half,
    Meaning.NOT_DONE: _not_done,
    Meaning.NOTHING: _nothing,
    Meaning.WITHDRAW: _withdraw,
    Meaning.STOP: _stop,
    Meaning.LOST_CODE: _lost_code,
    Meaning.STATUS: is_status,
    Meaning.CALL: _call,
    Meaning.PERSON: _person,
    Meaning.LANGUAGE: _language,
    Meaning.REPORT: _report,
    Meaning.THANKS: _thanks,
    Meaning.GREETING: _greeting,
    Meaning.REACTION: _reaction,
}


# What must be heard at least for each of these; most messages have nothing of it, and are asked no further.
HINTS: dict[Meaning, tuple[str, ...]] = {
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
HINTED = {hint: frozenset(one for one in HINTS if hint in HINTS[one]) for hints in HINTS.values() for hint in hints}
