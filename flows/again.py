"""Going on with what was begun: hours or days later, or where the question that stood open is gone. Pure."""

from __future__ import annotations

from flows import focus, report, talk, threads
from flows.meanings import Meaning
from flows.model import Stage
from flows.moving import go, land
from flows.turn import Turn

ASK = "again.ask"
_ASIDE = frozenset({Meaning.STATUS, Meaning.LOST_CODE, Meaning.CALL, Meaning.PERSON, Meaning.LANGUAGE})

# ── after hours ──────────────────────────────────────────────────────────────────────────────────────────────────────


def offer(turn: Turn) -> bool:
    """After a silence nothing answers what was asked before it: to go on is offered, and words wait for that."""
    if not turn.slept or turn.lost or talk.means(turn) in _ASIDE:
        return False
    turn.slept = False
    turn.misses = 0
    if turn.known.trial:
        turn.say("trial.notice")
    if turn.report.stage is Stage.FILED:
        return _ask_to_message(turn)
    turn.push()
    if focus.says_more(turn):
        hold(turn)
    else:
        land(turn, ASK, ask=True)
    return True


def _ask_to_message(turn: Turn) -> bool:
    """All was told, and only whether we may message this phone is open: that is asked once more."""
    if focus.says_more(turn):
        turn.update(stage=Stage.DONE, told=False)
        report.hold(turn)
        if not turn.shut:
            go(turn, "complaint.more")
        return True
    if turn.report.reminded:
        turn.forget()
        turn.trail, turn.node, turn.fresh = [], turn.book.nodes[turn.home], True
        return False
    turn.update(reminded=True)
    land(turn, "complaint.message", ask=True)
    return True


def hold(turn: Turn) -> None:
    """Words wait until it is known whether they are more of what was begun; behind the door they wait sealed.

    Those of danger lead behind it.
    """
    if turn.report.sealed:
        report.doubt(turn)
        land(turn, ASK, ask=True)
        return
    if not report.is_dangerous(turn):
        turn.update(held=(*turn.report.held, report.take_item(turn)))
        land(turn, ASK, ask=True)
        return
    report.keep_held(turn)
    turn.forget()
    turn.trail = []
    report.tell(turn)
    if not turn.shut:
        turn.say("welcome.code")
        go(turn, "complaint.begin")


# ── the question is gone ─────────────────────────────────────────────────────────────────────────────────────────────


def is_in_hand(turn: Turn) -> bool:
    """Whether something was begun that goes on, under the number and on the side of the door where it is."""
    return turn.memory.thread is not None or report.is_begun(turn)


def go_on(turn: Turn) -> bool:
    """The flows changed and the question that stood open is gone: words are kept where they belong, and it goes on."""
    if not turn.lost or turn.fresh:
        return False
    turn.open_with("restart.sorry")
    turn.misses = 0
    told = focus.says_more(turn)
    if turn.memory.thread is not None and not report.is_begun(turn):
        land(turn, "thread.added" if not told or threads.append(turn) else "doubt.thread", ask=True)
    elif turn.report.done:
        if told:
            report.hold(turn)
        if not turn.shut:
            go(turn, "complaint.more" if told else "complaint.category")
    elif told and report.is_doubtful(turn):
        report.doubt(turn)
        land(turn, "doubt.report", ask=True)
    else:
        if told:
            report.add_words(turn)
        if not turn.shut:
            _ask_next(turn, told=told)
    return True


_NEXT = {Stage.ASKED: "complaint.begin", Stage.FILED: "complaint.message"}


def _ask_next(turn: Turn, *, told: bool) -> None:
    if turn.report.routed and told:
        turn.update(told=True)
    placed = {"complaint.place", "protected.place"} & set(turn.trail)
    go(turn, _NEXT.get(turn.report.stage) or ("complaint.told" if placed else "complaint.where"))
