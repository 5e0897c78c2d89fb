"""The shapes of a conversation: equal by what they hold, and never written over."""

from __future__ import annotations

from typing import Any

import pytest

from flows import play
from flows.book import Book
from flows.effects import Step, Verify, Withdraw
from flows.engine import step
from flows.model import Details, Event, Item, Report, Session
from flows.shapes import replace
from locales import LANGS
from tests.flows.citizens import SCRIPTS, Phones


def test_two_are_equal_and_hashed_alike_where_all_that_they_hold_is() -> None:
    assert Report(code="1") == Report(code="1") != Report(code="2")
    assert len({Item("a"), Item("a"), Item("b")}) == 2
    effects: list[object] = [Verify("1", "yes"), Withdraw("1", "yes")]
    assert effects[0] != effects[1]


def test_a_part_is_replaced_in_a_copy() -> None:
    before = Details("service", "water")
    assert replace(before, category="health", place="pishin.pishin") == Details("service", "health", "pishin.pishin")
    assert before == Details("service", "water")
    with pytest.raises(AttributeError):
        replace(before, colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize("flow", SCRIPTS)
def test_a_step_writes_over_nothing_that_it_was_given(
    phone: Phones, monkeypatch: pytest.MonkeyPatch, flow: str
) -> None:
    """Nothing refuses it at run time; a reply that the flows prepared is said to everybody."""

    def watched(book: Book, session: Session, event: Event) -> Step:
        given = repr((session, event))
        made = step(book, session, event)
        assert repr((session, event)) == given
        return made

    monkeypatch.setattr(play, "step", watched)
    talk = phone()
    prepared = _prepared(talk.book)
    SCRIPTS[flow](talk, LANGS[0])
    assert _prepared(talk.book) == prepared


def _prepared(book: Book) -> Any:
    return repr((book.plain, [node.shown for node in book.nodes.values()]))
