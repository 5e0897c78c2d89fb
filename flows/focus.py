"""What belongs to a case lands in it: a quoted message, a code in the text, the answer to what we asked last. Pure."""

from __future__ import annotations

import re

from flows import answers, codes, hearing, report, talk, threads
from flows.asking import ASKS
from flows.lookup import look_up_case
from flows.meanings import Meaning
from flows.model import Ending, Focus, FoundCase, Thread
from flows.moving import land
from flows.shapes import replace
from flows.turn import Turn

AFTER, ADDED, ABOUT, CODE = ("verify.after", "verify.why"), "thread.added", "doubt.thread", "status.code"
# Where each question of how a case ended is asked, and what people's own words to it can mean besides yes and no.
ASKED: dict[str, str] = {"confirm": "verify.ask", "accept": "verify.accept"}
_VERDICTS = {
    "confirm": frozenset({Meaning.DONE, Meaning.NOT_DONE, Meaning.HALF}),
    "accept": frozenset({Meaning.ACCEPT, Meaning.HIGHER}),
}

# ── a code in a message ──────────────────────────────────────────────────────────────────────────────────────────────


def open_code(turn: Turn) -> bool:
    """A quoted message, or a code anywhere in the text: that case. An identity card's number is refused and blanked."""
    text = turn.words
    if not turn.event.quoted and ((text.isdecimal() and len(text) < codes.LENGTH) or not codes.holds_digit(text)):
        return False  # most words hold no number, and most numbers answer a question
    if codes.holds_card(text) and not any(map(str.isalpha, text)):
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
    turn.remember(left=turn.node.name if codes.valid(code) and not turn.fresh else "")
    if turn.node.look_up != "case":
        if turn.node.flow != "status":
            turn.push()
        turn.node = turn.book.nodes[CODE]
    look_up_case(turn, code)
    return True


def _find_code(turn: Turn) -> str | None:
    """The code that a text holds; not in a card's number as such are written: one in ten has a right check digit."""
    text = turn.words
    if codes.holds_card(text):
        return codes.find(codes.blank_cards(text))
    return answers.status_code(turn.book, text, turn.short) or codes.find(text)


def blank_card(turn: Turn) -> bool:
    """Thirteen digits in a sentence that open nothing are an identity card's: the rest of it is read where it was said.

    False where there is no rest.
    """
    left = turn.left
    if not any(map(str.isalpha, turn.event.text)):
        return False
    turn.read(replace(turn.event, kind="message", text=codes.blank_numbers(turn.event.text), quoted="", found=None))
    turn.looked_up, turn.sealed, turn.answered = "", True, False
    turn.node, turn.fresh = turn.book.nodes[left or turn.home], not left
    if left and turn.trail[-1:] == [left]:
        turn.trail.pop()
    return True


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


def judge_found(turn: Turn, found: FoundCase) -> bool:
    """Words beside a code, or beside a quoted message of ours, that say how its case ended.

    A digit only where the quoted message asks that.
    """
    if found.asks is None:
        return False
    said = _beside_number(turn)
    if turn.event.quotes_asks != found.asks and not _hears(turn, _VERDICTS[found.asks], said):
        return False
    turn.node = turn.book.nodes[ASKED[found.asks]]
    return ASKS[turn.node.ask](turn, said)


def _beside_number(turn: Turn) -> str:
    """The folded words of a message without the number in it."""
    before = turn.book.words.before_digits
    folded = turn.book.fold(_NUMBER.sub(" ", turn.event.text))
    return folded if folded.isdecimal() else " ".join(word for word in folded.split() if word not in before)


def tells_more(turn: Turn) -> bool:
    """Whether a message with a code (or one that quotes it) says something for its case, beside asking after it."""
    event, words = turn.event, turn.book.words
    if event.media or event.location:
        return True
    if event.kind != "found" or not event.text:
        return False
    said = _beside_number(turn)
    asks = words.universal.get(said) == "status" or hearing.hear(words, said, _ASKING) is not None
    asks = asks or hearing.asks_after(words, said)
    return any(map(str.isalpha, said)) and not asks


# ── what we asked by ourselves ───────────────────────────────────────────────────────────────────────────────────────


def answer_focus(turn: Turn) -> bool:
    """The answer to the last thing that we asked by ourselves, unless something else was asked since."""
    focus = turn.known.focus
    if focus is None or not focus.code:
        return False
    ended = _thread_of(focus) if focus.kind in ASKED else None
    if focus.at <= turn.passed:
        return ended is not None and _judge(turn, ended)
    return _verify(turn, ended) if ended is not None else _follow(turn, focus)


