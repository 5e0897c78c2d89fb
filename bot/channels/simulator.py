"""The simulator: the phone in the browser at /try. It sends nowhere, because the page reads the outbox row itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from bot.channels import Account, Channel, Heard, Inbound, Outbound, Posted, Sent, Unfetched, Unreadable
from settings import Settings

TEXT_MOST = 10_000
ADDRESS = re.compile(r"[A-Za-z0-9_-]{8,64}")

STATIC = Path(__file__).parents[1] / "static"


@dataclass(frozen=True, slots=True)
class Sample:
    """A file the phone in the browser can send; `url` is where the simulator keeps it."""

    name: str
    button: str
    url: str
    content_type: str
    content: bytes


# Made by us, and they look it. The voice note is two seconds of silence: 76 empty MP3 frames.
SAMPLES = {
    "photo": Sample("a photo", "Photo", "sample:photo", "image/png", (STATIC / "sample-photo.png").read_bytes()),
    "voice": Sample("a voice note", "Voice", "sample:voice", "audio/mpeg", (b"\xff\xfb\x90\xc4" + bytes(413)) * 76),
}


class Simulator(Channel):
    """Verifies nothing: the page that uses it exists in demo mode only, and holds the address in its own cookie."""

    provider: ClassVar = "simulator"
    kinds: ClassVar = ("try",)
    methods: ClassVar = frozenset[str]()  # no door of its own: a stranger could post as anybody

    @classmethod
    def environment(cls, settings: Settings) -> Mapping[str, str] | None:  # noqa: ARG003 - a channel has one shape
        return {}  # there is nothing to know

    @classmethod
    def open(cls, account: Account) -> Simulator:  # noqa: ARG003 - a channel has one shape
        return cls()

    def read(self, posted: Posted) -> Heard:
        """Read `{"id", "to", "address", "text"?, "choice"?}` as JSON. Raises `Unreadable`."""
        try:
            said = json.loads(posted.body)
            id_, to, address = (str(said[name]) for name in ("id", "to", "address"))
            text, choice = str(said.get("text") or ""), str(said.get("choice") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Unreadable("json") from None
        if not ADDRESS.fullmatch(id_) or not ADDRESS.fullmatch(address) or len(to) > 80:
            raise Unreadable("ids")
        clean = text.replace("\0", "").encode("utf-8", "replace").decode()
        message = Inbound(
            provider=self.provider,
            provider_id=id_,
            channel="try",
            to=to,
            address=address,
            text=clean[:TEXT_MOST],
            choice=choice[:200],
        )
        return Heard(messages=(message,))

    async def send(self, outbound: Outbound) -> Sent:
        return Sent(f"SIM{outbound.id.hex}")

    async def find(self, outbound: Outbound, since: datetime) -> list[str]:  # noqa: ARG002 - a channel has one shape
        return []  # sending again has no effect but the state it sets

    async def fetch(self, url: str, most: int) -> bytes:  # noqa: ARG002 - a channel has one shape
        for sample in SAMPLES.values():
            if sample.url == url:
                return sample.content
        raise Unfetched("no such sample", gone=True)

    async def erase(self, url: str) -> bool:  # noqa: ARG002 - a channel has one shape
        return True  # nobody sent it to anybody: there is no copy

    async def close(self) -> None:
        return None
