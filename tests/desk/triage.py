"""What tests of the triage share: cards with all that can come, and the moment when what was decided is done."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bs4 import BeautifulSoup

from cases import sorting
from desk import decisions
from store import media
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab
from tests.conftest import Owner
from tests.desk.conftest import Browser, Write, fresh_code

CANARY = "قناری-zarqa-4410"
SECRET = b"30.5815N 66.9949E"  # where a telephone was, beside the pixels
Keep = Callable[..., Awaitable[tuple[UUID, str]]]
Attach = Callable[..., Awaitable[UUID]]


def segment(mark: int, body: bytes) -> bytes:
    return b"\xff" + bytes([mark]) + struct.pack(">H", len(body) + 2) + body


PHOTO = (
    b"\xff\xd8"
    + segment(0xE1, b"Exif\0\0" + SECRET)
    + segment(0xDB, bytes(65))
    + segment(0xDA, bytes(10))
    + b"pixels\xff\xd9"
)


def page(position: int, body: bytes) -> bytes:
    return b"OggS\0\0" + struct.pack("<q", position) + bytes(12) + b"\1" + bytes([len(body)]) + body


VOICE = page(0, b"OpusHead\1\1" + bytes(9)) + page(12 * 48_000, b"sound" * 40)


def keeper(db: Database, keys: Keys, write: Write) -> Keep:
    """Keeps words before any choice, as the citizen's side does; the maker returns (id, code)."""

    async def make(story: Any = CANARY, district: str = "pishin", **more: Any) -> tuple[UUID, str]:
        code, contact = fresh_code(), more.pop("contact_id", None) or await write(more.get("lang", "ur"))
        given = {"lang": "ur", "channel": "sms", "now": datetime.now(UTC), **more}
        async with db.transaction("intake") as tx:
            kept = await sorting.keep(
                tx, keys, code=code, district_id=district, contact_id=contact, story=story, **given
            )
        return kept, code

    return make


def attacher(db: Database, keys: Keys) -> Attach:
    """Gives a card or case a file, as it was fetched; `content` None: it never came, `fault` why."""

    async def make(owner_id: UUID, contact_id: UUID, content: bytes | None, kind: str, *, fault: str = "") -> UUID:
        media_id = uuid.uuid4()
        async with db.transaction("intake") as tx:
            await media.note(
                tx, keys, media_id, contact_id=contact_id, content_type=kind, url="https://x.test", case_id=owner_id
            )
            if content is not None:
                await media.keep(tx, keys, media_id, content, kind)
            elif fault:
                await media.give_up(tx, media_id, fault)
        return media_id

    return make


async def say(person: Browser, card: UUID, move: str, **form: Any) -> Any:
    return await person.post(f"/desk/sorting/{card}/{move}", form)


async def after(jawab: Jawab) -> int:
    """Ten seconds later."""
    now = datetime.now(UTC) + timedelta(seconds=11)
    return await decisions.carry_out(jawab, now) + await decisions.seal(jawab, now)


async def card_of(person: Browser, state: str = "waiting") -> BeautifulSoup:
    return await person.soup(f"/desk/sorting?state={state}")


async def focus(owner: Owner, contact: UUID) -> tuple[str, UUID]:
    """What this phone was last asked by us, and about what."""
    found = await owner.execute("SELECT focus_kind, focus_case FROM sessions WHERE contact_id = %s", (contact,))
    (row,) = await found.fetchall()
    return row[0], row[1]


async def message(jawab: Jawab, card: UUID) -> dict[str, Any]:
    async with jawab.db.autocommit("console") as conn:
        row: Any = await (
            await conn.execute(
                "SELECT id, message FROM outbox WHERE case_id = %s ORDER BY created_at DESC LIMIT 1", (card,)
            )
        ).fetchone()
    found: dict[str, Any] = jawab.keys.get_json(row["message"], f"outbox|message|{row['id']}")
    return found
