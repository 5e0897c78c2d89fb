"""What a provider's stand-in offers to the contract test, which runs every channel of the registry over it.

`tests/providers/<provider>.py` names its own as STANDIN; the payloads lie in `tests/payloads/<provider>/`. Each is a
JSON object:

    about     one line that says what it is
    shows     what it stands for, one of SHOWS
    status    true where it comes to the receipts' door
    …         whatever the stand-in's `posted` makes a request of (fields, json, headers, query)
    expect    {"messages": […], "receipts": […], "stops": […]?} as the channel reads it; left out where `shows` is
              "malformed"
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from bot.channels import Fate, Posted

SHOWS = ("text", "choice", "media", "place", "stop", "robot", "nothing", "receipt", "failure", "malformed")
NEEDED = ("text", "choice", "media", "place", "receipt", "failure", "malformed")
PUBLIC_URL = "https://jawab.test"
NAME = "contract"  # of the row's door


class Standin(ABC):
    """One account of the provider, at a server on loopback. Used as a context: it is started and stopped."""

    provider: ClassVar[str]
    # What this provider cannot do -> why, in a few words: a kind of payload of NEEDED, "forged", "receipts", a fate.
    lacks: ClassVar[Mapping[str, str]] = {}
    states: ClassVar[tuple[str, ...]] = ("sent", "delivered", "read")  # the receipts of a message that arrives
    kind: ClassVar[str]  # of the row, and `address` our own on it
    address: ClassVar[str] = "+923000000099"
    citizen: ClassVar[str] = "+923000000001"
    wrong: ClassVar[str] = "not-the-secret"  # what a secret of ours might have been, but is not

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    @abstractmethod
    def values(self) -> dict[str, str]:
        """The settings of a row that talks to this server, as an operator would give them."""

    def recorded(self) -> dict[str, str]:
        """The settings that the payloads were recorded with, where they name the provider's own addresses."""
        return self.values()

    @abstractmethod
    def posted(self, payload: Mapping[str, Any], path: str) -> Posted:
        """A recorded payload as the provider would post it, signed for PUBLIC_URL + `path`."""

    def forged(self, real: Posted) -> Iterator[Posted]:
        """The same by somebody who does not have the secret."""
        yield dataclasses.replace(real, headers={})
        yield dataclasses.replace(real, body=real.body.replace(b"0", b"1", 1))
        yield dataclasses.replace(real, body=b"")

    def receipt(self, provider_id: str, state: str) -> Posted:
        """A receipt for a message that this server has taken."""
        raise NotImplementedError

    def fail(self, fate: Fate) -> None:
        """Answer the next message so that its fate must be this one."""
        raise NotImplementedError

    def texts(self) -> list[str]:
        """The messages that were taken, in order."""
        return []
