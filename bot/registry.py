"""Which channels there are, one line each, and those of this process that are open: by account, not by provider.

A row of `channels` with settings of its own is opened with these; one without uses the environment's account. Numbers
that share an account share its connections. A row is opened as it was read: where its settings have changed since, the
next look at it opens the new account, and the old one is closed once nobody has used it for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog

from bot.channels import Account, Channel, first_fault
from bot.channels.gateway import Gateway
from bot.channels.simulator import Simulator
from bot.channels.telegram import Telegram
from bot.channels.twilio import Twilio
from bot.pacing import Pace
from settings import Settings
from store import alarms, channels
from store.channels import Row
from store.crypto import Keys, Unopened
from store.jawab import Jawab

CHANNELS: tuple[type[Channel], ...] = (
    Twilio,
    Gateway,
    Telegram,
    Simulator,
)
PROVIDERS: Mapping[str, type[Channel]] = {channel.provider: channel for channel in CHANNELS}

FRESH = 30.0  # seconds after which a web process reads the rows again
AGAIN = 2.0  # seconds between two readings for names that are not there: a stranger may ask for many
HEARD = 60.0  # seconds between two notes of a sign of life
IDLE = 120.0  # seconds after which an account that nobody used is closed: longer than any fetch

log = structlog.get_logger()

Key = tuple[str, UUID | None, tuple[tuple[str, str], ...]]  # provider, row where accounts are not shared, values


class Unusable(Exception):
    """Settings that cannot be used, in one line that tells no value."""


class NoAccount(Unusable):
    """The row has no settings of its own, and the environment names no account for its provider."""


def values_of(settings: Settings, keys: Keys, row: Row) -> Mapping[str, str]:
    """What a row's account is opened with. Raises `Unusable`."""
    channel = PROVIDERS.get(row.provider)
    if channel is None:
        raise Unusable(f"no channel here speaks to {row.provider}")
    if row.config_box is None:
        given = channel.environment(settings)
        if given is None:
            raise NoAccount(f"no {row.provider} account is set up here")
    else:
        try:
            given = channels.open_settings(keys, row)
        except (Unopened, ValueError):
            raise Unusable("its settings cannot be opened with this house's keys") from None
    if fault := first_fault(channel, given):
        raise Unusable(fault)
    return given


def make(settings: Settings, row: Row, values: Mapping[str, str]) -> Channel:
    """The channel of a row, not kept anywhere."""
    channel = PROVIDERS[row.provider]
    own = row.config_box is not None and channel.ids != "provider"
    return channel.open(
        Account(values, settings, row.address if own else "", door_of(settings, row) if own else ""),
    )


def door_of(settings: Settings, row: Row) -> str:
    """The web address that the provider of this row posts to; receipts go to the same with `/status` behind it."""
    return f"{settings.base_url}/in/{row.provider}" + (f"/{row.name}" if row.name else "")


def scoped(channel: Channel, row: Row | None, provider_id: str) -> str:
    """A provider's id as it is kept: two accounts may give the same one, unless their provider says otherwise."""
    if channel.ids == "provider" or row is None or row.config_box is None:
        return provider_id
    return f"{row.id.hex[:16]}:{provider_id}"


@dataclass(frozen=True, slots=True)
class Door:
    """Where one account's web hooks come in; `row` is None at the door of the environment's account."""

    channel: Channel
    row: Row | None


@dataclass(slots=True)
class _Open:
    channel: Channel
    used: float


@dataclass(frozen=True, slots=True)
class _Rows:
    at: float
    by_name: Mapping[tuple[str, str | None], Row]
    by_address: Mapping[tuple[str, str], Row]
    addresses: frozenset[str]


