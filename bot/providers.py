"""The channels of this process by provider, and the pace they are sent at: made at first use, given back by `close`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from bot.channels import Channel
from bot.channels.simulator import Simulator
from bot.channels.twilio import Twilio
from bot.pacing import Pace
from settings import Settings
from store.jawab import Jawab


def twilio_of(settings: Settings) -> Twilio:
    """Raises ValueError where the account is not set."""
    return Twilio(
        account=settings.twilio_account_sid,
        token=settings.twilio_auth_token,
        public_url=settings.base_url,
        api_url=settings.twilio_api_url,
    )


MAKERS: dict[str, Callable[[Settings], Channel]] = {
    "twilio": twilio_of,
    "simulator": lambda _: Simulator(),
}


@dataclass(slots=True)
class Providers:
    """One set for one event loop: connections belong to the loop that made them."""

    settings: Settings
    pace: Pace
    channels: dict[str, Channel] = field(default_factory=dict)

    def channel(self, provider: str) -> Channel | None:
        """None where this provider is not set up here."""
        if provider not in self.channels:
            if provider not in MAKERS:
                return None
            try:
                self.channels[provider] = MAKERS[provider](self.settings)
            except ValueError:
                return None
        return self.channels[provider]


_open: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Settings, Providers]] = WeakKeyDictionary()


def of(jawab: Jawab) -> Providers:
    """The set of the running loop."""
    sets = _open.setdefault(asyncio.get_running_loop(), {})
    if jawab.settings not in sets:
        sets[jawab.settings] = Providers(jawab.settings, Pace(jawab.settings.redis_url))
    return sets[jawab.settings]


async def close() -> None:
    """Give back all connections that were made on the running loop. Call it before the loop ends."""
    for providers in _open.pop(asyncio.get_running_loop(), {}).values():
        for channel in providers.channels.values():
            await channel.close()
        await providers.pace.close()
