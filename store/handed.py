"""What a child process is handed by a pipe: its settings, the keys and passwords that it needs, and none besides."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from settings import Settings
from store.crypto import Keys
from store.hours import Hours

# Settings that are secrets: a process is handed those that it works with.
PROVIDERS = frozenset({"twilio_account_sid", "twilio_auth_token", "telegram_token", "telegram_secret"})
MAIL = frozenset({"smtp_user", "smtp_password"})
SECRETS = PROVIDERS | MAIL


@dataclass(frozen=True, slots=True)
class Slot:
    """Where custody listens for what is to go behind the door, and the word that says that it is the desk."""

    address: str  # an abstract Unix address, without its leading zero
    word: str


@dataclass(frozen=True, slots=True)
class Handed:
    """As the child reads it."""

    settings: Settings
    keys: Keys | None = None  # None: they are read from the folder
    slot: Slot | None = None


def write(
    settings: Settings, keys: Keys, *, roles: Collection[str], secrets: Collection[str] = (), slot: Slot | None = None
) -> bytes:
    """For a process that reaches the database as these roles alone, and needs these of SECRETS."""
    held = dict.fromkeys(SECRETS - set(secrets), "")
    place = {"database_url": without_login(settings.database_url)}
    return json.dumps(
        {
            "settings": settings.model_dump(mode="json") | held | place,
            "masters": [master.hex() for master in keys.masters],
            "escrow_public": keys.escrow_public.hex() if keys.escrow_public else "",
            "hours": str(keys.hours.folder),
            "private_at": str(keys.find_escrow_private() or ""),
            "passwords": {role: keys.role_password(role) for role in roles},
            "slot": [slot.address, slot.word] if slot else None,
        }
    ).encode()


def read(text: bytes) -> Handed:
    """The reverse of `write`."""
    given: dict[str, Any] = json.loads(text)
    return Handed(
        # Checked when they were read: once more would write on half a thousand pages that all processes share.
        Settings.model_construct(**given["settings"] | {"data": Path(given["settings"]["data"])}),
        Keys(
            tuple(bytes.fromhex(master) for master in given["masters"]),
            bytes.fromhex(given["escrow_public"]) or None,
            passwords=given["passwords"],
            private_at=Path(given["private_at"]) if given["private_at"] else None,
            hours=Hours(Path(given["hours"])),
        ),
        Slot(*given["slot"]) if given["slot"] else None,
    )


def without_login(url: str) -> str:
    """The same database without anybody's name and password."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in {"user", "password", "passfile"}]
    query = f"?{urlencode(kept)}" if kept else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"
