"""What a channel is: it verifies and reads a web hook, and it sends one message. It decides nothing.

Each file beside this one is one provider, whole: what it asks for, what it reads, how it sends, and what its errors
mean. They say their fate, so that nobody outside a channel's file ever looks at a provider's code. `bot.registry` holds
one line for each of them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Self
from uuid import UUID

from flows.model import Media
from settings import Settings

Fate = Literal[
    "away",  # no connection was made: nobody can have any message now, so all wait and this was no attempt
    "retry",  # transient, and certainly not taken by the provider: the same message again, later and later
    "unsure",  # no answer came, so it may have been taken: ask the provider before it is sent again
    "later",  # the sender is too fast or has used up its day: the sender pauses, the message loses no attempt
    "park",  # the window in which this contact may be written to is shut: wait until they write
    "never",  # this address does not exist: nothing goes there again
    "opted_out",  # the contact has stopped us at the provider: nothing goes there again, recorded as their will
    "refused",  # this one message is not taken, whatever we do: it fails and an operator hears of it
    "stop",  # our set-up is wrong: the sender stops, the queue is kept and an operator hears of it
]
SILENT: frozenset[Fate] = frozenset({"away", "unsure"})  # nobody at the provider has said anything


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Posted:
    """One HTTP request as it arrived; `query` is raw, `headers` have lower-case names."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a citizen, verified. `address` is opaque: a phone number, a user id, never to be parsed."""

    provider: str
    provider_id: str  # what a repeat is known by; see `Channel.ids`
    channel: str  # kind of our sender: sms | whatsapp | telegram | gateway | try
    to: str  # our own number, as in channels.address
    address: str
    text: str = ""
    choice: str = ""  # the id of a tapped button or row
    media: tuple[Media, ...] = ()
    location: tuple[float, float] | None = None  # latitude, longitude
    quotes: str = ""  # the provider's id of our message that this one is a reply to
    opt_out: Literal["", "STOP", "START", "HELP"] = ""  # the provider has already acted on the word
    system: bool = False  # a short code or a name as sender: kept, never answered, or two robots talk for ever
    person: str = ""  # the provider's own id of who wrote, beside the address or as the address of who hides it
    cut: bool = False  # `text` is the first part of what came; see bot.bodies

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
class Receipt:
    """What became of a message: `state` is sent | delivered | read | undelivered | failed.

    `fate` and `wait` say what a failure means, as in `SendError`; `code` is the provider's own, for logs and alarms.
    """

    id: UUID  # the outbox row, and `attempt` of it, as they went out in `Outbound`
    attempt: int
    provider_id: str
    state: str
    fate: Fate = "refused"
    wait: float = 0.0
    code: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A person stopped us at the provider at this time, by no message of theirs; the rest is as in `Inbound`."""

    channel: str
    to: str
    address: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider wants to hear."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """What one web hook said. Empty for a handshake, and for a kind of news that nobody here waits for.

    `answer` is given once all of it is durable.
    """

    messages: tuple[Inbound, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    stops: tuple[Stopped, ...] = ()
    answer: Answer = Answer()


class Forged(Exception):
    """The request was not made by the provider: 403, and nothing is kept."""


class Unreadable(Exception):
    """The provider made the request, but its ids are not what they must be: 400, nothing kept, an alarm."""


# ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to send: `id` is the outbox row, `attempt` counts from 1, `door` is the web address of our door.

    After `expires` it is of no use: a provider that may hold it back is told so.
    """

    id: UUID
    channel: str
    sender: str
    address: str
    text: str
    attempt: int = 1
    door: str = ""  # no slash at its end; receipts come to `{door}/status`
    expires: datetime | None = None
    buttons: tuple[tuple[str, str], ...] = ()  # (what a tap carries, its text), where the channel shows any
    template: str = ""  # the provider's id of the approved text that it goes out as; `text` is what the reader sees
    values: str = ""  # what is filled into that, as the provider wants it


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has taken the message under this id."""

    provider_id: str


class SendError(Exception):
    """A message did not go out, or may not have.

    `wait` is how many seconds an error of this kind asks for, longer at each further try (0: the usual back-off);
    `retry_after` are the seconds that the provider itself named, which win. `code` is for logs and alarms only.
    """

    def __init__(self, fate: Fate, wait: float = 0.0, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{fate} ({code})")
        self.fate: Fate = fate
        self.wait = wait
        self.code = code
        self.retry_after = retry_after


async def is_answered(question: Awaitable[Any]) -> bool:
    """Whether anybody at the provider says anything to a question, whatever it is."""
    try:
        await question
    except SendError as error:
        return error.fate not in SILENT
    return True


class Unfetched(Exception):
    """A photo or voice note could not be had: `gone` when trying again is of no use.

    `fault` is what people are told of it: gone, kind (none that we keep), size (too large), unreachable.
    """

    def __init__(self, reason: str, *, gone: bool, fault: str = "") -> None:
        super().__init__(reason)
        self.gone = gone
        self.fault = fault or ("gone" if gone else "unreachable")


# ── set-up ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Ask:
    """One setting that an operator gives: `says` is the question, `pattern` what all of the value must look like.

    `default` makes the value where none is given (`str` for an empty one); None where it must be given.
    """

    name: str
    says: str
    secret: bool = False
    pattern: str = r"\S.{0,999}"
    default: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What a channel is opened with. `values` are answers to its asks.

    `address` and `door` (the web address of its door) are those of the row, and empty where many rows share an account.
    """

    values: Mapping[str, str]
    settings: Settings
    address: str = ""
    door: str = ""


