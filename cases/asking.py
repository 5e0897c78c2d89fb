"""What a citizen is asked of how their case was decided: is it done, or do they accept that it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cases import messages
from cases.history import Actor
from cases.lifecycle import ENDED
from cases.register import Case
from flows.model import Ending
from store.crypto import Keys
from store.database import Tx


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and what answers it, as (digit, text key); the flow verify.yaml reads the same."""

    kind: Ending
    text: str
    options: tuple[tuple[str, str], ...]


_DONE = (
    ("1", "case.confirm_yes"),
    ("2", "case.confirm_no"),
    ("3", "case.confirm_half"),
    ("4", "case.confirm_unknown"),
)
_ACCEPT = (("1", "case.accept_yes"), ("2", "case.accept_higher"))
QUESTIONS: dict[Ending, Asked] = {
    "confirm": Asked("confirm", "case.confirm_ask", _DONE),
    "accept": Asked("accept", "case.accept_ask", _ACCEPT),
}


def ending(status: str, decision: str | None) -> Ending | None:
    """Which of them may be answered of a case; None while nothing was decided. What was refused is not asked done."""
    if status not in {*ENDED, "partly"}:
        return None
    return "accept" if decision == "refused" else "confirm"


def question_of(case: Case) -> Asked:
    """What its writer is asked, once it is decided."""
    return QUESTIONS["accept" if case.decision == "refused" else "confirm"]


async def ask(
    tx: Tx, keys: Keys, case: Case, verb: str, *, now: datetime, line: str = "", by: Actor | None = None
) -> UUID | None:
    """Tell how a case was decided, and ask whether it is so. Returns the message's id, None where nothing is sent."""
    code, question = {"code": case.code}, question_of(case)
    outcome = {"key": f"outcome.{case.outcome}", "values": case.outcome_values}
    says: list[tuple[str, dict[str, Any]]] = [
        ("case.partly" if case.decision == "partly" else "case.resolved", {"code": code, "outcome": outcome}),
        (question.text, {"code": code}),
    ]
    return await messages.ask(
        tx, keys, case, verb, question.kind, says=says, options=question.options, now=now, text=line, by=by
    )
