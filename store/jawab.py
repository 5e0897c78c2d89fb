"""What a process of ours is made of; entry points build it once and hand it down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from settings import Settings
from store import house_keys, logs
from store.bell import Bell
from store.crypto import Keys
from store.database import ROLES, Database


@dataclass(frozen=True, slots=True)
class Jawab:
    settings: Settings
    db: Database
    keys: Keys
    bell: Bell


@asynccontextmanager
async def opened(
    settings: Settings,
    keys: Keys | None = None,
    *,
    roles: tuple[str, ...] = ROLES,
    size: int = 8,
    speaker: str = "",
) -> AsyncIterator[Jawab]:
    """A running process's parts: pools open on entry, closed on leaving. Raises ValueError on malformed keys.

    `keys` are those that the process was handed; else they are read from the folder. `speaker` as in `Database`.
    """
    logs.configure(settings.log_level)
    keys = keys or Keys.load(settings.key_file)
    jawab = Jawab(
        settings,
        Database(settings.database_url, keys, roles=roles, size=size, speaker=speaker),
        keys,
        Bell(settings.redis_url),
    )
    await jawab.db.open()
    try:
        async with jawab.db.autocommit(roles[0]) as conn:
            await house_keys.check(conn, keys)
        yield jawab
    finally:
        jawab.bell.close()
        await jawab.db.close()
