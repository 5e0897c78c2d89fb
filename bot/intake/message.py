"""One message (or silence) on its way through intake: what its effects are done with."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from bot.intake.district import District
from flows import codes
from store.jawab import Jawab
from store.moves import Kind


def fresh_code() -> str:
    """A case code that nobody can guess: 12 random digits and their check digit."""
    return codes.complete(f"{secrets.randbelow(10**12):012d}")


@dataclass(slots=True)
class Turn:
    """What one turn works with; `rings` are (lane, job, ids), rung once it is committed."""

    jawab: Jawab
    contact_id: uuid.UUID
    district: District
    channel: str
    lang: str
    now: datetime
    inbox_id: uuid.UUID | None
    kind: Kind
    rings: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    code: str = field(default_factory=fresh_code)
    asked: str = ""  # the node whose question stood open when the message came
    hashes: dict[str, bytes] = field(default_factory=dict)  # of case codes looked up or sealed under
