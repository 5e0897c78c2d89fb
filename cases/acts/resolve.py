"""Resolve: what was done, where and when. The citizen is asked whether it is so."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from cases import commitments, districts, messages, offices, outcomes, referrals, register
from cases.history import Actor
from cases.lifecycle import Refused
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
    place_id: str | None = None,
    office_id: UUID | None = None,
    line: str = "",
    version: int | None = None,
) -> UUID | None:
    """`outcome` is one of the category's closed list; `line` is the handler's own, optional.

    `place_id` is a place of the district or the district itself; None = the case's own, else the district.
    `office_id` must be given for an outcome that names another office.
    """
    case = await register.read(tx, case_id)
    if outcome not in outcomes.for_category(case.category):
        raise Refused("outcome_unknown")
    if office_id is None and outcome in outcomes.NEEDS_OFFICE:
        raise Refused("office_missing")
    if done_on > case.day(now):
        raise Refused("date_future")
    values = {
        "place": await districts.place_value(tx, case.district_id, place_id or case.place_id),
        "date": {"date": done_on.isoformat()},
        "office": await offices.value(tx, office_id or case.office_id),
    }
    columns = {
        "outcome": outcome,
        "outcome_values": Jsonb(values),
        "outcome_line": keys.encrypt(line.encode(), register.line_bound_to(case_id)) if line.strip() else None,
        "resolved_at": now,
    }
    case = await register.move(
        tx, case_id, "resolve", actor=actor, now=now, version=version, data={"outcome": outcome}, columns=columns
    )
    await referrals.settle(tx, case_id, now)
    await commitments.settle(tx, case_id, kept=not outcomes.is_refusal(outcome), now=now)
    code = {"code": case.code}
    return await messages.ask(
        tx,
        keys,
        case,
        "resolve",
        "confirm",
        says=[
            ("case.resolved", {"code": code, "outcome": {"key": f"outcome.{outcome}", "values": values}}),
            ("case.confirm_ask", {"code": code}),
        ],
        options=messages.IS_IT_DONE,
        now=now,
        text=line,
        by=actor,
    )
