"""Small talk and wishes: a greeting, thanks, a reaction, a wish for one's case, a person, a call, a language. Pure."""

from __future__ import annotations

from collections.abc import Callable

from flows import hearing, report
from flows.effects import SetLanguage
from flows.meanings import Meaning
from flows.model import Thread
from flows.moving import go, land
from flows.turn import LANGUAGE, Turn
from flows.universal import aside, stop_news


def means(turn: Turn) -> Meaning | None:
    """What of these a whole message is, if it is one. Files and places are never small talk."""
    event = turn.event
    if event.media or event.location or not turn.short:
        return None
    meaning = hearing.hear(turn.book.words, turn.short, _REPLIES)
    return None if meaning is Meaning.STATUS and _is_spoken_of(turn) else meaning


def asks_when(turn: Turn) -> bool:
    """«کب ہوا؟», which names no complaint, asks about whatever was spoken of."""
    return hearing.asks_when(turn.book.words, turn.short)


def _is_spoken_of(turn: Turn) -> bool:
    """Whether a case is at hand, and a question after it is for whoever works on it: no number is missing."""
    if turn.memory.thread is None:
        return False
    return turn.node.ask == "thread" or (turn.node.flow == "verify" and asks_when(turn))


def reply(turn: Turn) -> bool:
    """Answer small talk and wishes; False for everything else."""
    meaning = means(turn)
    if meaning is None:
        return False
    _REPLIES[meaning](turn)
    return True


def _greet(turn: Turn) -> None:
    if turn.node.ask == "more" and not turn.fresh:
        turn.say("welcome.hello")  # nothing is asked there
    elif turn.fresh:
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
    if turn.fresh and not turn.lang:
        land(turn, turn.first, ask=True)  # a stranger's first sign is a greeting
    else:
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


def _withdraw(turn: Turn) -> None:
    """A wish to take their case back: written down with it, and asked why. Which case it is only its number says."""
    turn.pass_by()
    thread = _in_hand(turn)
    if thread is not None:
        turn.remember(thread=thread)
    elif turn.report.sealed:
        report.seal(turn, "more", report.take_item(turn))  # at once, as all that is said there; the number may follow
        turn.remember(missed=("",))
    else:
        turn.note()
    turn.push()
    turn.misses = 0
    go(turn, "withdraw.wished" if thread is not None else "withdraw.code")


def _in_hand(turn: Turn) -> Thread | None:
    """The case that a wish is for: the one in hand, else the one that is being told, on its side of the door."""
    told = turn.report
    if turn.memory.thread is not None:
        return turn.memory.thread
    beside = turn.shadow if told.sealed else told  # behind the door it is in hand when it would be outside
    return Thread(told.code, sealed=told.sealed) if beside is not None and beside.opened else None


def _call(turn: Turn) -> None:
    turn.note()
    aside(turn, "call.who")


def _person(turn: Turn) -> None:
    turn.note()
    turn.push()
    go(turn, "help.called")


def _language(turn: Turn) -> None:
    wished = hearing.find_language(turn.book.words, turn.short)
    if wished not in turn.book.tables["languages"] or (turn.node.name == LANGUAGE and not turn.fresh):
        aside(turn, LANGUAGE)
        return
    stranger = turn.fresh and not turn.lang
    turn.lang = wished
    turn.do(SetLanguage(wished))
    if stranger:
        turn.say("welcome.who")
        go(turn, "welcome.chosen")
    elif turn.node.ask == "more" and not turn.fresh:
        turn.say("welcome.hello")  # what stood there was said already
    else:
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
    Meaning.WITHDRAW: _withdraw,
    Meaning.STOP: stop_news,
    Meaning.REPORT: _begin,
}
