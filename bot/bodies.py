"""The body of a web hook: read whole, since its signature covers all of it, and kept up to a measure.

What no messenger lets anybody write is kept in part: the person is told so in their answer, and an operator hears.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from urllib.parse import quote_plus, unquote_plus

from starlette.types import Receive

from bot.channels import Inbound

SECONDS = 8.0  # who is slower only holds a connection
ON_A_THREAD = 64 * 1024  # bytes: a larger form takes longer to read than the other web hooks should wait
LETTERS = 65_536  # WhatsApp's own limit: so many are kept, whatever their script makes of them on the way


class TooLarge(Exception):
    """More than any web hook has: not read to its end."""


class TooSlow(Exception):
    """It did not come in time."""


async def read(receive: Receive, most: int) -> bytes:
    """The whole body. What a length header says is not believed. Raises `TooLarge` or `TooSlow`."""
    body, more = bytearray(), True
    try:
        async with asyncio.timeout(SECONDS):
            while more:
                piece = await receive()
                if piece["type"] == "http.disconnect":
                    raise TooSlow
                body += piece.get("body", b"")
                if len(body) > most:
                    raise TooLarge
                more = piece.get("more_body", False)
    except TimeoutError:
        raise TooSlow from None
    return bytes(body)


def cut(message: Inbound, most: int) -> Inbound:
    """The message with as much of its words as a form of `most` bytes can hold, and never less than `LETTERS`."""
    fits = re.sub("%.?$", "", quote_plus(message.text[:most])[:most])  # not in the middle of an escape
    kept = max(unquote_plus(fits, errors="ignore"), message.text[:LETTERS], key=len)
    return dataclasses.replace(message, text=kept, cut=True) if kept != message.text else message
