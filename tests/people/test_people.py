"""What people say is understood: rates by what must come of it, and what the words were not only learned by heart for.

REWRITE_UNDERSTANDING=1 writes the figures into docs/understanding.md.
"""

from __future__ import annotations

import os

import pytest

from flows import hearing
from flows.meanings import Meaning
from tests.answers import BOOK
from tests.people import paper, walk
from tests.people.phrases import PROGRESS, Phrase, phrases
from tests.people.rates import BARS, FALSE_ALARMS_BAR, HOLDS, OTHER_BAR, Rates, entries, needed_by_one, rate, without


@pytest.fixture(scope="module")
def rates() -> Rates:
    return rate(BOOK, phrases())


def missed(rates: Rates, kind: str) -> str:
    return "\n".join(f"{one.id} [{one.state}] {one.text}" for one in rates.wrong if one.kind == kind)


@pytest.mark.parametrize("kind", HOLDS)
def test_what_must_come_of_it_comes_of_it(rates: Rates, kind: str) -> None:
    right, there = rates.of(kind)
    assert there
    assert right / there >= BARS.get(kind, OTHER_BAR), missed(rates, kind)


def test_few_stories_are_taken_for_danger(rates: Rates) -> None:
    alarms = "\n".join(phrase.text for phrase in rates.alarms)
    assert len(rates.alarms) <= FALSE_ALARMS_BAR * rates.of("story")[1], alarms


def test_danger_is_not_a_list_of_what_was_tried(rates: Rates) -> None:
    dangers = [entry for entry in entries() if entry.meaning == "danger"]
    assert 2 * len(dangers) < rates.of("danger")[0]


def says_done(phrase: Phrase) -> bool:
    return hearing.hear(BOOK.words, BOOK.fold(phrase.text), PROGRESS) in {Meaning.DONE, Meaning.YES}


def test_nothing_that_says_otherwise_counts_as_done() -> None:
    """A wrong "done" closes a case. Whatever else is said where it was asked is kept, and asked once more."""
    others = [one for one in phrases() if one.kind in {"story", "danger", "append", "not_done", "half", "no", "anger"}]
    assert [one.text for one in others if says_done(one)] == []


def test_the_paper_says_what_was_counted(rates: Rates, request: pytest.FixtureRequest) -> None:
    stripped = rate(without(BOOK, needed_by_one(BOOK, phrases())), phrases())
    text = paper.write_figures(rates, stripped, phrases())
    if os.environ.get("REWRITE_UNDERSTANDING"):
        paper.rewrite(text)
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and request.config.get_verbosity() > 0:
        reporter.write(f"\n{text}")
    assert paper.figures() == text


# ── through the engine ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", walk.HOLDS)
def test_what_must_come_of_it_comes_of_it_in_a_conversation(kind: str, request: pytest.FixtureRequest) -> None:
    there = [phrase for phrase in phrases() if phrase.kind == kind]
    wrong = [phrase for phrase in there if not walk.holds(phrase)]
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and request.config.get_verbosity() > 0:
        reporter.write(f"\n{kind}: {len(there) - len(wrong)} of {len(there)}")
    assert there
    bar = walk.BARS.get(kind, BARS.get(kind, OTHER_BAR))
    assert 1 - len(wrong) / len(there) >= bar, "\n".join(f"{one.id} [{one.state}] {one.text}" for one in wrong)


def test_every_expectation_is_bound_to_what_must_be_true_afterwards() -> None:
    assert {phrase.kind for phrase in phrases()} == set(walk.HOLDS)
