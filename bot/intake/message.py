"""One message (or silence) on its way through intake: what its effects are done with."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from bot.intake.district import District
from bot.intake.drawer import Fresh
from store.jawab import Jawab
from store.moves import Kind

LATE = 0.05  # seconds after a reply's moment: the database's clock says whether it is due


@dataclass(slots=True)
class Turn:
    """What one turn works with; `rings` are (seconds from then, lane, ids), rung once it is committed."""

    jawab: Jawab
    contact_id: uuid.UUID
    district: District
    channel: str
    lang: str
    now: datetime
    inbox_id: uuid.UUID | None
    kind: Kind
    drawn: Fresh
    rings: list[tuple[float, str, tuple[str, ...]]] = field(default_factory=list)
    flood: bool = False  # this phone has sent more than is answered
    slow: float = 0.0  # seconds that its reply waits, because somebody is guessing numbers
    asked: str = ""  # the node whose question stood open when the message came
    drop_keys: dict[uuid.UUID, bytes] = field(default_factory=dict)  # of drops that no row knows: rehearsed with
    hashes: dict[str, bytes] = field(default_factory=dict)  # of case codes: drawn, kept in the session, looked up
    code_keys: dict[str, bytes] = field(default_factory=dict)  # what those that are looked up open by themselves

    def ring(self, lane: str, *ids: str, wait: float = 0.0) -> None:
        """Wake a lane once this turn is committed, `wait` seconds later."""
        self.rings.append((wait, lane, ids))

    def ring_now(self) -> None:
        """The turn is committed. What rings later is lost with this process: then the sweep sends what is due."""
        for wait, lane, ids in self.rings:
            if wait:
                asyncio.get_running_loop().call_later(wait + LATE, self.jawab.bell.ring, lane, lane, *ids)
            else:
                self.jawab.bell.ring(lane, lane, *ids)
