"""What stands at a case's number: the last things that were told, for whoever sends the code. Pure.

Nobody has to be messaged to read them. What the state of the case tells by itself is left out: a case that somebody has
only read, or begins to work on, looks alike on both sides of the protected door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from locales import render
from locales.values import group

Message = dict[str, Any]
MOST = 3  # messages that are kept
LETTERS_MOST = 700  # of all that is shown; ten parts of an Urdu SMS. The last one is shown whole
STATE_TELLS = ("acknowledge", "start")


def of(verb: str, message: Mapping[str, Any]) -> Message | None:
    """What is kept of a message: without its question, which is asked anew where it still stands; None for nothing."""
    text = message.get("text")
    if verb in STATE_TELLS and not text:
        return None
    says = message["says"][:-1] if message.get("options") else message["says"]
    return {"says": says, **({"text": text} if text else {})}


def show(messages: Sequence[Message], lang: str, channel: str, code: str) -> str:
    """The last of them, oldest first, in the reader's language; "" where there are none. `code` was said already."""
    shown: list[str] = []
    for message in reversed(messages):
        lines = render(message, lang, channel).split("\n")
        text = "\n".join(line for line in lines if line.strip("\u2066\u2069") != group(code))
        if shown and len(text) + sum(map(len, shown)) > LETTERS_MOST:
            break
        shown.insert(0, text)
    return "\n".join(shown)
