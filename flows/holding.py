"""Replies that wait a moment: people say one thing in several messages, and a long SMS comes apart. Pure.

Where words were kept, the reply is held for as long as the next bubble may take. Whatever comes meanwhile replaces it
and hands on the number that it gave. The question in it has been read by nobody, so that a digit is no answer to it.
"""

from __future__ import annotations

from flows import answers
from flows.effects import Step
from flows.model import Echo, Held, Reply, Say, Session
from flows.turn import Turn
from locales.channels import CHANNELS

MOST_TIMES = 5  # of a channel's moment: somebody who goes on writing is answered in between


def is_unread(turn: Turn) -> bool:
    """Whether the open question stands in a reply that has not gone out. "Is it done?" was asked by an act before."""
    return turn.held is not None and turn.seen != turn.face and turn.node.flow != "verify"


def pass_early(turn: Turn) -> bool:
    """A digit that came before its question could be read answers nothing, and the question stands."""
    if turn.fresh or turn.event.choice or not is_unread(turn):
        return False
    if not answers.pick_number(turn.short, turn.book.words.before_digits):
        return False
    turn.early = turn.answered = True
    turn.ask()
    return True


def settle(turn: Turn, before: Session, echo: Echo | None) -> Step:
    """The step with its reply held where more may come, and with what the one that it replaces had to say."""
    held, says = turn.held, tuple(turn.says)
    if not says and not turn.options:
        return turn.end(None, held, echo)
    if held is not None:
        says = (*(say for say in held.says if say not in says), *says)
    at, until = turn.known.at, _until(turn, before)
    wait = max(0.0, until - at)
    since = held.since if held is not None else at
    kept = Held(until, since, turn.seen, tuple(filter(_is_handed_on, says))) if wait else None
    reply = Reply(says, turn.options, turn.face, turn.book.fingerprint, wait)
    return turn.end(reply, kept, echo, replaces=held is not None)


def _until(turn: Turn, before: Session) -> float:
    """When the reply goes out, in seconds since 1970. At once to a stranger, to a tap, to digits and to commands."""
    held, at = turn.held, turn.known.at
    if turn.early and held is not None:
        return held.until
    stranger = not before.lang and not before.node
    if not turn.partial or stranger or turn.event.choice:
        return at
    moment = CHANNELS[turn.known.channel].bubble_seconds
    return min(at + moment, (held.since if held is not None else at) + MOST_TIMES * moment)


# Said of a message, and of no other: what of it was not kept.
_FATES = frozenset({"intake.cut", "intake.file_refused"})


def _is_handed_on(say: Say) -> bool:
    return say.key in _FATES or any(isinstance(value, dict) and "code" in value for value in say.values.values())
