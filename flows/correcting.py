"""What we heard a story to be about is said back, and may be answered: no, yes, or another issue by its name. Pure."""

from __future__ import annotations

from flows import hearing, holding, report
from flows.meanings import Meaning
from flows.model import Details
from flows.moving import land
from flows.turn import REPORT, Turn


def correct(turn: Turn) -> bool:
    """Take an answer to "Water? (if not 0)", which stands above the question of a service or a person.

    None of it is the story: a no leads to the list as 0 does, a yes to the question below, and another issue is said
    back in its turn. The same on both sides of the door.
    """
    event, said = turn.event, turn.report.heard
    asked = turn.node.save == "kind" and said and not turn.fresh
    if not asked or not turn.short or event.choice or event.media or event.location or holding.is_unread(turn):
        return False
    words = turn.book.words
    meaning = hearing.hear(words, turn.short, {Meaning.YES, Meaning.NO})
    named = hearing.find_correction(words, turn.short, said)
    if not named and meaning is None:
        return False
    turn.misses, turn.answered = 0, True
    if meaning is Meaning.NO:
        turn.trail = turn.trail[:-1] if turn.trail[-1:] == [REPORT] else turn.trail
        turn.update(heard="")
        land(turn, REPORT, ask=True)
        return True
    if named and named != said:
        report.record(turn, "category", Details(category=named))
        turn.update(heard=named)
        turn.say("report.heard")
    turn.ask()
    return True
