"""What may happen to a case, as one table: (status, verb) → what it becomes and who may. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cases.roles import who_may

CITIZEN, CLOCK = "citizen", "clock"
DESK, SUPERVISOR = who_may("handle"), who_may("supervise")
PEOPLE = frozenset({CITIZEN})

# Sent on, looked at and half done are on the way and never an end: their clock runs on.
_UNDER_WAY = ("received", "acknowledged", "in_progress", "sent_on", "inspected")
_AGAIN = ("partly", "disputed", "appealed")  # a person has said that it is not enough, or the office has
OPEN = (*_UNDER_WAY, *_AGAIN)
ENDED = ("resolved", "cannot", "confirmed", "withdrawn", "closed")
STATUSES = (*_UNDER_WAY, "partly", "resolved", "cannot", "confirmed", "disputed", "appealed", "withdrawn", "closed")
SAME = ""

# What a decision makes of a case that is resolved; half of it leaves the case open, see the verb "part".
DECIDED = {"upheld": "resolved", "refused": "cannot"}


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
    ("start", tuple(status for status in OPEN if status != "in_progress"), "in_progress", DESK),
    ("refer", OPEN, SAME, DESK),
    ("send_on", _UNDER_WAY, "sent_on", DESK),
    ("send_on", _AGAIN, SAME, DESK),
    ("inspect", _UNDER_WAY, "inspected", DESK),
    ("inspect", _AGAIN, SAME, DESK),
    ("commit", OPEN, SAME, DESK),
    ("drop", STATUSES, SAME, DESK),
    # A person who answers has read: nobody must press a second button for it.
    ("answer", ("received",), "acknowledged", DESK),
    ("answer", STATUSES[1:], SAME, DESK),
    ("part", OPEN, "partly", DESK),
    ("resolve", OPEN, "resolved", DESK),  # or "cannot", by its decision
    ("confirm", ("resolved", "partly", "disputed", "closed"), "confirmed", PEOPLE),
    ("dispute", ("resolved", "partly", "confirmed", "withdrawn", "closed"), "disputed", PEOPLE),
    ("halve", ("resolved", "confirmed", "withdrawn", "closed"), "disputed", PEOPLE),  # half done is not done
    ("halve", ("partly",), SAME, PEOPLE),
    # What cannot be done is not asked to be done: its writer takes it so, or goes to the office above.
    ("accept", ("cannot", "closed"), "closed", PEOPLE),
    ("appeal", ("cannot", "closed"), "appealed", PEOPLE),
    ("ask", ("resolved", "cannot"), SAME, frozenset({CLOCK})),
    ("reopen", ENDED, "in_progress", SUPERVISOR),
    # What nobody has confirmed is closed by a second person only; see cases.acts.close.
    ("close", ("confirmed",), "closed", DESK),
    ("close", ("resolved", "cannot"), "closed", SUPERVISOR),
    # Taking back needs two people and days between them; see cases.acts.withdraw.
    ("wish", OPEN, SAME, DESK | PEOPLE),
    ("go_on", OPEN, SAME, DESK),
    ("withdraw", OPEN, "withdrawn", DESK),
    ("escalate", OPEN, SAME, SUPERVISOR | {CLOCK}),
    ("remind", OPEN, SAME, frozenset({CLOCK})),
    ("amend", STATUSES[:-1], SAME, DESK | PEOPLE),
    ("finish", OPEN, SAME, PEOPLE | {CLOCK}),
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
    "send_on": ("acknowledge",),
    "inspect": ("acknowledge",),
    "part": ("acknowledge",),
    "resolve": ("acknowledge", "resolve"),
    "confirm": ("resolve",),  # after a dispute it was running again
}
RESUMES: dict[str, tuple[str, ...]] = dict.fromkeys(("dispute", "halve", "appeal", "reopen"), ("resolve",))
# And after which none runs on, though nothing was done: it is neither in time nor ever late.
STOPS = frozenset({"withdraw"})


def move(status: str, verb: str, who: str, decision: str = "") -> str:
    """The status this verb leads to, said by `who` (a role, "citizen" or "clock"). Raises `Refused`."""
    found = MOVES.get((status, verb))
    if found is None:
        raise Refused("unknown_move")
    if who not in found.who:
        raise Refused("not_allowed")
    return DECIDED[decision] if decision else found.becomes


def verbs(status: str, who: str) -> tuple[str, ...]:
    """The verbs that `who` may say to a case in this status, in the table's order."""
    return tuple(
        dict.fromkeys(
            verb for verb, *_ in _TABLE if (found := MOVES.get((status, verb))) is not None and who in found.who
        )
    )
