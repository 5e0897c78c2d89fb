"""Words for a case that exists: its writer's, or those of whoever has its code. Pure."""

from __future__ import annotations

from typing import Any

from flows import report
from flows.effects import Append, Seal, Settle
from flows.model import Details, Item, Report, Thread
from flows.shapes import replace
from flows.turn import Turn


def append(turn: Turn) -> bool:
    """This message into the case in hand.

    False where it has words of danger: then it is asked whether they are about a person, and for an ordinary case they
    are held until that is answered.
    """
    thread, item = turn.memory.thread, report.take_item(turn)
    if thread is None:
        return True
    if report.is_dangerous(turn):
        if thread.inside:
            write(turn, thread, item)  # behind the door nothing waits in the conversation; that it is asked is the same
            item = Item()
        turn.remember(thread=replace(thread, held=(*thread.held, item)))
        return False
    write(turn, thread, item)
    return True


def keep_held(turn: Turn) -> None:
    """It was about no person: the words that were held enter the case."""
    thread = turn.memory.thread
    if thread is not None:
        for item in () if thread.inside else thread.held:
            write(turn, thread, item)
        turn.remember(thread=replace(thread, held=()))


def seal_held(turn: Turn) -> None:
    """It is about a person: the words that were held are a report of their own, behind the protected door."""
    thread = turn.memory.thread
    inside = thread is not None and thread.inside
    held = thread.held if thread is not None and not inside else ()
    turn.forget()
    if report.enter(turn, words=held):
        if inside:
            report.seal(turn, "open", details=Details(about="person"))
        for item in held:
            report.seal(turn, "story", item)
        turn.update(told=True)


def join(turn: Turn) -> None:
    """What was told after a receipt was more of the case whose number has now been given."""
    thread = turn.memory.thread
    if thread is not None:
        for item in turn.report.held:
            write(turn, thread, item)
        turn.report = Report()


def settle(turn: Turn) -> None:
    """What we asked about the case in hand is answered. Which sealed case a question is about nobody knows."""
    focus, thread = turn.known.focus, turn.memory.thread
    if focus is not None and (thread is None or focus.code == thread.code or (focus.drop and thread.sealed)):
        turn.do(Settle(focus.at))
        turn.passed = focus.at


def write(turn: Turn, thread: Thread, item: Item) -> None:
    """One item into a case, on its side of the door."""
    if thread.inside:
        seal(turn, thread, "more", item)
    else:
        turn.do(Append(thread.code, item))


def seal(turn: Turn, thread: Thread, kind: str, item: Item = Item(), **more: Any) -> None:
    """One item for a case behind the door, by its number or by what stands with the phone."""
    turn.sealed = True
    turn.do(Seal(thread.code, kind, item, drop=thread.drop, **more))
