"""What belongs to a case lands in it: a quoted message, a code in the text, the answer to what we asked last. Pure."""

from __future__ import annotations

import re

from flows import answers, codes, hearing, report, talk, threads
from flows.asking import ASKS
from flows.hearing import Meaning
from flows.lookup import look_up_case
from flows.model import Focus, Thread
from flows.moving import land
from flows.turn import Turn

VERIFY, ADDED, ABOUT, CODE = "verify.ask", "thread.added", "doubt.thread", "status.code"

# ── a code in a message ──────────────────────────────────────────────────────────────────────────────────────────────


def open_code(turn: Turn) -> bool:
    """A quoted message, or a code anywhere in the text: that case. An identity card's number is refused and blanked."""
    text = turn.event.text
    if not turn.event.quoted and not any(map(str.isdecimal, text)):
        return False  # most words hold no number, and a long one is not read for one
    if codes.is_written_as_card(text) and not any(map(str.isalpha, text)):
        refuse_card(turn)
        return True
    code = turn.event.quoted or _find_code(turn)
    if not code and codes.is_card(text):
        refuse_card(turn)
        return True
    if not code:
        return False
    turn.answered = True
    turn.pass_by()
    if turn.node.flow != "status":
        turn.push()
        turn.node = turn.book.nodes[CODE]
    look_up_case(turn, code)
    return True


def _find_code(turn: Turn) -> str | None:
    """The code that a text holds; not in a card's number as such are written: one in ten has a right check digit."""
    text = turn.event.text
    if codes.is_written_as_card(text):
        return codes.find(codes.blank_cards(text))
    return answers.status_code(turn.book, text, turn.short) or codes.find(text)


def refuse_card(turn: Turn) -> None:
    """Nobody should send us the number of their identity card."""
    turn.sealed = True  # no copy of the number is kept
    turn.say("card.refused")
    if turn.fresh:
        land(turn, turn.first, ask=True)
    else:
        turn.ask()


_NUMBER = re.compile(r"\d[\d\s\-\u2010-\u2015.]{11,}\d")
_ASKING = frozenset({Meaning.STATUS, Meaning.GREETING, Meaning.THANKS, Meaning.REACTION, Meaning.LOST_CODE})


def tells_more(turn: Turn) -> bool:
    """Whether a message with a code (or one that quotes it) says something for its case, beside asking after it."""
    event, words = turn.event, turn.book.words
    if event.media or event.location:
        return True
    if event.kind != "found" or not event.text:
        return False
    rest = [word for word in turn.book.fold(_NUMBER.sub(" ", event.text)).split() if word not in words.before_digits]
    said = " ".join(rest)
    asks = words.universal.get(said) == "status" or hearing.hear(words, said, _ASKING) is not None
    asks = asks or hearing.asks_after(words, said)
    return any(map(str.isalpha, said)) and not asks


# ── what we asked by ourselves ───────────────────────────────────────────────────────────────────────────────────────


def answer_focus(turn: Turn) -> bool:
    """The answer to the last thing that we asked by ourselves, unless something else was begun since."""
    focus = turn.known.focus
    if focus is None or focus.at <= turn.passed or not focus.code:
        return False
    return _verify(turn, focus) if focus.kind == "confirm" else _follow(turn, focus)


def return_to(turn: Turn) -> bool:
    """What was asked waited while something else was done; where that is over, words are its answer after all."""
    turn.passed = 0.0
    return answer_focus(turn)


def _verify(turn: Turn, focus: Focus) -> bool:
    was, trail, memory = turn.node, turn.trail, turn.memory
    if was.name != VERIFY:
        if not turn.fresh:
            turn.push()
        turn.node = turn.book.nodes[VERIFY]
    turn.remember(thread=Thread(focus.code, focus.day))
    if ASKS[turn.node.ask](turn, turn.short) or _small_talk(turn):
        return True
    if says_more(turn):
        ask_again(turn)
        return True
    turn.node, turn.trail, turn.memory = was, trail, memory
    return False


def _small_talk(turn: Turn) -> bool:
    """A greeting or thanks does not end the question: it is answered, and asked once more."""
    said = _SAID.get(talk.means(turn) or Meaning.NOTHING)
    if said is None:
        return False
    turn.says = []
    turn.say(said)
    turn.ask()
    return True


_SAID = {Meaning.GREETING: "welcome.hello", Meaning.THANKS: "thanks.reply"}


def ask_again(turn: Turn) -> None:
    """Words beside "is it done?" are kept in that case, and it is asked once more; the next ones are only kept."""
    if not threads.append(turn):
        land(turn, ABOUT, ask=True)
        return
    turn.misses += 1
    if turn.misses > 1:
        turn.pass_by()
        turn.misses = 0
        land(turn, ADDED, ask=True)
    else:
        turn.say("verify.kept")
        turn.ask()


def _follow(turn: Turn, focus: Focus) -> bool:
    asks = focus.kind == "answer" and talk.asks_when(turn)  # who works on it asked last: it is for them
    if not (says_more(turn) or asks or any(map(str.isdecimal, turn.short))):
        return False
    if not turn.fresh:
        turn.push()
    turn.answered = True
    turn.remember(thread=Thread(focus.code, focus.day))
    turn.pass_by()
    threads.settle(turn)
    turn.misses = 0
    land(turn, ADDED if threads.append(turn) else ABOUT, ask=True)
    return True


def _is_known(turn: Turn) -> bool:
    """Whether there is something that a telephone's number can belong to."""
    return turn.known.given or turn.memory.thread is not None or report.is_begun(turn)


def says_more(turn: Turn) -> bool:
    """Whether a message has something to keep: words that are no small talk, a file, a place, a telephone's number."""
    event, before = turn.event, turn.book.words.before_digits
    if event.media or event.location or (codes.is_phone(event.text) and _is_known(turn)):
        return True
    number = answers.pick_number(turn.short, before)  # "number 12" says no more than 12
    if turn.fresh and hearing.only_agrees(turn.book.words, turn.short):
        return False  # nothing was asked
    return any(map(str.isalpha, event.text)) and not number and talk.means(turn) is None
