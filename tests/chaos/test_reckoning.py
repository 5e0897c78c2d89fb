"""What the harness of force reckons with, where a wrong sum would keep a promise that was broken."""

from __future__ import annotations

import json
from itertools import islice, pairwise

import pytest

from tests.chaos import plan, retries, table
from tests.chaos.citizens import Message
from tests.chaos.force import keeps_up
from tests.chaos.gaps import longest, quantile
from tests.chaos.killer import kinds
from tests.chaos.parts import NAMES
from tests.chaos.plan import Kind
from tests.chaos.truth import alarmed

EVEN = [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("moments", "begin", "end", "silence"),
    [
        (EVEN, 2.2, 2.8, 1.0),
        ([1.0, 2.0, 7.0, 8.0], 2.5, 7.5, 5.0),  # began before the fault: whole
        ([1.0, 2.0, 7.0, 8.0], 1.5, 4.0, 5.0),  # ends after it: whole
        ([1.0, 2.0, 7.0, 8.0], 1.2, 1.8, 1.0),  # another's
        ([1.0, 2.0, 7.0, 8.0], 7.1, 7.9, 1.0),
        ([1.0, 2.0], 3.0, 9.0, 7.0),  # nobody came any more
        ([8.0, 9.0], 3.0, 9.0, 5.0),  # nobody had come yet
        ([], 3.0, 9.0, 6.0),
    ],
)
def test_a_silence_is_whole_and_belongs_to_what_it_touches(
    moments: list[float], begin: float, end: float, silence: float
) -> None:
    assert longest(moments, begin, end) == pytest.approx(silence)


def test_a_share_of_few_values() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert quantile([], 0.5) == 0.0


def test_the_provider_tries_six_times_within_fifteen_seconds() -> None:
    gone, tries, pauses = 0.0, 1, []
    while (waits := retries.pause(tries, gone)) is not None:
        pauses.append(waits)
        gone, tries = gone + waits, tries + 1
    assert (tries, pauses[0], pauses[-1]) == (6, 0.2, 8.0)
    assert gone < retries.IN_ALL
    assert retries.patience(gone) == pytest.approx(retries.IN_ALL - gone)


@pytest.mark.parametrize(
    ("tries", "gone", "waits"), [(1, 14.9, None), (3, 12.5, 1.3), (5, 12.5, None), (1, 15.0, None)]
)
def test_slow_answers_cost_tries(tries: int, gone: float, waits: float | None) -> None:
    assert retries.pause(tries, gone) == waits
    assert retries.patience(16.0) == 0.0


def test_one_lost_message_breaks_a_promise_and_a_slow_machine_does_not() -> None:
    assert table.none("lost", 0, of=9).verdict == "kept"
    assert table.none("lost", 1, of=9).verdict == "BROKEN"
    assert table.none("lost", 0, of=0).verdict == "BROKEN", "what was not tried is not kept"
    assert table.within("silence", [0.4, 0.9], 1.0).verdict == "kept"
    assert table.within("silence", [0.4, 1.0], 1.0).verdict == "late"
    assert table.within("silence", [0.4, 5.0], 1.0).verdict == "BROKEN"
    assert table.within("silence", [float("inf")], 1.0).verdict == "BROKEN"
    assert table.within("silence", [], 1.0).verdict == "BROKEN", "what was not tried is not kept"
    rows = [table.none("lost", 0), table.told("seed", 1)]
    assert not table.is_broken(rows)
    assert table.is_broken([*rows, table.none("twice", 2)])


def test_the_table_says_the_same_to_a_reader_and_to_a_program() -> None:
    rows = [table.none("lost", 3, of=1200, more="1 in the inbox"), table.told("seed", 7)]
    shown = table.as_text(rows).splitlines()
    assert [cell.strip() for cell in shown[2].split("|")[1:-1]] == [
        "lost",
        "0",
        "3 of 1,200 (1 in the inbox)",
        "BROKEN",
    ]
    assert len({len(line) for line in shown}) == 1
    assert [row["verdict"] for row in json.loads(table.as_json(rows))] == ["BROKEN", "told"]


def test_an_alarm_that_still_stands_is_broken_and_says_which_job_and_why() -> None:
    over = {"kind": "provider_away", "data": {"channel": "1"}, "stands": False}
    stays = {"kind": "job_failed", "data": {"job": "prune", "error": "UndefinedTable"}, "stands": True}
    for rows, verdict in (([], "kept"), ([over], "kept"), ([over, stays], "BROKEN")):
        sounded, standing = alarmed(rows)
        assert (sounded.verdict, standing.verdict) == ("told", verdict)
    assert (sounded.measured, standing.measured) == (
        "job_failed 1, provider_away 1",
        '1 (job_failed {"job": "prune", "error": "UndefinedTable"})',
    )


def test_a_round_has_each_kind_once_and_a_seed_gives_the_same_again() -> None:
    able = kinds(tuple(NAMES))
    assert len({kind.name for kind in able}) == len(able)
    first, again, other = (list(islice(plan.order(able, seed), 3 * len(able))) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    for number in range(3):
        whole = first[number * len(able) : (number + 1) * len(able)]
        assert sorted(kind.name for kind in whole) == sorted(kind.name for kind in able)
    assert not [one.name for one, two in pairwise(first) if one.touches and one.touches == two.touches]


def test_every_part_is_hit() -> None:
    hit = {name for kind in kinds(tuple(NAMES - {"web-1", "web-2"})) for name in kind.parts}
    assert hit == NAMES - {"web-1", "web-2"}


def test_kinds_that_cannot_be_kept_apart_come_all_the_same() -> None:
    alike = [Kind(f"{number}", "kill", (), 1.0, "web") for number in range(3)]
    assert len(list(islice(plan.order(alike, 1), 6))) == 6


def test_a_crowd_in_a_jam_is_seen() -> None:
    quick = [Message(str(number), begun=float(number), accepted=number + 0.1) for number in range(100)]
    slow = [Message(str(number), begun=float(number), accepted=number + 2.0) for number in range(6)]
    silent = [Message(str(number), begun=float(number)) for number in range(6)]
    assert keeps_up(quick, 200.0)
    assert keeps_up([*quick, Message("young", begun=199.5)], 200.0)
    assert not keeps_up([*quick, *slow], 200.0)
    assert not keeps_up([*quick, *silent], 200.0)
    assert not keeps_up([], 200.0), "nobody has said anything"
