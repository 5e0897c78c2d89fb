"""Every path of every flow is walked to its end. By itself, for it is the longest: two workers begin with it."""

from __future__ import annotations

from typing import Any

import pytest

from flows import codes
from flows.engine import step
from flows.model import Event, Focus, Session
from flows.play import DAY, FACILITY_CODE, Phone, World
from tests.answers import BOOK, report
from tests.flows.citizens import PHOTO

CODE = codes.complete("923412341234")
# Reached by a wish in words, or by the number of a case that has ended: walked in test_endings.py and in transcripts.
BY_WORDS = {"withdraw.why", "withdraw.code", "status.ended"}


@pytest.mark.timeout(900)  # 90 seconds of one processor, which on a crowded machine are many minutes
def test_every_path_of_every_flow_is_walked_to_its_end() -> None:
    """Breadth first over everything a session can be: each gives one reply and has a way on.

    In one language: where a path leads does not hang on it, and the walk is a minute of a processor.
    """
    begin, asleep = Session(lang="bal"), Phone(BOOK, World())
    report(asleep, "place", lang="bal")
    asleep.wait()
    waiting, seen, visited = [begin, Session(), asleep.session], {_shape(begin)}, set()
    while waiting:
        session = waiting.pop()
        for text, more in _inputs(session):
            for world in (
                World(cases={CODE: "resolved"}, said={CODE: "x"}),
                World(weekly=True, given=True, cases={CODE: "resolved"}, focus=Focus("confirm", CODE, DAY, 1.0)),
                World(cases={CODE: "received"}, focus=Focus("answer", CODE, DAY, 1.0)),
                World(given=True, cases={CODE: "cannot"}, focus=Focus("accept", CODE, DAY, 1.0)),
            ):
                for at in _moments(world, session, text):
                    world.at = at
                    reached, replies = _turn(world, session, Event("message", world.known(), text, **more))
                    assert replies == 1, (session, text)
                    visited.add(f"{reached.flow}.{reached.node}")
                    if _shape(reached) not in seen:
                        seen.add(_shape(reached))
                        waiting.append(reached)
    assert visited >= {node.name for node in BOOK.nodes.values() if node.ask} - BY_WORDS
    assert len(seen) < 8_000


def _moments(world: World, session: Session, text: str) -> tuple[float, ...]:
    """After its reply has gone out, where that was held; a digit and words may come before."""
    if session.held is None:
        return (world.at,)
    return (session.held.until - 1, session.held.until) if text in {"1", "zz"} else (session.held.until,)


def _turn(world: World, session: Session, event: Event) -> tuple[Session, int]:
    """One turn without the telephone: the session after it, and how many replies it gave."""
    replies = 0
    while True:
        made = step(BOOK, session, event)
        session, replies = made.session, replies + (made.reply is not None)
        found = [answer for effect in made.effects if (answer := world.do(effect))]
        if not found:
            return session, replies
        event = Event("found", event.known, found=found[0])


def _shape(session: Session) -> tuple[Any, ...]:
    """What can make a difference to where a session goes; what was typed cannot, and hardly how often."""
    memory, report = session.memory, session.memory.report
    told = (report.stage, report.lies, report.told, bool(report.held), bool(memory.thread), bool(report.heard))
    scores = len(memory.rating.scores) if memory.rating else 0
    left = session.trail[-1].partition(".")[0] if session.trail else ""
    return session.flow, session.node, told, scores, left


def _inputs(session: Session) -> list[tuple[str, dict[str, Any]]]:
    node = BOOK.nodes.get(f"{session.flow}.{session.node}")
    typed = [option.digit for option in node.options] if node else ["hello"]
    typed += ["1", FACILITY_CODE, "999", "the pump is broken since Monday", "he wants a bribe", "zz"]
    typed += ["menu", "0", "help", "language", "status", "stop", "start", "private", CODE]
    return [(text, {}) for text in dict.fromkeys(typed)] + [("", {"media": PHOTO}), ("", {"location": (30.6, 66.9)})]