class Channel(ABC):
    """One account at one provider. Nothing is asked of the network before the first call that needs it."""

    provider: ClassVar[str]  # its name in web addresses and in channels.provider: a-z and -
    kinds: ClassVar[tuple[str, ...]]  # which kinds of locales.channels its rows may be
    ours: ClassVar[str] = r"\S{1,80}"  # what all of our own address on it must look like
    # Where the ids of its messages are unique: at the whole provider, so that many rows share one account; in one row's
    # account, so that the doors put the row before them; or nowhere, so that the same text from the same address since
    # our last message there is taken for a repeat.
    ids: ClassVar[Literal["provider", "row", "none"]] = "provider"
    findable: ClassVar[bool] = True  # whether `find` can know; where it cannot, what is in doubt goes again only twice
    forgets: ClassVar[bool] = False  # the provider keeps messages and can be asked to delete one: `forget`
    methods: ClassVar[frozenset[str]] = frozenset({"POST"})  # with GET where a provider tries the door by one; or none
    templates: str = ""  # the account whose approved texts it may send; "" where the provider has none
    shows_buttons: ClassVar[bool] = False  # its messages can be answered by a tap: `Outbound.buttons` are filled
    # Bytes of one web hook that are kept. Of a larger one, up to `body_cap`, all is read, since its signature covers
    # all of it, and the words are kept in part.
    body_most: ClassVar[int] = 512 * 1024
    body_cap: ClassVar[int] = 4 * 1024 * 1024
    # The provider's own code of an error -> (fate, seconds to wait before the next try, or until the sender is tried
    # again). A table, so that no code is an `if`.
    codes: ClassVar[Mapping[str, tuple[Fate, float]]] = {}

    @classmethod
    def asks(cls, known: Mapping[str, str]) -> tuple[Ask, ...]:  # noqa: ARG003 - for presets: `known` may add questions
        """What a row of this provider needs, given what is known already; asked again after each answer."""
        return ()

    @classmethod
    def environment(cls, settings: Settings) -> Mapping[str, str] | None:  # noqa: ARG003 - a channel has one shape
        """The account that the environment names, for rows without settings of their own; None where it names none."""
        return None

    @classmethod
    @abstractmethod
    def open(cls, account: Account) -> Self:
        """The channel of an account whose values have passed `first_fault`."""

    @abstractmethod
    def read(self, posted: Posted) -> Heard:
        """Verify and read one web hook. Raises `Forged` or `Unreadable`."""

    def read_receipt(self, posted: Posted) -> Heard:
        """The same for the receipts' own door. Providers that post everything to one door leave this as it is."""
        return self.read(posted)

    @abstractmethod
    async def send(self, outbound: Outbound) -> Sent:
        """Send one message. Raises `SendError`; nothing else leaves it."""

    @abstractmethod
    async def find(self, outbound: Outbound, since: datetime) -> list[str]:
        """The provider's ids of messages taken at or after `since` that may be this one, oldest first.

        Equal texts to one person look alike: the caller leaves out what it knows to be another message. Raises
        `SendError` when the provider does not answer. What is not found is sent again: a provider that cannot be asked
        (see `findable`) finds nothing, and a message in doubt may then arrive twice.
        """

    async def fetch(self, url: str, most: int) -> bytes:  # noqa: ARG002 - a channel has one shape
        """The bytes of a citizen's photo or voice note, at most `most`. Raises `Unfetched`."""
        raise Unfetched("this channel carries no files", gone=True)

    async def erase(self, url: str) -> bool:  # noqa: ARG002 - a channel has one shape
        """Ask the provider to delete its copy of a photo or voice note. False where it did not."""
        return True

    async def forget(self, provider_id: str) -> bool:  # noqa: ARG002 - a channel has one shape
        """Ask the provider to delete its copy of one message. False where it did not, or not yet."""
        return False

    async def probe(self) -> str:
        """Ask the provider whether it knows this account, to no effect. What is wrong, in one line; "" if nothing."""
        return ""

    async def reach(self) -> bool:
        """Whether anybody answers at the provider, whatever they say: asked while it is away, to no effect."""
        return True

    async def connect(self) -> str:
        """Tell the provider where our door is, where that can be told. What is wrong, in one line; "" if nothing."""
        return ""

    def steps(self) -> tuple[str, ...]:
        """What an operator must still do at the provider by hand, a line each. May name a secret that was made here."""
        return ()

    @classmethod
    def silent_after(cls, values: Mapping[str, str]) -> float | None:  # noqa: ARG003 - a channel has one shape
        """Seconds without a web hook after which something is wrong; None where silence means that nobody wrote."""
        return None

    async def close(self) -> None:
        """Give back connections. The channel may be used again: it then makes new ones."""
        return


def first_fault(channel: type[Channel], values: Mapping[str, str]) -> str:
    """The name of the first setting that is missing or cannot be, with a word of which; "" if all are well."""
    for ask in channel.asks(values):
        value = values.get(ask.name, "")
        if not value and ask.default is None:
            return f"{ask.name} is missing"
        if value and not re.fullmatch(ask.pattern, value):
            return f"{ask.name} is not well-formed"
    return ""
