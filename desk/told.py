"""What a person was told, as the desk shows it: what became of a line, and what it would be before it goes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cases.thread import Entry
from locales import render
from locales.channels import CHANNELS, sms_parts

NEW = timedelta(minutes=1)  # so long a line is looked at often
SOON, SELDOM = 3, 30  # seconds between two looks
# Why a message never left or never came, where that is known, and what is worth trying: the tail of a text key. What is
# not listed is told by its state.
WHY = {
    ("failed", "expired"): "expired",
    ("failed", "unsure"): "unsure",
    ("withdrawn", "stopped"): "stopped",
    ("unreached", "not_reached:template"): "unreached_template",
    ("unreached", "not_reached:call"): "unreached_call",
    ("unreached", "not_reached:expired"): "unreached_expired",
}
BAD = (
    *("failed", "undelivered", "parked", "withdrawn", "expired", "unsure", "stopped"),
    *("unreached", "unreached_template", "unreached_call", "unreached_expired"),
)
OURS = (None, "replaced", "erased")  # why we withdrew a message ourselves
ON_ITS_WAY = ("queued", "sending")


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one line: the tails of the text keys `sent.<word>` and, where it is bad, `try.<word>`.

    `look` is in how many seconds its state may be another, 0 where it is settled.
    """

    item: UUID
    word: str
    at: datetime | None  # when the message left
    look: int

    @property
    def bad(self) -> bool:
        return self.word in BAD


@dataclass(frozen=True, slots=True)
class Preview:
    """A message that has not been sent: as its reader would see it, and what it costs to send."""

    text: str
    lang: str
    parts: int  # SMS parts; 0 on a channel that has none
    kept: bool  # nothing may be sent: it would stand at their number


def tell(item: Entry, now: datetime) -> Fate:
    """What became of a line of the thread, from its row."""
    word = WHY.get((item.sent or "", item.error or ""), item.sent or "none")
    if word == "withdrawn" and item.error not in OURS:
        word = "stopped"  # the provider said so when it was sent, and not before
    look = (SOON if now - item.at < NEW else SELDOM) if word in ON_ITS_WAY else 0
    return Fate(item.id, word, item.sent_at, look)


def preview(item: Entry, channel: str) -> Preview:
    """Of a line that was written in a transaction which is not committed."""
    text = render(dict(item.message or {}), item.lang, channel)
    parts = len(sms_parts(text)) if CHANNELS[channel].parts else 0
    return Preview(item.text or "", item.lang, parts, item.outbox_id is None)
