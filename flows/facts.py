"""What a branch can ask about: one name, one question, answered from the session and what the step may know."""

from __future__ import annotations

import re
from collections.abc import Callable

from flows.model import Ending, FoundFacility
from flows.turn import SAID_AS, STATUSES, Turn, indicator

# While one of these stands, a citizen is owed an answer by a day.
_OWED = ("received", "acknowledged", "in_progress", "sent_on", "inspected", "partly", "disputed", "appealed")


def _due(turn: Turn) -> bool:
    found = turn.found_case
    owed = SAID_AS.get(found.state, found.state) in _OWED
    return owed and re.fullmatch(r"\d{4}-\d{2}-\d{2}", found.due) is not None


def _is_asked(turn: Turn, question: Ending) -> bool:
    """Whether the case just looked up waits for somebody's word on how it ended."""
    found = turn.found_case
    return found.asks == question and found.state in _WAITING and not found.late


_WAITING = ("resolved", "partly", "cannot")
WORDS = 2  # of an answer that says no more than which option it is


def says_why(turn: Turn) -> bool:
    """Whether an answer says more than which option it is."""
    return len(turn.short.split()) > WORDS


def _late(turn: Turn) -> bool:
    return turn.memory.thread is not None and turn.memory.thread.late


def answered(turn: Turn) -> bool:
    """Whether a found event found something that can be told."""
    found = turn.event.found
    if isinstance(found, FoundFacility):
        return bool(found.id)
    state = turn.found_case.state
    return SAID_AS.get(state, state) in STATUSES


FACTS: dict[str, Callable[[Turn], bool]] = {
    "waiting": lambda turn: bool(turn.trail),  # the question was a side step from another
    "report": lambda turn: bool(turn.report.code or turn.report.sealed),
    "told": lambda turn: turn.report.told,  # the story came before the questions
    "heard": lambda turn: bool(turn.report.heard),  # and named what it is about
    "placed": lambda turn: turn.report.placed,
    "at_hand": lambda turn: bool(turn.report.code) and not turn.report.told,  # the receipt just given
    "storied": lambda turn: turn.trail[-1:] in (["complaint.story"], ["protected.story"]),
    "doubtful": lambda turn: bool(turn.memory.thread and turn.memory.thread.held),
    "answered": lambda turn: bool(turn.found_case.last),
    "trial": lambda turn: turn.known.trial,
    "due": _due,
    "asked_done": lambda turn: _is_asked(turn, "confirm"),
    "asked_accept": lambda turn: _is_asked(turn, "accept"),
    "ended": lambda turn: turn.found_case.asks is not None and not turn.found_case.late,
    "late": _late,
    "explained": says_why,
    "round": lambda turn: turn.known.round is not None,
    "unscored": lambda turn: bool(indicator(turn)),
    "weekly": lambda turn: turn.known.weekly,
}
