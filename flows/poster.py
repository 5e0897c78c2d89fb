"""A poster's digits in one message: "3 1 6" is a language, an issue and a place, and skips what it answers. Pure."""

from __future__ import annotations

from flows import report
from flows.effects import SetLanguage
from flows.model import Details
from flows.moving import go
from flows.turn import FIRST, LANGUAGE, REPORT, Turn, numbered_places

_DIGITS = 2  # of each number: a telephone's are more


def read_digits(turn: Turn) -> bool:
    """Take two or three numbers that are parted by a space, comma, star or dash; False where they are none of these.

    Glued digits are not taken apart: "316" may be the code of a facility.
    """
    numbers = turn.short.split()
    opening = turn.fresh or (turn.node.name in {FIRST, LANGUAGE, REPORT} and not turn.report.code)
    if not opening or not 2 <= len(numbers) <= 3 or not all(map(_is_short, numbers)):
        return False
    wanted: tuple[str, ...] = ("lang", "category", "place")
    wanted = wanted if len(numbers) == len(wanted) else wanted[1:] if turn.lang else wanted[:2]
    said = dict(zip(wanted, map(int, numbers), strict=True))
    languages, categories = turn.book.tables["languages"], turn.book.tables["categories"]
    places = numbered_places(turn.known.places)
    lang = _pick(languages, said["lang"]) if "lang" in said else turn.lang
    category = _pick(categories, said["category"])
    place = places.get(str(said["place"])) if "place" in said else None
    if not lang or not category or ("place" in said and place is None):
        return False
    turn.misses = 0
    turn.answered = True
    if lang != turn.lang:
        turn.lang = lang
        turn.do(SetLanguage(lang))
    report.record(turn, "category", Details(category=category))
    if place is not None:
        report.record(turn, "place", Details(place=place.id))
        turn.update(placed=True)
    turn.trail = [REPORT]
    go(turn, "complaint.kind")
    return True


def _is_short(number: str) -> bool:
    return number.isdecimal() and len(number) <= _DIGITS


def _pick(rows: tuple[str, ...], number: int) -> str:
    return rows[number - 1] if 1 <= number <= len(rows) else ""