@dataclass(slots=True)
class Registry:
    """The open channels of one event loop: connections belong to the loop that made them."""

    jawab: Jawab
    pace: Pace
    _opened: dict[Key, _Open] = field(default_factory=dict)
    _keys: dict[tuple[UUID | None, str, bytes | None], Key | None] = field(default_factory=dict)
    _front: dict[str, tuple[Key | None, Row]] = field(default_factory=dict)
    _heard: dict[UUID, float] = field(default_factory=dict)
    _rows: _Rows | None = None
    _swept: float = 0.0
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self, row: Row) -> Channel | None:
        """The channel of a row; None where it is retired or not set up, of which people were told once."""
        if row.retired:
            return None
        seen = (row.id, row.provider, row.config_box)
        if seen not in self._keys:
            self._keys[seen] = await self._look(row)
        key = self._keys[seen]
        return self._use(key, row) if key is not None else None

    def front_door(self, provider: str) -> Door | None:
        """Where `/in/<provider>` leads: to the environment's account; None where it names none."""
        if provider not in self._front:
            known, key, row = PROVIDERS.get(provider), None, Row(_NOBODY, "", provider, "", "")
            if known is not None and known.methods:
                values = known.environment(self.jawab.settings)
                key = _key(row, values) if values is not None else None
            if len(self._front) > len(PROVIDERS):  # names that strangers made up
                self._front.clear()
            self._front[provider] = (key, row)
        key, row = self._front[provider]
        return Door(self._use(key, row), None) if key is not None else None

    async def door(self, provider: str, name: str) -> Door | None:
        """Where `/in/<provider>/<name>` leads; None where there is no such door. Raises `Unusable`."""
        named = await self._find(name=(provider, name)) if provider in PROVIDERS else None
        if named is None or not PROVIDERS[provider].methods:
            return None
        channel = await self.open(named)
        if channel is None:
            raise Unusable(named.name)
        return Door(channel, named)

    async def owner(self, kind: str, address: str, *, surely: bool) -> Row | None:
        """The row of one of our numbers as this process knows it; `surely` looks again before it says None."""
        return await self._find(address=(kind, address), surely=surely)

    async def is_ours(self, address: str) -> bool:
        """Whether an address is a number of ours: two of them would answer each other for ever."""
        return address in (await self._read(FRESH)).addresses

    def is_news(self, row_id: UUID) -> bool:
        """Whether a sign of life of this row is to be noted: once a minute."""
        now = time.monotonic()
        if now - self._heard.get(row_id, -HEARD) < HEARD:
            return False
        self._heard[row_id] = now
        return True

    async def close(self) -> None:
        for one in self._opened.values():
            await one.channel.close()
        self._opened.clear()
        if self._closing:
            await asyncio.wait(self._closing)
        await self.pace.close()

    def door_of(self, row: Row) -> str:
        return door_of(self.jawab.settings, row)

    # ── accounts ─────────────────────────────────────────────────────────────────────────────────────────────────
    async def _look(self, row: Row) -> Key | None:
        """Open a row's settings for the first time, and tell people, once in all processes, where that fails."""
        fault: str | None = None
        key: Key | None = None
        try:
            key = _key(row, values_of(self.jawab.settings, self.jawab.keys, row))
        except NoAccount:
            pass  # nothing is wrong with the row: `channel list` shows it
        except Unusable as unusable:
            fault = str(unusable)
        if fault != row.fault:
            async with self.jawab.db.transaction("intake") as tx:
                if await channels.note_fault(tx, row.id, fault) and fault is not None:
                    await alarms.sound(
                        tx, "channel_settings", row.district_id, channel=row.name or str(row.id), why=fault
                    )
        return key

    def _use(self, key: Key, row: Row) -> Channel:
        now = time.monotonic()
        if now - self._swept > IDLE / 4:
            self._sweep(now)
        one = self._opened.get(key)
        if one is None:
            one = self._opened[key] = _Open(make(self.jawab.settings, row, dict(key[2])), now)
        one.used = now
        return one.channel

    def _sweep(self, now: float) -> None:
        """Let go of accounts that no row names any more, or that nobody writes through."""
        self._swept = now
        for key in [key for key, one in self._opened.items() if now - one.used > IDLE]:
            task = asyncio.create_task(self._opened.pop(key).channel.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    # ── rows, for the doors ──────────────────────────────────────────────────────────────────────────────────────
    async def _find(
        self, *, name: tuple[str, str] | None = None, address: tuple[str, str] | None = None, surely: bool = True
    ) -> Row | None:
        found = None
        for most in (FRESH, AGAIN) if surely else (FRESH,):
            rows = await self._read(most)
            found = rows.by_name.get(name) if name else rows.by_address.get(address) if address else None
            if found is not None:
                break
        return found

    async def _read(self, most: float) -> _Rows:
        """The rows as they were at most so many seconds ago."""
        now = time.monotonic()
        if self._rows is None or now - self._rows.at > most:
            async with self.jawab.db.autocommit("intake") as connection:
                found = await channels.everything(connection)
            self._rows = _Rows(
                now,
                {(row.provider, row.name): row for row in found if row.name},
                {(row.kind, row.address): row for row in found},
                frozenset(row.address for row in found),
            )
        return self._rows


_NOBODY = UUID(int=0)


def _key(row: Row, values: Mapping[str, str]) -> Key:
    own = row.config_box is not None and PROVIDERS[row.provider].ids != "provider"
    return row.provider, row.id if own else None, tuple(sorted(values.items()))


_open: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Settings, Registry]] = WeakKeyDictionary()


def of(jawab: Jawab) -> Registry:
    """The registry of the running loop."""
    here = _open.setdefault(asyncio.get_running_loop(), {})
    found = here.get(jawab.settings)
    if found is None:
        found = here[jawab.settings] = Registry(jawab, Pace(jawab.settings.redis_url))
    return found


async def close() -> None:
    """Give back all connections that were made on the running loop. Call it before the loop ends."""
    for registry in _open.pop(asyncio.get_running_loop(), {}).values():
        await registry.close()
