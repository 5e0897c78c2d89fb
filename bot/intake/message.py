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
    """A case code that nobody can guess: 12 digits, of which 11 are random, and their check digit.

    It begins with 9, as no identity card does, and not with 92, as a mobile's number written with its country does.
    """
    drawn = secrets.randbelow(9 * 10**10)
    return codes.complete(f"9{drawn // 10**10 + (drawn >= 2 * 10**10)}{drawn % 10**10:010d}")


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
