"""A safe word: by it, the month and the tehsil whoever lost the number is known on a call. Pure.

It goes to where their words are, on whichever side of the door that is, and stands in no page and no session.
"""

from __future__ import annotations

import locales
from flows import codes, hearing, report, threads
from flows.effects import Append
from flows.lexicon import split
from flows.meanings import TAIL, Meaning
from flows.model import Item, Lies
from flows.turn import Turn

MOST, TOKENS = 40, 3  # letters, words: what is longer tells something
LETTERS, DIGITS = 2, 3  # at least: a digit or two answer something else
# What may stand around it: "my word is …". Of what a message has besides, all is the word.
_ENDED = frozenset({Meaning.DONE, Meaning.NOT_DONE, Meaning.HALF, Meaning.ACCEPT, Meaning.HIGHER})
_AROUND = (*TAIL, "yes", "me", "of", "is", "this", "safe_word")


def key(text: str) -> str:
    """A word as it is kept and compared: what sounds alike in one spelling, without spaces and signs."""
    return "".join(filter(str.isalnum, split(locales.fold(text))))


def read(turn: Turn) -> str:
    """The key of the word that a message is; "" where it is none."""
    event = turn.event
    if event.media or event.location or event.choice or len(event.text) > hearing.SHORT:
        return ""
    if codes.is_phone(event.text) or report.is_dangerous(turn) or _tells_how_it_ended(turn):
        return ""
    heard = turn.book.words.heard.read(turn.folded)
    around = {place for name in _AROUND for start, end in heard.spans.get(name, ()) for place in range(start, end)}
    left = [one for place, one in enumerate(heard.tokens) if place not in around and one.isalnum()]
    word = "".join(left)
    least = DIGITS if word.isdecimal() else LETTERS
    return word if least <= len(word) <= MOST and len(left) <= TOKENS else ""


def _tells_how_it_ended(turn: Turn) -> bool:
    """Whether this is for the question of ours that has waited meanwhile."""
    return turn.known.focus is not None and hearing.hear(turn.book.words, turn.short, _ENDED) is not None


def keep(turn: Turn, word: str) -> None:
    """Into the report or the case in hand; where there is none, onto the card of the call that was asked for."""
    item, told, thread, called = Item(safe_word=word), turn.report, turn.memory.thread, turn.memory.called
    turn.sealed = True  # the message itself is kept nowhere, on neither side
    turn.remember(called="")
    if told.sealed:
        report.seal(turn, "word", item)
    elif thread is not None and thread.inside:
        threads.seal(turn, thread, "word", item)
    elif told.routed and told.lies is Lies.SESSION:
        turn.took = True
        turn.update(story=(*told.story, item))
    elif code := told.code or (thread.code if thread else "") or called:
        turn.do(Append(code, item))
