"""Words that are understood everywhere, alone in a message: MENU, BACK, HELP … Pure."""

from __future__ import annotations

from collections.abc import Callable

from flows import report
from flows.effects import Consent
from flows.moving import go, land, leave_to_menu
from flows.turn import LANGUAGE, Turn


def obey(turn: Turn) -> bool:
    """Do what a universal word says; False where the message is none."""
    words = turn.book.words
    if turn.event.choice and any(option.id == turn.event.choice for option in turn.node.options):
        return False  # a tap says what it means, whatever its title is
    word = words.universal.get(turn.short)
    if word is None or (word == "stop" and turn.short in words.local_stops and not _hears_news(turn)):
        return False
    if word == "back" and turn.slept:
        return False  # whoever has the phone now is offered to go on, and walks through nothing
    turn.answered = True
    _WORDS[word](turn)
    return True


def _hears_news(turn: Turn) -> bool:
    """Whether a word that also means "closed" or "wait" can mean the news: it is subscribed, offered or just sent."""
    focus = turn.known.focus
    offered = turn.node.flow == "weekly" or (focus is not None and focus.kind == "edition")
    return (turn.known.weekly or offered) and turn.node.ask != "text"


def _back(turn: Turn) -> None:
    turn.misses = 0
    if not turn.trail:
        leave_to_menu(turn)
        return
    target = turn.trail.pop()
    if turn.node.report and not turn.book.nodes[target].report:
        report.leave(turn)
        turn.trail = []
    land(turn, target, ask=True)


def _help(turn: Turn) -> None:
    aside(turn, "help.show")


def _language(turn: Turn) -> None:
    aside(turn, LANGUAGE)


def _status(turn: Turn) -> None:
    if turn.node.flow != "status":
        turn.push()
    turn.misses = 0
    go(turn, turn.book.starts["status"])


def aside(turn: Turn, target: str) -> None:
    """To a side question, and back when it is answered."""
    if turn.node.name != target:
        turn.push()
    turn.misses = 0
    land(turn, target, ask=True)


def stop_news(turn: Turn) -> None:
    """No more weekly news. It never ends somebody's own case or their way in, so nothing of the conversation moves."""
    turn.do(Consent("weekly", granted=False, method="word"))
    turn.say("stop.done")


def _start(turn: Turn) -> None:
    # Telegram opens every conversation with /start: it lifts a stop, and subscribes to nothing.
    turn.do(Consent("all", granted=True, method="word"))
    if turn.lang:
        turn.say("start.done")
    if turn.fresh:
        land(turn, turn.first, ask=True)
    else:
        turn.ask()


def _private(turn: Turn) -> None:
    if turn.report.held and not report.enter(turn):
        return
    inside = report.is_begun(turn) and (not turn.report.done or turn.node.name in report.AFTER)
    if not inside:
        report.leave(turn)
    if not report.enter(turn):
        return
    turn.misses = 0
    if inside:
        land(turn, turn.node.name, ask=True)
    elif turn.lang:
        go(turn, "complaint.category")
    else:
        land(turn, LANGUAGE, ask=True)


_WORDS: dict[str, Callable[[Turn], None]] = {
    "menu": leave_to_menu,
    "back": _back,
    "help": _help,
    "stop": stop_news,
    "start": _start,
    "language": _language,
    "status": _status,
    "private": _private,
}
