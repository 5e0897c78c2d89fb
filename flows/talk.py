"""Small talk and wishes: a greeting, thanks, a reaction, a wish for one's case, a person, a call, a language. Pure."""

from __future__ import annotations

from collections.abc import Callable

from flows import hearing, report
from flows.effects import SetLanguage
from flows.hearing import Meaning
from flows.moving import go, land
from flows.turn import LANGUAGE, Turn
from flows.universal import aside, stop_news


def means(turn: Turn) -> Meaning | None:
    """What of these a whole message is, if it is one. Files and places are never small talk."""
    event = turn.event
    if event.media or event.location or not turn.short:
        return None
    return hearing.hear(turn.book.words, turn.short, _REPLIES)


def reply(turn: Turn) -> bool:
    """Answer small talk and wishes; False for everything else."""
    meaning = means(turn)
    if meaning is None:
        return False
    _REPLIES[meaning](turn)
    return True


def _greet(turn: Turn) -> None:
    if turn.fresh:
        if turn.lang:
            turn.partial = True  # what they greet for follows
            turn.say("welcome.hello")
        land(turn, turn.first, ask=True)
    else:
        turn.ask()


def _welcome(turn: Turn) -> None:
    """Thanks are answered, and nothing is asked where nothing is pending."""
    if not turn.lang:
        _greet(turn)
        return
    turn.say("thanks.reply")
    if turn.fresh:
        turn.over = True
    elif not turn.node.idle and turn.node.ask != "more":
        turn.ask()


def _ignore(turn: Turn) -> None:
    turn.over = turn.fresh  # our own words quoted back, or a sign alone: it is no answer, and gets none


def _status(turn: Turn) -> None:
    turn.pass_by()
    if turn.node.flow != "status":
        turn.push()
    turn.misses = 0
    go(turn, turn.book.starts["status"])


def _lost(turn: Turn) -> None:
    turn.pass_by()
    turn.push()
    go(turn, "status.lost")


def _call(turn: Turn) -> None:
    turn.note()
    aside(turn, "call.who")


def _person(turn: Turn) -> None:
    turn.note()
    turn.push()
    go(turn, "help.called")


def _language(turn: Turn) -> None:
    wished = hearing.find_language(turn.book.words, turn.short)
    if wished not in turn.book.tables["languages"] or turn.node.name == LANGUAGE:
        aside(turn, LANGUAGE)
        return
    turn.lang = wished
    turn.do(SetLanguage(wished))
    land(turn, turn.first if turn.fresh else turn.node.name, ask=True)


def _begin(turn: Turn) -> None:
    """They have something to tell, and have not yet told it."""
    turn.pass_by()
    if report.is_begun(turn) and not turn.report.done:
        turn.ask()
    else:
        report.clear(turn, "report")
        land(turn, turn.first, ask=True)


_REPLIES: dict[Meaning, Callable[[Turn], None]] = {
    Meaning.GREETING: _greet,
    Meaning.THANKS: _welcome,
    Meaning.REACTION: _ignore,
    Meaning.STATUS: _status,
    Meaning.LOST_CODE: _lost,
    Meaning.CALL: _call,
    Meaning.PERSON: _person,
    Meaning.LANGUAGE: _language,
    Meaning.STOP: stop_news,
    Meaning.REPORT: _begin,
}
