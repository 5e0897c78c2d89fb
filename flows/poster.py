"""A poster's digits in one message: "3 1 6" is a language, an issue and a place, "101" a facility. Pure."""

from __future__ import annotations

from itertools import takewhile

from flows import answers, report
from flows.effects import LookUp, SetLanguage
from flows.lookup import look_up
from flows.model import Details
from flows.moving import go
from flows.turn import FIRST, LANGUAGE, REPORT, Turn, numbered_places

_OPENING = frozenset({FIRST, LANGUAGE, REPORT})
_DIGITS = 2  # of each number: a telephone's are more
_FACILITY = (3, 4)


def read_digits(turn: Turn) -> bool:
    """Take two or three numbers that are parted by a space, comma, star or dash; False where they are none of these.

    Words behind all three are the story. Glued digits are not taken apart: "316" may be the code of a facility.
    """
    opening = turn.fresh or (turn.node.name in _OPENING and not turn.report.code)
    if not opening or " " not in turn.short:
        return False
    said = turn.short.split()
    numbers = list(takewhile(_is_short, said))
    words = len(numbers) < len(said)
    # Words may follow all three numbers only: "2 3 days" is no issue in a place.
    if not 2 + words <= len(numbers) <= 3:
        return False
    wanted: tuple[str, ...] = ("lang", "category", "place")
    wanted = wanted if len(numbers) == len(wanted) else wanted[1:] if turn.lang else wanted[:2]
    picked = dict(zip(wanted, map(int, numbers), strict=True))
    languages, categories = turn.book.tables["languages"], turn.book.tables["categories"]
    places = numbered_places(turn.known.places)
    lang = _pick(languages, picked["lang"]) if "lang" in picked else turn.lang
    category = _pick(categories, picked["category"])
    place = places.get(str(picked["place"])) if "place" in picked else None
    if not lang or not category or ("place" in picked and place is None):
        return False
    turn.misses = 0
    turn.answered = True
    if lang != turn.lang:
        turn.lang = lang
        turn.do(SetLanguage(lang))
    if words:
        report.tell(turn)
        if turn.shut:
            return True
        turn.update(heard="")
        turn.say("welcome.code")
    report.record(turn, "category", Details(category=category))
    if place is not None:
        report.record(turn, "place", Details(place=place.id))
        turn.update(placed=True)
    turn.trail = [REPORT]
    go(turn, "complaint.kind")
    return True


def read_facility(turn: Turn) -> bool:
    """A facility's number from its wall, as the first thing that a known phone says while it can be rated."""
    if not ((turn.fresh or turn.node.idle) and turn.lang and turn.known.round) or turn.event.choice:
        return False
    number = answers.pick_number(turn.short, turn.book.words.before_digits)
    if len(number) not in _FACILITY:
        return False
    turn.answered = True
    turn.node = turn.book.nodes["rate.facility"]
    look_up(turn, LookUp("facility", number))
    return True


def _is_short(number: str) -> bool:
    return number.isdecimal() and len(number) <= _DIGITS


def _pick(rows: tuple[str, ...], number: int) -> str:
    return rows[number - 1] if 1 <= number <= len(rows) else ""
