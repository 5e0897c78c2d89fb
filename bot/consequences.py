"""What an error means beyond its message: for the contact, the sender and the people who must know."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from bot.channels import Fate, Stopped
from store import alarms, channels, consents, contacts
from store.crypto import Keys
from store.database import Tx


class Concerned(Protocol):
    """The outbox row whose message met the error."""

    @property
    def id(self) -> UUID: ...
    @property
    def contact_id(self) -> UUID: ...
    @property
    def channel_id(self) -> UUID: ...
    @property
    def district_id(self) -> str: ...


async def draw(tx: Tx, fate: Fate, code: str, row: Concerned, seconds: float) -> None:
    """Write what follows from an error of this fate; `seconds` is how long a sender pauses."""
    if fate in _OF:
        await _OF[fate](tx, code, row, seconds)


async def _stopped(tx: Tx, code: str, row: Concerned, seconds: float) -> None:  # noqa: ARG001 - every one of a table has one shape
    await _stop(tx, row.contact_id)


async def _stop(tx: Tx, contact_id: UUID) -> None:
    """They stopped us at the provider, where we cannot see it: recorded as their will, once."""
    if await contacts.stop(tx, contact_id):
        await consents.write(tx, contact_id, topic="all", granted=False, method="provider")


async def note_stop(tx: Tx, keys: Keys, stopped: Stopped) -> None:
    """The same, as the provider told it by itself; nothing where they have written since."""
    tag = contacts.tag(keys, stopped.channel, stopped.to, stopped.address)
    contact_id = await contacts.find_silent(tx, stopped.channel, stopped.to, tag, stopped.at)
    if contact_id is not None:
        await _stop(tx, contact_id)


async def _nobody(tx: Tx, code: str, row: Concerned, seconds: float) -> None:  # noqa: ARG001 - every one of a table has one shape
    await contacts.mark_invalid(tx, row.contact_id)


async def _slow(tx: Tx, code: str, row: Concerned, seconds: float) -> None:
    """Answers to citizens are tried all the same; see the claims."""
    if await channels.pause(tx, row.channel_id, seconds) and seconds >= 60:
        await alarms.sound(
            tx, "sender_limit", row.district_id, once=("channel", "code"), channel=str(row.channel_id), code=code
        )


async def _halt(tx: Tx, code: str, row: Concerned, seconds: float) -> None:
    if await channels.pause(tx, row.channel_id, seconds):
        await alarms.sound(
            tx, "sender_stopped", row.district_id, once=("channel", "code"), channel=str(row.channel_id), code=code
        )


async def _shut(tx: Tx, code: str, row: Concerned, seconds: float) -> None:  # noqa: ARG001 - every one of a table has one shape
    await contacts.note_shut(tx, row.contact_id)


async def _tell(tx: Tx, code: str, row: Concerned, seconds: float) -> None:  # noqa: ARG001 - every one of a table has one shape
    await alarms.sound(tx, "message_refused", row.district_id, outbox=str(row.id), code=code)


async def _away(tx: Tx, code: str, row: Concerned, seconds: float) -> None:  # noqa: ARG001 - every one of a table has one shape
    if await channels.note_away(tx, row.channel_id):
        await alarms.sound(tx, "provider_away", row.district_id, once=("channel",), channel=str(row.channel_id))


_OF = {
    "away": _away,
    "opted_out": _stopped,
    "never": _nobody,
    "later": _slow,
    "stop": _halt,
    "refused": _tell,
    "park": _shut,
}
FELT_BY_OTHERS = frozenset(_OF)
