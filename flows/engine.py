"""One event in, one step out: `step(book, session, event)`. Pure: no clock, no dice, no I/O.

A message is read in one order, whatever its length: a tap or a universal word; a code, or a message of ours that it
quotes; the answer to what we asked by ourselves; the answer to the open question; small talk and wishes; the story.
"""

from __future__ import annotations

from collections.abc import Callable

from flows import (
    again,
    answers,
    codes,
    correcting,
    echoes,
    flood,
    focus,
    hearing,
    holding,
    poster,
    refused,
    report,
    talk,
    tapbacks,
    taps,
    threads,
    universal,
)
from flows.asking import ASKS, is_offered, take_choice
from flows.book import Book
from flows.effects import Step
from flows.facts import answered
from flows.meanings import Meaning
from flows.model import LATER, Event, Found, FoundCase, FoundFacility, Rating, Session, Thread
from flows.moving import call_person, go, land, offer_person
from flows.turn import FIRST, LANGUAGE, MENU, REPORT, Turn


def step(book: Book, session: Session, event: Event) -> Step:
    """Where a conversation goes on one event, what is said (one Reply at most) and what must be done."""
    if event.kind == "flood":
        return _step_in_flood(book, session, event)
    echo = echoes.count(session, event)
    turn = _run(book, session, event, KINDS[event.kind])
    if echo is not None and echo.times >= echoes.SILENT_FROM and not turn.answered:
        turn = _run(book, session, event, _show if echo.times == echoes.SILENT_FROM else _say_nothing)
    book.words.heard.forget()
    return holding.settle(turn, session, echoes.last(session, event) if echo is None or turn.answered else echo)


def _step_in_flood(book: Book, session: Session, event: Event) -> Step:
    """Words are kept, and nothing is said: the question that is open, and a reply that is held, stay as they are."""
    turn = _run(book, session, event, flood.keep)
    book.words.heard.forget()
    return turn.end(None, session.held, session.echo)


def _run(book: Book, session: Session, event: Event, read: Callable[[Turn], None]) -> Turn:
    turn = Turn(book, session, event)
    was_sealed, begun = turn.report.sealed, turn.report.sealed and turn.report.unfinished
    read(turn)
    looks = turn.looks
    if event.kind != "quiet" and not looks:
        report.stop_inside(turn, begun=begun)
    _let_ours_wait(turn)
    if turn.over:
        report.keep_held(turn)  # a conversation that ends lets go of no words
    if not (turn.shut and turn.known.trial) and not looks:
        _open_with_fate(turn)
    turn.sealed = event.kind != "quiet" and (
        turn.sealed or was_sealed or turn.report.sealed or codes.holds_card(turn.words)
    )
    return turn


_POLITE = frozenset({Meaning.GREETING, Meaning.THANKS})


def _let_ours_wait(turn: Turn) -> None:
    """A digit answers the question that was asked last: where that is another one now, what we asked waits.

    Not where it was only asked because somebody greeted.
    """
    focus = turn.known.focus
    if focus is None or focus.at <= turn.passed or not (turn.says or turn.options) or turn.over:
        return
    asks = turn.node.ask not in {"more", "thread"} and turn.node.flow not in {"verify", "doubt"}
    if asks and talk.means(turn) not in _POLITE:
        turn.pass_by()


# ── a message ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _message(turn: Turn) -> None:
    if turn.fresh and turn.known.trial:
        turn.say("trial.notice" if turn.lang else "trial.first")
    if turn.lost and not again.is_in_hand(turn):
        turn.open_with("restart.sorry")
        turn.misses = 0
        turn.fresh = True
    if (turn.node.flow in {"verify", "thread"} or turn.node.name == "withdraw.why") and turn.memory.thread is None:
        turn.node, turn.fresh = turn.book.nodes[turn.home], True  # its case was let go of
    for read in ORDER:
        if read(turn) or turn.shut:
            return


