"""What anybody can reckon from the numbers that are told: nothing under five."""

from __future__ import annotations

import datetime
import itertools

from hypothesis import given
from hypothesis import strategies as st

from cases import figures
from cases.counting import STOCKS, Counts
from cases.figures import BY_CATEGORY, RATES
from cases.suppression import FEWEST, add_up, percent, suppress
from flows.categories import CATEGORIES

MONDAY = datetime.date(2026, 11, 16)
cells = st.dictionaries(st.sampled_from(CATEGORIES), st.integers(0, 40), min_size=2).map(
    lambda some: dict.fromkeys(CATEGORIES, 0) | some
)
places = st.sampled_from([None, "pishin.barshore", "pishin.karezat"])
names = st.sampled_from([*figures.IN_ALL])
weeks = st.dictionaries(st.tuples(names, st.sampled_from(CATEGORIES[:4]), places), st.integers(0, 12), max_size=40)


@given(cells, st.booleans())
def test_no_small_number_can_be_reckoned_from_what_is_shown(counted: dict[str, int], total_first: bool) -> None:
    hidden, total_hidden = suppress(counted, total_first=total_first)
    assert {name for name, count in counted.items() if count < FEWEST} <= hidden
    if total_hidden:
        return
    rest = sum(counted[name] for name in hidden)
    assert rest == 0 or rest >= FEWEST  # what the total gives away
    if rest > 0:
        assert len(hidden) > 1


@given(cells)
def test_no_more_is_hidden_than_one_number_beside_the_small_ones(counted: dict[str, int]) -> None:
    hidden, _ = suppress(counted)
    assert sum(counted[name] >= FEWEST for name in hidden) <= 1
    hidden, _ = suppress(counted, total_first=False)
    assert not any(counted[name] >= FEWEST for name in hidden)


@given(st.lists(st.integers(0, 12), max_size=60))
def test_between_two_readings_of_a_total_lies_no_small_number(counted: list[int]) -> None:
    told = [(count, 0) if count >= FEWEST else (0, count) for count in counted]
    readings = [add_up(told[:number]) or 0 for number in range(len(told) + 1)]
    shown = [0, *itertools.accumulate(week[0] for week in told)]
    # Whoever takes away what the weeks themselves tell sees sums of hidden weeks, none of them small.
    hidden = [reading - known for reading, known in zip(readings, shown, strict=True)]
    steps = [later - earlier for earlier, later in itertools.pairwise(hidden)]
    assert all(step == 0 or step >= FEWEST for step in steps)
    assert 0 <= sum(counted) - readings[-1] < FEWEST


@given(weeks)
def test_a_week_gives_no_small_number_away(counted: dict[tuple[str, str, str | None], int]) -> None:
    week = Counts(MONDAY, {cell: count for cell, count in counted.items() if count})
    told = figures.hold_back(week)
    for told_of in (told["total"], *told["categories"].values(), *told["places"].values()):
        assert all(count is None or count >= FEWEST for count in told_of.values())
    for name in BY_CATEGORY:
        exact = sum(count for (called, *_), count in week.cells.items() if called == name)
        whole = told["total"][name]
        for rows in (told["categories"], told["places"]):
            shown = sum(row[name] or 0 for row in rows.values())
            if whole is not None:
                assert exact - shown == 0 or exact - shown >= FEWEST or shown == 0, name
    total = told["total"]
    if total["asked"] is not None and total["confirmed"] is not None:
        rest = {name: sum(c for (n, *_), c in week.cells.items() if n == name) for name in ("disputed", "silent")}
        hidden = [name for name in rest if total[name] is None]
        # Silent and saying no are told apart only where neither is small.
        assert not (len(hidden) == 1 and 0 < rest[hidden[0]] < FEWEST)
    for part, whole in RATES.items():
        assert told["rates"][part] == percent(total[part], total[whole])
    assert figures.digest(told) == told["digest"]


def test_who_is_silent_is_not_told_beside_a_few_who_say_no() -> None:
    said = {"asked": 24, "answered": 16, "confirmed": 14, "disputed": 2, "silent": 8}
    week = Counts(MONDAY, {(name, CATEGORIES[0], None): count for name, count in said.items()})
    total = figures.hold_back(week)["total"]
    assert (total["asked"], total["confirmed"]) == (24, 14)
    assert (total["disputed"], total["silent"]) == (None, None), "24 - 14 - 8 would name two people"


@given(st.lists(weeks, min_size=1, max_size=8))
def test_no_total_tells_more_than_there_was(several: list[dict[tuple[str, str, str | None], int]]) -> None:
    counted = [
        Counts(MONDAY + datetime.timedelta(days=7 * number), {cell: n for cell, n in week.items() if n})
        for number, week in enumerate(several)
    ]
    found = figures.sum_up(counted)
    for name in figures.IN_ALL:
        exact = sum(n for week in counted for (called, *_), n in week.cells.items() if called == name)
        told = found.total["total"][name]
        assert told is None or (FEWEST <= told <= exact)
        if name in STOCKS:
            assert told == found.weeks[-1]["total"][name]
        elif name in {"done", "due_72", "asked"}:
            assert exact - (told or 0) < FEWEST


def test_all_and_none_are_said_of_all_and_none_alone() -> None:
    assert [percent(part, 1000) for part in (1, 5, 515, 999, 1000)] == [1, 1, 52, 99, 100]
    assert percent(14, 27) == 52
    assert percent(None, 27) is None
    assert percent(14, None) is None