def _thread_of(focus: Focus) -> Thread:
    asks: Ending = "accept" if focus.kind == "accept" else "confirm"
    return Thread(focus.code, focus.day, asks=asks, late=focus.late, drop=focus.drop, asked=True)


def return_to(turn: Turn) -> bool:
    """What was asked waited while something else was done; where that is over, words are its answer after all."""
    turn.passed = 0.0
    return answer_focus(turn)


def think_again(turn: Turn) -> bool:
    """Whoever has just said how it ended may say otherwise, and whoever asked after it may say so."""
    thread = turn.memory.thread
    return thread is not None and turn.node.name in _JUDGED and _judge(turn, thread)


def _judge(turn: Turn, thread: Thread) -> bool:
    """Words that say how it ended, where that question was passed by. A bare yes answers what is open.

    Who was asked why it is not done says so in words like "not done": they are the reason, and no second verdict.
    """
    if thread.asks is None or (turn.node.ask not in {"thread", "more"} and not turn.fresh):
        return False
    meanings = _VERDICTS[thread.asks] - (_AGAINST if turn.node.name == "verify.why" else frozenset())
    return _hears(turn, meanings) and _ask_done(turn, thread)


_JUDGED = frozenset((*AFTER, "status.ended"))
_AGAINST = frozenset({Meaning.NOT_DONE, Meaning.HIGHER})


def _ask_done(turn: Turn, thread: Thread) -> bool:
    """Try this message as the answer to how it ended; False leaves the conversation where it stands."""
    was, trail, memory, told = turn.node, turn.trail, turn.memory, turn.report
    _stand_at_verify(turn, thread)
    if ASKS[turn.node.ask](turn, turn.short):
        return True
    turn.node, turn.trail, turn.memory, turn.report = was, trail, memory, told
    return False


def _stand_at_verify(turn: Turn, thread: Thread) -> None:
    asked = ASKED[thread.asks or "confirm"]
    if turn.node.name != asked:
        if not turn.fresh:
            turn.push()
        turn.node = turn.book.nodes[asked]
    turn.remember(thread=thread)


def _verify(turn: Turn, thread: Thread) -> bool:
    if _ask_done(turn, thread):
        return True
    talks, asks = talk.means(turn), talk.asks_when(turn)
    if talks is not None and talks not in _SAID and not asks:
        return False  # a wish is done, and a sign gets no answer
    _stand_at_verify(turn, thread)
    turn.fresh = False
    if _small_talk(turn):
        return True
    if asks or says_more(turn):
        ask_again(turn)
        return True
    return False  # not understood, and asked again like every question


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
    """Words beside a question of ours are kept in its case, and it is asked once more; the next ones are only kept."""
    if not threads.append(turn):
        turn.pass_by()  # whether it is about a person was asked last: a digit answers that
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


def _hears(turn: Turn, meanings: frozenset[Meaning], said: str | None = None) -> bool:
    return hearing.hear(turn.book.words, turn.short if said is None else said, meanings) is not None


_ANSWERS = frozenset({Meaning.YES, Meaning.NO})


def _follow(turn: Turn, focus: Focus) -> bool:
    polite = talk.means(turn) in _SAID  # "all right" may only say that it was read
    agrees = focus.kind != "edition" and not polite and _hears(turn, _ANSWERS)
    asks = focus.kind == "answer" and talk.asks_when(turn)  # who works on it asked last: it is for them
    if not (agrees or asks or says_more(turn) or any(map(str.isdecimal, turn.short))):
        return False
    was, busy = turn.node, report.is_begun(turn) and not turn.report.done and not turn.fresh
    turn.answered = True
    if not busy and not turn.fresh:
        turn.push()
    before = turn.memory.thread
    turn.remember(thread=Thread(focus.code, focus.day, drop=focus.drop, asked=focus.kind != "edition"))
    turn.pass_by()
    threads.settle(turn)
    turn.misses = 0
    if not threads.append(turn):
        if busy:
            turn.push()
        land(turn, ABOUT, ask=True)
    elif busy:  # what they were telling goes on where it stood
        turn.say(ADDED)  # the text has the node's name
        turn.remember(thread=before)
        land(turn, was.name, ask=True)
    else:
        land(turn, ADDED, ask=True)
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
    said = not event.choice and any(map(str.isalpha, event.text))  # the title of a button is nobody's words
    return said and not number and talk.means(turn) is None
