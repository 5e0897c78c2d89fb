"""What a telephone writes where it cannot show a reaction: 👍 to “…”, Liked an image. Nobody's words. Pure."""

from __future__ import annotations

import re

from flows.turn import Turn

_DID = (
    r"(?:dis)?liked|loved|emphasi[sz]ed|questioned|laughed\s+at|reacted(?:\s+with)?\s+\S+\s+to"
    r"|removed\s+an?\s+[\w ]{1,20}?\s+from"
)
_THING = (
    r"an?\s+(?:image|photo|picture|movie|video|attachment|sticker|message|link|location|contact"
    r"|(?:audio|voice)\s+message)"
)
# To the closing sign or to the end of what fitted; what somebody writes behind the quotation is their own.
_QUOTED = r"[“\"'‘«„](?:.*[”\"'’»“…]|[^”\"'’»]*)"
_LEAST = 6  # signs of the shortest: 👍 to “
_TAPBACK = re.compile(rf"\s*(?:{_DID}|[^\w\s]+\s+to)\s+(?:{_THING}[.!]?|{_QUOTED})\s*", re.IGNORECASE | re.DOTALL)


def is_tapback(text: str) -> bool:
    """Whether a whole text is a reaction in a telephone's words, whatever it quotes."""
    return len(text) >= _LEAST and _TAPBACK.fullmatch(text) is not None


def pass_over(turn: Turn) -> bool:
    """No answer, and nothing kept: neither our words that it quotes nor a code in them are the citizen's."""
    event = turn.event
    if event.media or event.location or event.choice or not is_tapback(event.text):
        return False
    turn.answered = True  # the same again is no robot
    turn.over = turn.fresh
    if turn.fresh and not turn.lost:
        turn.says.clear()
    return True
