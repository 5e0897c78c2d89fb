"""Resolve: how it was decided, what was done or why it cannot be. The citizen is asked whether it is so.

Wholly done and refused end the case; what is half done is said to be half done, and its clock runs on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from cases import asking, commitments, districts, history, offices, outcomes, referrals, register
from cases.history import Actor
from cases.lifecycle import Refused
from cases.register import Case
from store.crypto import Keys
from store.database import Tx


async def resolve(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    outcome: str,
    done_on: date,
    decision: str | None = None,
    place_id: str | None = None,
    office_id: UUID | None = None,
    line: str = "",
    version: int | None = None,
) -> UUID | None:
    """`outcome` is one of the category's closed list; `line` is the handler's own, optional.

    `decision` is upheld, partly or refused; None is what the outcome itself says. `place_id` is a place of the district
    or the district itself; None = the case's own, else the district. Whoever said last that it is done, and was told by
    its writer that it is not, does not say so again: another person looks.
    """
    case = await register.read(tx, case_id)
    decision = decision or ("refused" if outcomes.is_refusal(outcome) else "upheld")
    outcomes.check(case.category, decision, outcome)
    if await history.gainsaid(tx, case_id) == str(actor):
        raise Refused("other_person")
    values = await happened(tx, case, now=now, done_on=done_on, place_id=place_id, office_id=office_id)
    case = replace(case, outcome=outcome, outcome_values=values, decision=decision)
    verb = "part" if decision == "partly" else "resolve"
    outbox_id = await asking.ask(tx, keys, case, verb, now=now, line=line, by=actor)
    columns: dict[str, Any] = {
        "outcome": outcome,
        "outcome_values": Jsonb(values),
        "outcome_line": keys.encrypt(line.encode(), register.line_bound_to(case_id)) if line.strip() else None,
        "decision": decision,
        **register.asked(outbox_id, now, count=1),
        "asked_at": None,
    }
    said: dict[str, Any] = {"data": {"outcome": outcome, "decision": decision}, "columns": columns}
    if verb == "resolve":
        columns["resolved_at"] = now
        said["decision"] = decision
    await register.move(tx, case_id, verb, actor=actor, now=now, version=version, **said)
    if verb == "resolve":
        await referrals.settle(tx, case_id, now)
    if decision == "refused":
        await commitments.drop_open(tx, case_id, reason=outcome, now=now)
    elif decision == "upheld":
        await commitments.keep(tx, case_id, outcome, now)
    return outbox_id


async def happened(
    tx: Tx, case: Case, *, now: datetime, done_on: date, place_id: str | None, office_id: UUID | None
) -> dict[str, Any]:
    """Where, when and by which office, as the values of its text. Raises `Refused` for a day that has not come."""
    if done_on > case.day(now):
        raise Refused("date_future")
    return {
        "place": await districts.place_value(tx, case.district_id, place_id or case.place_id),
        "date": {"date": done_on.isoformat()},
        "office": await offices.value(tx, office_id or case.office_id),
    }
