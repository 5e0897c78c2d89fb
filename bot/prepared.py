"""What goes out of a claimed row: its text in clear, in its language, as its channel shows it, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass

from bot.channels import Channel, Outbound
from locales import render, render_buttons
from locales.channels import CHANNELS
from store import contacts, outbox
from store.crypto import Keys
from store.outbox.claims import Claimed


@dataclass(slots=True)
class Ready:
    """A claimed row that may go out; `cost` is in slots of its sender (SMS parts). Times are monotonic."""

    row: Claimed
    channel: Channel
    outbound: Outbound
    cost: int
    claimed: float
    slot: float = 0.0


def prepare(keys: Keys, row: Claimed, channel: Channel, door: str) -> Outbound:
    """The message as it goes out: decrypted, in its language, as its channel shows it."""
    message = keys.get_json(row.message, outbox.bound_to(row.id))
    return Outbound(
        id=row.id,
        channel=row.kind,
        sender=row.sender,
        address=keys.decrypt(row.address_box, contacts.bound_to(row.contact_id)).decode(),
        text=clip(render(message, row.lang, row.kind), CHANNELS[row.kind].body),
        attempt=row.attempts,
        door=door,
        expires=row.expires_at,
        buttons=tuple(render_buttons(message, row.lang, row.kind)) if channel.shows_buttons else (),
    )


def clip(text: str, most: int) -> str:
    """At most `most` UTF-16 units, as providers count. The flows' check keeps texts far below; a handler may not."""
    if len(text.encode("utf-16-le")) // 2 <= most:
        return text
    return text.encode("utf-16-le")[: (most - 1) * 2].decode("utf-16-le", "ignore") + "…"
