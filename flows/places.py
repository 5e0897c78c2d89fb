"""Which place of the district somebody means, however they write it. Pure.

The keys go from sharp to blunt, and the first that fits any place decides: the name as it is folded; the same without
spaces and breath; its skeleton, without vowels, doubled letters and what Roman spellings waver about; the name but for
one letter; the name somewhere between other words. Two places that one key fits are both meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import locales
from flows.model import Place, Point
from locales.places import of_district

NEAR = 40.0  # kilometres from its middle that a tehsil reaches at least
LEAST_BONES = 3  # letters of a skeleton: "nl" is Naal, and a drain
LEAST_LETTERS = 4  # of a name that is known but for one of them, or between other words: many a shorter one is a word

# Signs that Roman spellings of one name waver about, and what stands for all of them.
_SAME = (
    ("sh", "S"),
    ("ch", "C"),
    ("kh", "X"),
    ("gh", "G"),
    ("zh", "z"),
    ("q", "k"),
    ("c", "k"),
    ("w", "v"),
    ("ph", "f"),
)
_UNHEARD = re.compile(r"[aeiouyhاویےئہھ' ]")
_BREATH = re.compile(r"[ھh ]|(?<=[بپتٹجچدڈڑکگ])ہ(?!\w)")  # folding makes a final ھ a ہ; نالہ is no نال
_DOUBLED = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class Meant:
    """The places that an answer may mean. `named`: it is the name and nothing else, so no word is lost with it."""

    places: tuple[Place, ...] = ()
    named: bool = False


def places_of(district_id: str) -> tuple[Place, ...]:
    """The places of a district as its citizens are offered them."""
    return tuple(Place(row.id, row.names, row.spellings, row.point) for row in of_district(district_id))


def find(numbered: Mapping[str, Place], folded: str, beside: frozenset[str]) -> Meant:
    """What a folded answer means among the places of one district, by number: one, several that fit alike, or none.

    `beside` are folded words that stand beside a name and name nothing themselves: tehsil, town, of.
    """
    words = folded.split()
    numbers, spoken = [word for word in words if word.isdecimal()], [word for word in words if not word.isdecimal()]
    said = _bare(spoken, beside)
    if not said:
        return Meant()
    known = [(place, _spellings((*place.names.values(), *place.aliases), beside)) for place in numbered.values()]
    for fits, sharp in _KEYS:
        if found := tuple(place for place, names in known if any(fits(said, name) for name in names)):
            second = [numbered[number] for number in numbers if number in numbered]
            others = tuple(place for place in second if place not in found)  # "6 Barshore": which of the two?
            return Meant((*found, *others), sharp and said == " ".join(spoken) and len(second) == len(numbers))
    within = [place for place, names in known if any(_is_within(name, spoken) for name in names)]
    if len(within) > 1:  # "Barshore, Pishin" is a place and its district
        within = [place for place in within if not _is_seat(place)]
    return Meant(tuple(within)) if len(within) == 1 else Meant()


def nearest(places: Iterable[Place], point: Point) -> Place | None:
    """The place whose middle is nearest to a pin; None where nobody knows their middles, or it lies outside of all.

    Outside is farther than neighbours in this district are from each other: tehsils of the desert are wide.
    """
    middles = [(place, place.point) for place in places if place.point is not None]
    if not middles:
        return None
    gaps = (
        min((_kilometres(middle, other) for _, other in middles if other != middle), default=NEAR)
        for _, middle in middles
    )
    distance, place = min(((_kilometres(middle, point), place) for place, middle in middles), key=lambda pair: pair[0])
    return place if distance <= max(NEAR, *gaps) else None


def _bare(words: Sequence[str], beside: frozenset[str]) -> str:
    return " ".join(word for word in words if word not in beside) or " ".join(words)


@lru_cache(maxsize=1024)
def _spellings(names: tuple[str, ...], beside: frozenset[str]) -> list[str]:
    return [_bare(locales.fold(name).split(), beside) for name in names]


def _glued(folded: str) -> str:
    """Without spaces and breath: وڈھ is also written وڈ, and nana sahib in one word."""
    return _BREATH.sub("", folded)


@lru_cache(maxsize=4096)
def _skeleton(folded: str) -> str:
    for written, heard in _SAME:
        folded = folded.replace(written, heard)
    return _DOUBLED.sub(r"\1", _UNHEARD.sub("", folded))


def _has_its_bones(said: str, name: str) -> bool:
    bones = _skeleton(said)
    return len(bones) >= LEAST_BONES and bones == _skeleton(name) and _is_no_longer(said, name)


def _is_one_letter_off(said: str, name: str) -> bool:
    return one_apart(_glued(said), _glued(name)) and _is_no_longer(said, name)


def _is_no_longer(said: str, name: str) -> bool:
    """In words: else جی ہاں would be Johan."""
    return said.count(" ") <= name.count(" ")


def one_apart(one: str, other: str) -> bool:
    """Whether a letter more, less or another makes one name of the other, or none at all. Short ones never are."""
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1 or len(one) < LEAST_LETTERS:
        return False
    at = next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return one[at + (len(one) == len(other)) :] == other[at + 1 :]


# With each key whether it is sharp. By a blunt one the answer may have been another word: it is kept beside the place.
_KEYS: tuple[tuple[Callable[[str, str], bool], bool], ...] = (
    (lambda said, name: said == name, True),
    (lambda said, name: _glued(said) == _glued(name), True),
    (_has_its_bones, False),
    (_is_one_letter_off, False),
)


def _is_within(name: str, words: Sequence[str]) -> bool:
    return len(_glued(name)) >= LEAST_LETTERS and f" {name} " in f" {' '.join(words)} "


def _is_seat(place: Place) -> bool:
    """Whether a place bears its district's name; ids are "pishin.barshore", "kech.kech-turbat"."""
    district, _, own = place.id.partition(".")
    return own.startswith(district)


def _kilometres(one: Point, other: Point) -> float:
    """Over the ground, as if the earth were a ball: half a per cent wrong at most."""
    (lat, lon), (to_lat, to_lon) = (tuple(map(math.radians, point)) for point in (one, other))
    arc = math.sin((to_lat - lat) / 2) ** 2 + math.cos(lat) * math.cos(to_lat) * math.sin((to_lon - lon) / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(arc))
