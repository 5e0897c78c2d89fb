"""One event in, one step out: `step(book, session, event)`. Pure: no clock, no dice, no I/O.

Order of a message: universal words, then the answer to what was asked, then words worth keeping, then "not understood".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows import answers, report
from flows.asking import ASKS, look_up_case
from flows.book import Book
from flows.effects import Consent, Step
from flows.facts import answered
from flows.model import Event, Found, FoundCase, FoundFacility, Lies, Rating, Session
from flows.moving import go, land, leave_to_menu, offer_person
from flows.turn import LANGUAGE, MENU, Turn

MISSES = 2  # answers in a row that are not understood before a person is offered
WORDS_KEPT = 5  # of those answers, for the person who is called


def step(book: Book, session: Session, event: Event) -> Step:
    """Where a conversation goes on one event, what is said (one Reply at most) and what must be done."""
    turn = _begin(book, session, event)
    was_sealed = turn.report.sealed
    KINDS[event.kind](turn)
    turn.sealed = event.kind == "message" and (turn.sealed or was_sealed or turn.report.sealed)
    return turn.end()


def _begin(book: Book, session: Session, event: Event) -> Turn:
    nodes = book.nodes
    name = f"{session.flow}.{session.node}" if session.node else ""
    first = nodes[MENU if session.lang else LANGUAGE]
    turn = Turn(
        book=book,
        event=event,
        node=nodes.get(name, first),
        lang=session.lang,
        memory=session.memory,
        trail=[node for node in session.trail if node in nodes],
        misses=session.misses,
        silent=event.kind == "quiet" and session.quiet_after == book.quiet_end,
    )
    if turn.node.sealed and not turn.report.sealed:
        turn.update(lies=Lies.SEALED)  # whatever was lost of a session: who stands behind the door is behind it
    turn.fresh = not session.node
    turn.lost = bool(session.node) and name not in nodes
    turn.older = session.flows != book.fingerprint
    return turn


# ── a message ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _message(turn: Turn) -> None:
    if turn.fresh and turn.known.trial:
        turn.say("trial.notice" if turn.lang else "trial.first")
    if turn.lost:
        # The question this session stood at is gone: what was said is kept, and the rest begins again.
        report.leave(turn)
        turn.says.insert(0, _sorry(turn))
        turn.node = turn.book.nodes[MENU if turn.lang else LANGUAGE]
        turn.misses = 0
        turn.fresh = True
    if turn.event.tapped and turn.event.tapped != turn.face:
        turn.ask()  # a button of an older message: what it meant is over, and its title is nobody's words
        return
    text = turn.event.text
    folded = turn.folded if len(text) <= answers.SHORT else ""
    if _universal(turn, text, folded):
        return
    if turn.known.confirm and _verify(turn, folded):
        return
    if turn.node.flow == "verify" and not turn.memory.verify:
        # What was told since has taken the question's place.
        turn.node, turn.fresh = turn.book.nodes[MENU if turn.lang else LANGUAGE], True
    if not turn.fresh and ASKS[turn.node.ask](turn, folded):
        return
    if turn.shut:
        return
    _other(turn, folded)


def _sorry(turn: Turn) -> Any:
    turn.say("restart.sorry")
    return turn.says.pop()


def _verify(turn: Turn, folded: str) -> bool:
    """The answer to "is it done?", which went out by itself: the last that was asked is what is answered."""
    asked, was = turn.book.nodes["verify.ask"], turn.node
    if was is asked:
        return False
    turn.node = asked
    turn.remember(verify=turn.known.confirm)
    if not turn.fresh:
        turn.trail = [*turn.trail, was.name]
    if ASKS[asked.ask](turn, folded):
        return True
    turn.node = was
    turn.remember(verify="")
    if not turn.fresh:
        turn.trail.pop()
    return False


def _other(turn: Turn, folded: str) -> None:
    """What answers nothing that was asked."""
    book, event = turn.book, turn.event
    story = event.media or event.location or answers.is_story(book, turn.folded) or report.is_dangerous(turn)
    if story and turn.report.done:
        report.hold(turn)
        if not turn.shut and turn.node.name in _AFTER:
            _miss(turn, "", kept=True)
        elif not turn.shut:
            go(turn, "complaint.more")
    elif story and _in_report(turn):
        before_kind = not turn.report.routed
        report.add_words(turn)
        if turn.shut:
            return
        _miss(turn, "report.received" if before_kind else "", kept=True)
    elif story:
        report.leave(turn)
        report.tell(turn)
        if turn.shut:
            return
        turn.misses = 0
        if turn.lang:
            turn.say("report.received")
            turn.trail = [MENU]
            go(turn, "complaint.category")
        else:
            turn.say("welcome.code")
            turn.trail = []
            land(turn, LANGUAGE, ask=True)
    elif turn.fresh or folded in book.words.greetings:
        turn.ask()
    else:
        _miss(turn, "miss.again")


_AFTER = ("complaint.more", "protected.more")


def _in_report(turn: Turn) -> bool:
    memory = turn.memory
    beside = turn.node.flow == "help" and bool(turn.trail) and turn.book.nodes[turn.trail[-1]].report
    return bool(
        beside or turn.node.report or memory.report.code or memory.report.sealed or memory.report.details.category
    )


def _miss(turn: Turn, key: str, *, kept: bool = False) -> None:
    turn.misses += 1
    if not kept and not turn.report.sealed and turn.event.text.strip():
        turn.remember(missed=(*turn.memory.missed, turn.event.text[:200])[-WORDS_KEPT:])
    if turn.misses >= MISSES and turn.node.flow != "help" and not (kept and turn.event.media):
        offer_person(turn)
        return
    if key:
        turn.say(key)
    turn.ask()


# ── words that are understood everywhere ───────────────────────────────────────────────────────────────────────────


def _universal(turn: Turn, text: str, folded: str) -> bool:
    if not folded:
        return False
    if turn.event.choice and any(option.id == turn.event.choice for option in turn.node.options):
        return False  # a tap says what it means, whatever its title is
    word = turn.book.words.universal.get(folded)
    if word:
        UNIVERSAL[word](turn)
        return True
    code = answers.status_code(turn.book, text, folded)
    if code is None:
        return False
    if turn.node.flow != "status":
        turn.push()
    turn.node = turn.book.nodes["status.code"]
    look_up_case(turn, code)
    return True


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
    _aside(turn, "help.show")


def _language(turn: Turn) -> None:
    _aside(turn, LANGUAGE)


def _status(turn: Turn) -> None:
    if turn.node.flow != "status":
        turn.push()
    turn.misses = 0
    go(turn, turn.book.starts["status"])


def _aside(turn: Turn, target: str) -> None:
    if turn.node.name != target:
        turn.push()
    turn.misses = 0
    land(turn, target, ask=True)


def _stop(turn: Turn) -> None:
    # It ends the weekly update, never somebody's own case or their way in; so nothing of the conversation is moved.
    turn.do(Consent("weekly", granted=False, method="word"))
    turn.say("stop.done")


def _start(turn: Turn) -> None:
    # Telegram opens every conversation with /start: it lifts a stop, and subscribes to nothing.
    turn.do(Consent("all", granted=True, method="word"))
    if turn.lang:
        turn.say("start.done")
    turn.ask()


def _private(turn: Turn) -> None:
    if turn.report.held and not report.enter(turn):
        return
    inside = _in_report(turn) and (not turn.report.done or turn.node.name in _AFTER)
    if not inside:
        report.leave(turn)
    if not report.enter(turn):
        return
    turn.misses = 0
    if inside:
        land(turn, turn.node.name, ask=True)
    elif turn.lang:
        turn.trail = [MENU]
        go(turn, "complaint.category")
    else:
        land(turn, LANGUAGE, ask=True)


UNIVERSAL: dict[str, Callable[[Turn], None]] = {
    "menu": leave_to_menu,
    "back": _back,
    "help": _help,
    "stop": _stop,
    "start": _start,
    "language": _language,
    "status": _status,
    "private": _private,
}

# ── what is not a message ──────────────────────────────────────────────────────────────────────────────────────────


# What a look-up of each kind comes back with.
FINDS: dict[str, type[Found]] = {"case": FoundCase, "facility": FoundFacility}


def _found(turn: Turn) -> None:
    node, found = turn.node, turn.event.found
    turn.looked_up, opening = turn.memory.look, turn.memory.opening
    turn.remember(look="", opening="")
    if opening:
        turn.say(opening)
    if not node.look_up or not isinstance(found, FINDS[node.look_up]):
        turn.ask()
    elif not answered(turn):
        turn.misses += 1
        if node.look_up == "facility" and turn.misses >= MISSES:
            offer_person(turn)
        else:
            go(turn, node.next)
    else:
        turn.misses = 0
        if isinstance(found, FoundFacility):
            in_round = turn.known.round.id if turn.known.round else ""
            turn.remember(rating=Rating(in_round, found.id, found.names))
            turn.push()
        go(turn, node.found)


def _quiet(turn: Turn) -> None:
    if turn.fresh:
        turn.over = True
    else:
        report.fall_silent(turn)


KINDS: dict[str, Callable[[Turn], None]] = {"message": _message, "found": _found, "quiet": _quiet}