def _tap(turn: Turn) -> bool:
    """A button of an older message: what it meant is over, and its title is nobody's words.

    What a conversation may begin with can be tapped whenever nothing else is open; True where it is asked again.
    """
    tapped, focused = turn.event.tapped, turn.known.focus
    if tapped == taps.WAITING:  # what waited comes by itself, and is the answer
        turn.over = turn.fresh
        return True
    if not (tapped or _is_stray(turn)) or (turn.lost and not turn.fresh) or (tapped == turn.face and not turn.fresh):
        return False
    asked = (turn.event.quotes_asks, focused.kind if focused is not None else None)
    if tapped and any(tapped == focus.ASKED.get(question or "") for question in asked):
        return False
    if not turn.fresh:
        turn.ask()
        return True
    if tapped in {FIRST, LANGUAGE} or (turn.lang and tapped in {MENU, REPORT}):
        turn.node, turn.fresh = turn.book.nodes[tapped], False
        return False
    land(turn, turn.first, ask=True)
    return True


def _see_what_waited(turn: Turn) -> bool:
    """A digit or a yes to "there is news for you, write something": what waited comes by itself, and is the answer."""
    if not (turn.known.missed and turn.fresh) or turn.event.choice:
        return False
    digit = answers.pick_number(turn.short, turn.book.words.before_digits)
    turn.over = bool(digit) or hearing.only_agrees(turn.book.words, turn.short)
    return turn.over


def _open_with_fate(turn: Turn) -> None:
    """What of this message was not kept is said first."""
    if turn.event.cut:
        turn.open_with("intake.cut")
    if refused.is_any(turn):
        turn.open_with(refused.TEXT)


def _is_stray(turn: Turn) -> bool:
    """A button that says no node, and an option that nothing asked has. A template's own title is read as words."""
    event, focused = turn.event, turn.known.focus
    if not event.choice or event.choice.strip() == event.text.strip() or turn.short in turn.book.words.universal:
        return False
    node = turn.book.nodes.get(focus.ASKED.get(focused.kind, "")) if focused is not None else None
    asked = [turn.node, *([node] if node is not None else [])]
    return not (any(is_offered(turn, node) for node in asked) or (turn.fresh and talk.means(turn) is not None))


def _answer(turn: Turn) -> bool:
    """The answer to the open question; at the offer of a person, to the question before it as well."""
    if turn.fresh:
        return False
    return _is_answered(turn) or (turn.node.name == "help.offer" and _answer_earlier(turn))


_WORDS = frozenset({"text", "more", "thread"})  # whatever comes would be an answer to these
_FREE = _WORDS | {"place", "word"}


def _is_answered(turn: Turn) -> bool:
    if turn.node.ask in _FREE and talk.means(turn) is not None:
        return False
    if turn.node.ask not in _WORDS and holding.is_unread(turn):
        return False
    return ASKS[turn.node.ask](turn, turn.short)


def _answer_earlier(turn: Turn) -> bool:
    if not turn.trail:
        return False
    offer, trail = turn.node, turn.trail
    turn.node, turn.trail = turn.book.nodes[trail[-1]], trail[:-1]
    if _is_answered(turn):
        return True
    turn.node, turn.trail = offer, trail
    return False


def _keep(turn: Turn) -> bool:
    """What answers nothing that was asked: the story, however short, or more of what is told already."""
    if not focus.says_more(turn):
        _miss(turn)
    elif not report.is_begun(turn) and focus.return_to(turn):
        return True
    elif turn.node.flow == "verify" or turn.node.name == "withdraw.why":
        focus.ask_again(turn)
    elif turn.node.name == again.ASK:
        again.hold(turn)
    elif report.is_begun(turn) and not turn.report.done:
        _keep_in_report(turn)
    elif turn.report.done or (turn.known.given and turn.lang):
        report.hold(turn)
        if not turn.shut and turn.node.name not in report.AFTER:
            go(turn, "complaint.more")
        elif not turn.shut:
            turn.ask()
    else:
        _begin_report(turn)
    return True


def _begin_report(turn: Turn) -> None:
    report.leave(turn)
    report.tell(turn)
    if turn.shut:
        return
    turn.misses = 0
    turn.trail = []
    turn.say("welcome.code")
    if turn.lang:
        go(turn, "complaint.begin")
    else:
        land(turn, FIRST, ask=True)


