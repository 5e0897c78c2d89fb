"""A flood: more messages than anybody writes. What is said is kept where it belongs, and nothing is answered. Pure."""

from __future__ import annotations

from flows import report, threads
from flows.effects import KeepStory
from flows.turn import Turn

MOST_HELD = 50  # messages that wait in a session; more are put before a person


def keep(turn: Turn) -> None:
    """The words go where the rest of what is told lies; where nothing is begun, before a person."""
    thread = turn.memory.thread
    turn.over = turn.fresh
    if thread is not None and not report.is_begun(turn):
        threads.append(turn)
    elif report.is_begun(turn) and turn.report.done:
        report.hold(turn)
    elif report.is_begun(turn) and report.is_doubtful(turn):
        report.doubt(turn)
    elif report.is_begun(turn):
        report.add_words(turn)
    elif report.is_dangerous(turn):
        report.tell(turn)
    else:
        turn.do(KeepStory(turn.new_code(), (report.read_item(turn.event),)))
    if len(turn.report.held) > MOST_HELD:
        report.keep_held(turn)
