"""The slot in custody's door: what the desk says when something is to go behind it. Nothing comes out but a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Put:
    """Put this ordinary case behind the door: who says so, whom its words are about, and the form that says it."""

    case_id: UUID
    actor: UUID
    accused: tuple[UUID, ...] = ()
    form: UUID | None = None  # acts once; None: a page so old that it had no number


Slot = Callable[[Put], Awaitable[None]]  # raises cases.lifecycle.Refused
