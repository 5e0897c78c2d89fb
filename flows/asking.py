"""What answers a question, for each thing a node can ask. True if the message was one; the step is then made. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import locales
from flows import answers, codes, places, report
from flows.book import Choice
from flows.effects import LookUp
from flows.model import Details, Place
from flows.moving import advance, go, leave_to_menu, run
from flows.turn import CASES, MORE, PLACES, Turn, indicator, numbered_places


def _choice(turn: Turn, folded: str) -> bool:
    node, tapped = turn.node, turn.event.choice
    options = {option.id: option for option in node.options}
    if tapped not in options:
        found = turn.book.matches[node.name, turn.lang or "ur"]
        tapped = answers.match(found, folded, turn.book.words.before_digits)
    if tapped not in options:
        return False
    _take(turn, options[tapped])
    return True


# What a choice is kept as, by the `save` of its node: the name of a field of Details, but for "kind".
SAVED: dict[str, Callable[[str], Details]] = {
    "category": lambda choice: Details(category=choice),
    "kind": lambda choice: Details(about=choice),
    "may_message": lambda choice: Details(may_message=choice == "yes"),
}


def _take(turn: Turn, option: Choice) -> None:
    node = turn.node
    if node.save:
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
    known, tapped, typed = turn.known, turn.event.choice, turn.event.text.strip()
    numbered = numbered_places(known.places)
    number = answers.pick_number(folded, turn.book.words.before_digits)
    if turn.event.location:
        near = places.nearest(known.places, turn.event.location)
        answer = Details(place=near.id if near else "", location=turn.event.location, place_text=typed)
    elif any(place.id == tapped for place in known.places):
        answer = Details(place=tapped)
    elif len(known.places) > PLACES and (tapped == MORE or number == str(PLACES) or _is_turning(turn, folded)):
        _turn_page(turn)
        return True
    elif number in numbered:
        answer = Details(place=numbered[number].id)
    elif number or turn.event.media or not _has_letters(turn) or folded in turn.book.words.greetings:
        return False
    else:
        meant = places.find(numbered, folded, turn.book.words.beside_places)
        if len(meant.places) > 1 and not turn.misses:
            _ask_back(turn, meant.places)
            return True
        if not meant.named and report.is_dangerous(turn) and not report.enter(turn):
            return True
        sure = len(meant.places) == 1
        answer = Details(place=meant.places[0].id if sure else "", place_text="" if sure and meant.named else typed)
    report.record(turn, "place", answer)
    advance(turn, turn.node.next)
    return True


def _is_turning(turn: Turn, folded: str) -> bool:
    texts = (locales.say(key, lang) for key in ("place.first", "place.more") for lang in locales.ALL_LANGS)
    return folded in map(turn.book.fold, texts)


def _turn_page(turn: Turn) -> None:
    """The next places, and after the last the first again."""
    pages = -(-len(turn.known.places) // (PLACES - 1))
    turn.remember(page=(turn.memory.page + 1) % pages)
    turn.misses = 0
    turn.ask()


def _ask_back(turn: Turn, meant: tuple[Place, ...]) -> None:
    """Which of the places that fit alike. Once: what fits two again is kept as it was written."""
    turn.meant = meant
    turn.misses += 1
    turn.ask()


def _has_letters(turn: Turn) -> bool:
    return any(map(str.isalpha, turn.event.text))


def _text(turn: Turn, folded: str) -> bool:
    event = turn.event
    if not (event.media or event.location or (_has_letters(turn) and folded not in turn.book.words.greetings)):
        return False
    report.add_words(turn, "story")
    if not turn.shut:
        advance(turn, turn.node.next)
    return True


def _more(turn: Turn, _: str) -> bool:
    book, event = turn.book, turn.event
    if not (event.media or event.location or answers.is_story(book, turn.folded) or report.is_dangerous(turn)):
        leave_to_menu(turn)
        return True
    report.hold(turn)
    if not turn.shut:
        advance(turn, turn.node.next)
    return True


def _case(turn: Turn, folded: str) -> bool:
    own = [code for code, _ in turn.known.cases[:CASES]]
    tapped = turn.event.choice
    number = answers.pick_number(folded, turn.book.words.before_digits)
    if tapped in own:
        code = tapped
    elif number and turn.node.name.endswith(".pick") and 1 <= int(number) <= len(own):
        code = own[int(number) - 1]
    else:
        code = codes.typed(turn.event.text) or codes.find(turn.event.text) or ""
    if not code or (number and code == number):
        return False
    look_up_case(turn, code)
    return True


def look_up_case(turn: Turn, code: str) -> None:
    """Ask the world about a code; one with a wrong check digit needs no asking."""
    turn.misses = 0
    if codes.valid(code):
        turn.remember(look=code)
        _look_up(turn, LookUp("case", code))
    else:
        turn.looked_up = code
        go(turn, "status.none")


def _look_up(turn: Turn, wanted: LookUp) -> None:
    turn.do(wanted)
    if turn.says:  # what opened the conversation is said with the answer: one message, not two
        turn.remember(opening=turn.says[0].key)
        turn.says = []


def _facility(turn: Turn, folded: str) -> bool:
    words = answers.strip_before_digits(folded.split(), turn.book.words.before_digits)
    short = "".join(words)
    if not (short.isdecimal() and 3 <= len(short) <= 4):
        return False
    _look_up(turn, LookUp("facility", short))
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
        found = turn.book.matches[turn.node.name, turn.lang or "ur"]
        chosen = answers.match(found, folded, turn.book.words.before_digits)
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
    "case": _case,
    "facility": _facility,
    "score": _score,
}