def _keep_in_report(turn: Turn) -> None:
    if turn.node.flow == "help":
        turn.node = turn.book.nodes[turn.trail.pop()]
    first = turn.report.asked
    if report.is_doubtful(turn):
        report.doubt(turn)
        turn.push()
        land(turn, "doubt.report", ask=True)
        return
    report.add_words(turn)
    if turn.shut:
        return
    turn.misses = 0
    if first:
        turn.say("welcome.code")
    named = hearing.find_category(turn.book.words, turn.folded)
    if turn.node.save == "category" and take_choice(turn, named):
        return
    turn.ask()


def _miss(turn: Turn) -> None:
    """Not understood: asked again, then a person is offered, then what was sent is put before one."""
    turn.misses += 1
    turn.note()
    if turn.node.name == "help.offer":
        turn.misses = 0
        call_person(turn)
        turn.say("person.called")
        land(turn, "call.who", ask=True)
    elif turn.fresh:
        land(turn, turn.first, ask=True)
    elif turn.misses > 1 and turn.node.flow != "help":
        offer_person(turn)
    else:
        turn.say("miss.again")
        turn.ask()


ORDER: tuple[Callable[[Turn], bool], ...] = (
    tapbacks.pass_over,
    _tap,
    refused.read,
    universal.obey,
    focus.open_code,
    holding.pass_early,
    focus.answer_focus,
    _see_what_waited,
    again.go_on,
    again.offer,
    poster.read_digits,
    focus.think_again,
    poster.read_facility,
    correcting.correct,
    _answer,
    talk.reply,
    _keep,
)

# ── the same text for the third time ─────────────────────────────────────────────────────────────────────────────


def _show(turn: Turn) -> None:
    """Nothing that we say helps, or a robot speaks: a person sees it, and nothing is said."""
    turn.note()
    call_person(turn)
    turn.over = turn.fresh


def _say_nothing(turn: Turn) -> None:
    turn.over = turn.fresh


# ── what is not a message ──────────────────────────────────────────────────────────────────────────────────────────


# What a look-up of each kind comes back with.
FINDS: dict[str, type[Found]] = {"case": FoundCase, "facility": FoundFacility}


def _found(turn: Turn) -> None:
    node, found = turn.node, turn.event.found
    turn.looked_up, turn.left, opening = turn.memory.look, turn.memory.left, turn.memory.opening
    turn.remember(look="", left="", opening="")
    if opening:
        turn.say(opening)
    if not node.look_up or not isinstance(found, FINDS[node.look_up]):
        turn.ask()
    elif not answered(turn) and codes.is_card(turn.looked_up):
        if focus.blank_card(turn):
            _read_rest(turn)
        else:
            focus.refuse_card(turn)
    elif isinstance(found, FoundCase) and found.state == LATER:
        turn.note()
        go(turn, "status.later")
    elif not answered(turn):
        turn.misses += 1
        if node.look_up == "facility" and turn.misses > 1:
            offer_person(turn)
        else:
            go(turn, node.next)
    elif isinstance(found, FoundFacility):
        in_round = turn.known.round.id if turn.known.round else ""
        turn.misses = 0
        turn.remember(rating=Rating(in_round, found.id, found.names))
        turn.push()
        go(turn, node.found)
    else:
        _open(turn, found)


def _read_rest(turn: Turn) -> None:
    for read in ORDER[ORDER.index(focus.open_code) + 1 :]:
        if read(turn) or turn.shut:
            return


def _open(turn: Turn, found: FoundCase) -> None:
    """A code opens its case; words that came with it go there."""
    turn.misses = 0
    turn.remember(thread=Thread(turn.looked_up, found.day, found.sealed, asks=found.asks, late=found.late))
    if turn.node.name == focus.CODE and focus.judge_found(turn, found):
        return
    if turn.node.name == focus.CODE and focus.tells_more(turn):
        go(turn, focus.ADDED if threads.append(turn) else focus.ABOUT)
    else:
        go(turn, turn.node.found)


def _quiet(turn: Turn) -> None:
    if turn.fresh:
        turn.over = True
    else:
        report.fall_silent(turn)


KINDS: dict[str, Callable[[Turn], None]] = {"message": _message, "found": _found, "quiet": _quiet}
