"""What answers a question, for each thing a node can ask. True if the message was one; the step is then made. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flows import answers, codes, report, threads
from flows.book import Choice
from flows.effects import LookUp
from flows.lookup import look_up, look_up_case
from flows.model import Details
from flows.moving import advance, go, land, leave_to_menu, run
from flows.turn import PLACES, Turn, indicator


def _choice(turn: Turn, folded: str) -> bool:
    options = {option.id for option in turn.node.options}
    chosen = turn.event.choice
    if chosen not in options and turn.node.options:
        chosen = answers.match(turn.book, turn.node, turn.lang or "ur", folded)
    return take_choice(turn, chosen)


def take_choice(turn: Turn, chosen: str) -> bool:
    """Answer the open question with the option of this id; False where it has none."""
    for option in turn.node.options:
        if option.id == chosen:
            _take(turn, option)
            return True
    return False


# What a choice is kept as, by the `save` of its node: the name of a field of Details, but for "kind".
SAVED: dict[str, Callable[[str], Details]] = {
    "category": lambda choice: Details(category=choice),
    "kind": lambda choice: Details(about=choice),
    "may_message": lambda choice: Details(may_message=choice == "yes"),
}


def _take(turn: Turn, option: Choice) -> None:
    node = turn.node
    if node.save in SAVED:
        report.record(turn, node.save, SAVED[node.save](option.id))
    elif node.sealed:
        report.seal(turn, node.name.partition(".")[2], details=Details(about=option.id))
    if turn.shut:
        return
    report.clear(turn, option.clear)
    run(turn, node.effect, option.id)
    run(turn, option.effect, option.id)
    advance(turn, option.next)


def _place(turn: Turn, folded: str) -> bool:
    known, tapped = turn.known.places[:PLACES], turn.event.choice
    if turn.event.location:
        report.record(turn, "place", Details(location=turn.event.location, place_text=turn.event.text.strip()))
    elif any(place.id == tapped for place in known):
        report.record(turn, "place", Details(place=tapped))
    elif number := answers.pick_number(folded, turn.book.words.before_digits):
        if not 1 <= int(number) <= len(known):
            return False
        report.record(turn, "place", Details(place=known[int(number) - 1].id))
    elif named := answers.match_place(turn.book, turn.known.places, folded):
        report.record(turn, "place", Details(place=named.id))
    elif _has_letters(turn) and not turn.event.media:
        if report.is_doubtful(turn):
            _doubt(turn)
            return True
        report.record(turn, "place", Details(place_text=turn.event.text.strip()))
    else:
        return False
    advance(turn, turn.node.next)
    return True


def _has_letters(turn: Turn) -> bool:
    return any(map(str.isalpha, turn.event.text))


def _doubt(turn: Turn) -> None:
    """Whether it is about a person is asked first, in the words that every report is asked with."""
    report.doubt(turn)
    turn.push()
    land(turn, "doubt.report", ask=True)


def _has_words(turn: Turn) -> bool:
    return bool(turn.event.media or turn.event.location or _has_letters(turn))


def _text(turn: Turn, folded: str) -> bool:
    if _choice(turn, folded):
        return True
    if not _has_words(turn):
        return False
    if report.is_doubtful(turn):
        _doubt(turn)
        return True
    report.add_words(turn, "story")
    if not turn.shut:
        advance(turn, turn.node.next)
    return True


def _more(turn: Turn, _: str) -> bool:
    if not _has_words(turn):
        leave_to_menu(turn)
        return True
    report.hold(turn)
    if not turn.shut:
        advance(turn, turn.node.next)
    return True


def _thread(turn: Turn, folded: str) -> bool:
    """More for the case in hand, or one of the node's options."""
    if _choice(turn, folded):
        return True
    if not _has_words(turn):
        return False
    turn.misses = 0
    land(turn, "thread.added" if threads.append(turn) else "doubt.thread", ask=True)
    return True


def _case(turn: Turn, folded: str) -> bool:
    if _choice(turn, folded):
        return True
    code = codes.typed(turn.event.text) or codes.find(turn.event.text) or ""
    if len(code) < _CODE_LEAST:
        return False
    look_up_case(turn, code)
    return True


_CODE_LEAST = 5  # digits: fewer are an answer to something else


def _facility(turn: Turn, folded: str) -> bool:
    words = answers.strip_before_digits(folded.split(), turn.book.words.before_digits)
    short = "".join(words)
    if not (short.isdecimal() and 3 <= len(short) <= 4):
        return False
    look_up(turn, LookUp("facility", short))
    return True


def _score(turn: Turn, folded: str) -> bool:
    asked, rating = indicator(turn), turn.memory.rating
    if not asked or rating is None or turn.known.round is None or rating.round != turn.known.round.id:
        turn.forget()
        go(turn, turn.book.starts["rate"])
        return True
    options = {option.id for option in turn.node.options}
    chosen = turn.event.choice
    if chosen not in options:
        chosen = answers.match(turn.book, turn.node, turn.lang or "ur", folded)
    if chosen not in options:
        return False
    turn.remember(rating=replace(rating, scores={**rating.scores, asked: int(chosen)}))
    advance(turn, turn.node.next)
    return True


ASKS: dict[str, Callable[[Turn, str], bool]] = {
    "choice": _choice,
    "place": _place,
    "text": _text,
    "more": _more,
    "thread": _thread,
    "case": _case,
    "facility": _facility,
    "score": _score,
}
