"""What a channel is: it verifies and reads a webhook, and it sends one message. It decides nothing.

The errors of a channel say their fate, so that no caller ever looks at a provider's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from flows.model import Media

Fate = Literal[
    "retry",  # transient, and certainly not taken by the provider: the same message again, later and later
    "unsure",  # no answer came, so it may have been taken: ask the provider before it is sent again
    "later",  # the sender is too fast or has used up its day: the sender pauses, the message loses no attempt
    "park",  # the window in which this contact may be written to is shut: wait until he writes
    "never",  # this address does not exist: nothing goes there again
    "opted_out",  # the contact has stopped us at the provider: nothing goes there again, recorded as his will
    "refused",  # this one message is not taken, whatever we do: it fails and an operator hears of it
    "stop",  # our set-up is wrong: the sender stops, the queue is kept and an operator hears of it
]


@dataclass(frozen=True, slots=True)
class Posted:
    """One HTTP request as it arrived; `query` is raw, `headers` have lower-case names."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a citizen, verified. `address` is opaque: a phone number, a user id, never to be parsed."""

    provider: str
    provider_id: str
    channel: str  # kind of our sender: sms | whatsapp | telegram | gateway | try
    to: str  # our own number, as in channels.address
    address: str
    text: str = ""
    choice: str = ""  # the id of a tapped button or row
    media: tuple[Media, ...] = ()
    location: tuple[float, float] | None = None  # latitude, longitude
    opt_out: Literal["", "STOP", "START", "HELP"] = ""  # the provider has already acted on the word
    system: bool = False  # a short code or a name as sender: kept, never answered, or two robots talk for ever

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it; the reverse is `from_dict`."""
        kept = {name: getattr(self, name) for name in Inbound.__slots__}  # asdict copies deeply, at ten times the cost
        return kept | {"media": [asdict(item) for item in self.media]}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Inbound:
        """What `as_dict` gave, after a round trip through JSON."""
        location = kept["location"]
        return cls(
            **{
                **kept,
                "media": tuple(Media(**item) for item in kept["media"]),
                "location": (location[0], location[1]) if location else None,
            }
        )


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to send: `id` is the outbox row, `attempt` counts from 1."""

    id: UUID
    channel: str
    sender: str
    address: str
    text: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has taken the message under this id."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message: `state` is sent | delivered | read | undelivered | failed, `code` the provider's."""

    id: UUID
    attempt: int
    provider_id: str
    state: str
    code: int = 0


class Forged(Exception):
    """The request was not made by the provider: 403, and nothing is kept."""


class Unreadable(Exception):
    """The provider made the request, but its ids are not what they must be: 400, nothing kept, an alarm."""


class SendError(Exception):
    """A message did not go out, or may not have. `retry_after` is in seconds where the provider named a time."""

    def __init__(self, fate: Fate, code: int = 0, retry_after: float | None = None) -> None:
        super().__init__(f"{fate} ({code})")
        self.fate: Fate = fate
        self.code = code
        self.retry_after = retry_after


class Unfetched(Exception):
    """A photo or voice note could not be had: `gone` when trying again is of no use."""

    def __init__(self, reason: str, *, gone: bool) -> None:
        super().__init__(reason)
        self.gone = gone


class Channel(Protocol):
    """What every provider offers to intake and deliver."""

    provider: str

    def read(self, posted: Posted) -> Inbound:
        """Verify and read one webhook. Raises `Forged` or `Unreadable`."""
        ...

    async def send(self, outbound: Outbound) -> Sent:
        """Send one message. Raises `SendError`; nothing else leaves it."""
        ...

    async def find(self, outbound: Outbound, since: datetime) -> list[str]:
        """The provider's ids of messages taken at or after `since` that may be this one, oldest first.

        Equal texts to one person look alike: the caller leaves out what it knows to be another message. Raises
        `SendError` when the provider does not answer.
        """
        ...

    async def fetch(self, url: str, most: int) -> bytes:
        """The bytes of a citizen's photo or voice note, at most `most`. Raises `Unfetched`."""
        ...

    async def erase(self, url: str) -> bool:
        """Ask the provider to delete its copy of a photo or voice note. False where it did not."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
