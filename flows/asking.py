"""What answers a question, for each thing a node can ask. True if the message was one; the step is then made. Pure."""

from __future__ import annotations

from collections.abc import Callable

import locales
from flows import answers, codes, hearing, places, report, safe_words, threads
from flows.book import Choice, Node
from flows.categories import current
from flows.effects import LookUp
from flows.lookup import look_up, look_up_case
from flows.model import Details, Place
from flows.moving import advance, go, land, leave_to_menu, run
from flows.shapes import replace
from flows.turn import MORE, PLACES, Turn, indicator, numbered_places


def _choice(turn: Turn, folded: str) -> bool:
    node, chosen = turn.node, turn.event.choice
    if node.save == "category":
        chosen = current(chosen)
        if turn.older and answers.pick_number(folded, turn.book.words.before_digits):
            turn.ask()  # the list that this digit was read from may have stood in another order
            return True
    if chosen not in node.choices and node.choices:
        chosen = answers.match(turn.book, node, turn.lang or "ur", folded)
    return take_choice(turn, chosen)


def take_choice(turn: Turn, chosen: str) -> bool:
    """Answer the open question with the option of this id; False where it has none."""
    option = turn.node.choices.get(chosen)
    if option is None:
        return False
    _take(turn, option)
    return True


def is_offered(turn: Turn, node: Node) -> bool:
    """Whether what was tapped is an option of this question."""
    chosen = turn.event.choice
    if node.ask == "place":
        return chosen == MORE or any(place.id == chosen for place in turn.known.places)
    return any(option.id in {chosen, current(chosen)} for option in node.options)


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
    if not turn.shut:
        advance(turn, option.next)


def _place(turn: Turn, folded: str) -> bool:
    known, tapped, typed = turn.known, turn.event.choice, report.read_item(turn.event).text.strip()
    numbered = numbered_places(known.places)
    number = answers.pick_number(folded, turn.book.words.before_digits) or _number_word(turn, folded)
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
    elif number or turn.event.media or not _has_letters(turn):
        return False
    else:
        meant = places.find(numbered, folded, turn.book.words.beside_places)
        if len(meant.places) > 1 and not turn.misses:
            _ask_back(turn, meant.places)
            return True
        if not meant.named and report.is_doubtful(turn):
            _doubt(turn)
            return True
        sure = len(meant.places) == 1
        answer = Details(place=meant.places[0].id if sure else "", place_text="" if sure and meant.named else typed)
    report.record(turn, "place", answer)
    advance(turn, turn.node.next)
    return True


def _number_word(turn: Turn, folded: str) -> str:
    number = hearing.find_number(turn.book.words, folded, MOST_PLACES) if folded else None
    return str(number or "")


MOST_PLACES = 20  # of a district: Khuzdar has fourteen


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
    """Whether something was written. The title of a button is nobody's words."""
    return not turn.event.choice and any(map(str.isalpha, turn.event.text))


def _doubt(turn: Turn) -> None:
    """Whether it is about a person is asked first, in the words that every report is asked with."""
    report.doubt(turn)
    turn.push()
    land(turn, "doubt.report", ask=True)


def _has_words(turn: Turn) -> bool:
    event = turn.event
    return bool(event.media or event.location or _has_letters(turn) or codes.is_phone(event.text))


def _text(turn: Turn, folded: str) -> bool:
    if _choice(turn, folded):
        return True
    if not _has_words(turn):
        return False
    if not (turn.event.media or turn.event.location) and hearing.only_agrees(turn.book.words, turn.short):
        turn.ask()  # who says yes to "what happened?" has it still to tell
        return True
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
    if not (_has_words(turn) or any(map(str.isdecimal, folded))):
        return False
    turn.misses = 0
    land(turn, "thread.added" if threads.append(turn) else "doubt.thread", ask=True)
    return True


def _word(turn: Turn, folded: str) -> bool:
    if _choice(turn, folded):
        turn.remember(called="")
        return True
    word = safe_words.read(turn)
    if not word:
        return False
    safe_words.keep(turn, word)
    advance(turn, turn.node.next)
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
    if not short.isdecimal():
        short = str(hearing.find_number(turn.book.words, folded, most=9999) or "")  # "code 101", "101 clinic"
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
    node, chosen = turn.node, turn.event.choice
    if chosen not in node.choices:
        chosen = answers.match(turn.book, node, turn.lang or "ur", folded)
    if chosen not in node.choices:
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
    "word": _word,
    "case": _case,
    "facility": _facility,
    "score": _score,
}
