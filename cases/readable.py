"""What stands at a case's number: the last things that were told, for whoever sends the code. Pure.

Nobody has to be messaged to read them. What the state of the case tells by itself is left out: a case that somebody has
only read, or begins to work on, looks alike on both sides of the protected door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from locales import render
from locales.channels import CHANNELS
from locales.values import LRI, PDI, group, write_date

Message = dict[str, Any]
MOST = 3  # messages that are kept
LETTERS_MOST = 700  # of all that is shown; ten parts of an Urdu SMS. The last one is shown whole
STATE_TELLS = ("acknowledge", "start")


def of(verb: str, message: Mapping[str, Any], on: date) -> Message | None:
    """What is kept of a message of this day: without its question, which is asked anew; None for nothing."""
    text = message.get("text")
    if verb in STATE_TELLS and not text:
        return None
    says = message["says"][:-1] if message.get("options") else message["says"]
    return {"on": on.isoformat(), "says": says, **({"text": text} if text else {})}


def show(messages: Sequence[Message], lang: str, channel: str, code: str) -> str:
    """The last of them with their days, oldest first, in the reader's language; "" where there are none.

    What was so on its day is not said as if it still were. `code` was said already.
    """
    shown: list[str] = []
    apart, again = (LRI, PDI) if CHANNELS[channel].isolates else ("", "")
    for message in reversed(messages):
        lines = render(message, lang, channel).split("\n")
        day = f"{apart}{write_date(message['on'])}{again}: " if "on" in message else ""
        text = day + "\n".join(line for line in lines if line.strip(f"{LRI}{PDI}") != group(code))
        if shown and len(text) + sum(map(len, shown)) > LETTERS_MOST:
            break
        shown.insert(0, text)
    return "\n".join(shown)
