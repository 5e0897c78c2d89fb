"""What may happen to a case, as one table: (status, verb) → what it becomes and who may. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cases.roles import who_may

CITIZEN, CLOCK = "citizen", "clock"
DESK, SUPERVISOR = who_may("handle"), who_may("supervise")

OPEN = ("received", "acknowledged", "in_progress", "disputed")
STATUSES = ("received", "acknowledged", "in_progress", "resolved", "confirmed", "disputed", "closed")
SAME = ""


class Refused(Exception):
    """A move that this case, this person or this moment does not allow. `reason` is the tail of a text key."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Transition:
    """What a verb makes of a case, and who may say it: roles of staff, the citizen or the clock."""

    becomes: str
    who: frozenset[str]


_TABLE: tuple[tuple[str, tuple[str, ...], str, frozenset[str]], ...] = (
    ("acknowledge", ("received",), "acknowledged", DESK),
    ("assign", OPEN, SAME, DESK),
    ("start", ("received", "acknowledged", "disputed"), "in_progress", DESK),
    ("refer", OPEN, SAME, DESK),
    # A person who answers has read: nobody must press a second button for it.
    ("answer", ("received",), "acknowledged", DESK),
    ("answer", STATUSES[1:], SAME, DESK),
    ("resolve", OPEN, "resolved", DESK),
    ("confirm", ("resolved", "disputed", "closed"), "confirmed", frozenset({CITIZEN})),
    ("dispute", ("resolved", "confirmed", "closed"), "disputed", frozenset({CITIZEN})),
    ("halve", ("resolved", "confirmed", "closed"), "disputed", frozenset({CITIZEN})),  # half done is not done
    ("reopen", ("resolved", "confirmed", "closed"), "in_progress", SUPERVISOR),
    # What nobody has confirmed is closed by a second person only; see cases.acts.close.
    ("close", ("confirmed",), "closed", DESK),
    ("close", ("resolved",), "closed", SUPERVISOR),
    ("escalate", OPEN, SAME, SUPERVISOR | {CLOCK}),
    ("remind", OPEN, SAME, frozenset({CLOCK})),
    ("amend", STATUSES[:-1], SAME, DESK | {CITIZEN}),
    ("finish", OPEN, SAME, frozenset({CITIZEN, CLOCK})),
    ("note", STATUSES, SAME, DESK),
    # Words that came by themselves and belong here, as whoever sorted them saw.
    ("join", STATUSES, SAME, who_may("sort")),
)
MOVES: dict[tuple[str, str], Transition] = {
    (status, verb): Transition(becomes or status, who) for verb, statuses, becomes, who in _TABLE for status in statuses
}

# Which clocks a verb meets, and which run on again from where they were set: a clock is never set anew.
MEETS: dict[str, tuple[str, ...]] = {
    "acknowledge": ("acknowledge",),
    "start": ("acknowledge",),
    "answer": ("acknowledge",),
    "resolve": ("acknowledge", "resolve"),
    "confirm": ("resolve",),  # after a dispute it was running again
}
RESUMES: dict[str, tuple[str, ...]] = {"dispute": ("resolve",), "halve": ("resolve",), "reopen": ("resolve",)}


def move(status: str, verb: str, who: str) -> str:
    """The status this verb leads to, said by `who` (a role, "citizen" or "clock"). Raises `Refused`."""
    found = MOVES.get((status, verb))
    if found is None:
        raise Refused("unknown_move")
    if who not in found.who:
        raise Refused("not_allowed")
    return found.becomes


def verbs(status: str, who: str) -> tuple[str, ...]:
    """The verbs that `who` may say to a case in this status, in the table's order."""
    return tuple(
        dict.fromkeys(
            verb for verb, *_ in _TABLE if (found := MOVES.get((status, verb))) is not None and who in found.who
        )
    )
