"""The desk's moves. What a citizen is told of them is put into the outbox; the caller rings the bell after commit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from cases import change, outcomes, thread
from cases.change import Actor, Case
from cases.lifecycle import CLOCK, Refused
from store.crypto import Keys
from store.database import Tx, fetch_one


def line_bound_to(case_id: UUID) -> str:
    """Where a handler's own line about an outcome is bound to; see store.crypto."""
    return f"cases|outcome_line|{case_id}"


async def acknowledge(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None, text: str = ""
) -> UUID | None:
    """A person has read it: the 72-hour clock is met. Returns the outbox id of the message, or None."""
    case = await change.move(tx, case_id, "acknowledge", actor=actor, now=now, version=version)
    due = await _local_date_due(tx, case_id, "resolve")
    says: list[tuple[str, dict[str, Any]]] = [
        ("case.acknowledged", {"code": {"code": case["code"]}, "date": {"date": due}}),
        await _responsible(tx, case["office_id"]),
    ]
    outbox_id = await change.tell(tx, keys, case, says=says, now=now, text=text)
    await _keep_text(tx, keys, case, text, actor=actor, now=now, outbox_id=outbox_id)
    return outbox_id


async def _responsible(tx: Tx, office_id: UUID | None) -> tuple[str, dict[str, Any]]:
    """Who has to see to it; that nobody is named yet is said just as openly."""
    if office_id is None:
        return "office.unnamed", {}
    return "case.responsible", {"office": await change.office_names(tx, office_id)}


async def assign(
    tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, to: UUID | None, version: int | None = None
) -> None:
    """Give a case to a handler or supervisor of its district, or to nobody. Raises `Refused`."""
    case = await change.read(tx, case_id)
    if to is not None and await change.role_of(tx, to, case["district_id"]) not in {"handler", "supervisor"}:
        raise Refused("not_allowed")
    data = {"to": str(to) if to else None}
    await change.move(
        tx, case_id, "assign", actor=actor, now=now, version=version, data=data, columns={"assigned_to": to}
    )


async def start(tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None) -> None:
    """Work has begun."""
    await change.move(tx, case_id, "start", actor=actor, now=now, version=version)


async def note(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, text: str, version: int | None = None
) -> None:
    """A line for colleagues; never sent."""
    if not text.strip():
        raise Refused("text_missing")
    case = await change.move(tx, case_id, "note", actor=actor, now=now, version=version)
    await thread.append(
        tx, keys, case["id"], author="staff", kind="note", body=text, lang="", now=now, staff_id=_staff(actor)
    )


async def answer(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: Actor, now: datetime, text: str, version: int | None = None
) -> UUID | None:
    """Write to the citizen, as typed. Returns the outbox id, or None where this phone may not be messaged."""
    if not text.strip():
        raise Refused("text_missing")
    case = await change.move(tx, case_id, "answer", actor=actor, now=now, version=version)
    says = [("case.answered", {"code": {"code": case["code"]}})]
    outbox_id = await change.tell(tx, keys, case, says=says, now=now, text=text)
    await _keep_text(tx, keys, case, text, actor=actor, now=now, outbox_id=outbox_id)
    return outbox_id


async def refer(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    office_id: UUID,
    due_on: date,
    tell: bool = True,
    version: int | None = None,
) -> UUID | None:
    """Hand a case to an office with a date. Stops no clock. Returns the outbox id of the message, or None."""
    names = await change.office_names(tx, office_id)
    await _refuse_past(tx, case_id, due_on, now)
    data = {"office": str(office_id), "due_on": due_on.isoformat()}
    case = await change.move(
        tx, case_id, "refer", actor=actor, now=now, version=version, data=data, columns={"office_id": office_id}
    )
    await tx.execute(
        "INSERT INTO referrals (case_id, office_id, due_on, by_staff, at) VALUES (%s, %s, %s, %s, %s)",
        (case_id, office_id, due_on, _staff(actor), now),
    )
    if not tell:
        return None
    values = {"code": {"code": case["code"]}, "office": names, "date": {"date": due_on.isoformat()}}
    return await change.tell(tx, keys, case, says=[("case.referred", values)], now=now)


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
    """Say what was done, where and when: an outcome of the category's closed list. Asks the citizen to confirm.

    `place_id` is a place of the district or the district itself; None = the case's own, else the district.
    `office_id` must be given for an outcome that names another office. `line` is the handler's own, optional.
    Returns the outbox id, or None where this phone may not be messaged.
    """
    case = await change.read(tx, case_id)
    if outcome not in outcomes.for_category(case["category"]):
        raise Refused("outcome_unknown")
    if office_id is None and outcome in outcomes.NEEDS_OFFICE:
        raise Refused("office_missing")
    await _refuse_future(tx, case_id, done_on, now)
    values = {
        "place": await _place(tx, case, place_id),
        "date": {"date": done_on.isoformat()},
        "office": await change.office_names(tx, office_id or case["office_id"]),
    }
    columns = {
        "outcome": outcome,
        "outcome_values": Jsonb(values),
        "outcome_line": keys.encrypt(line.encode(), line_bound_to(case_id)) if line.strip() else None,
        "resolved_at": now,
    }
    case = await change.move(
        tx, case_id, "resolve", actor=actor, now=now, version=version, data={"outcome": outcome}, columns=columns
    )
    await tx.execute("UPDATE referrals SET done_at = %s WHERE case_id = %s AND done_at IS NULL", (now, case_id))
    await tx.execute(
        "UPDATE commitments SET state = %s, state_at = %s WHERE case_id = %s AND state = 'open'",
        ("dropped" if outcomes.is_refusal(outcome) else "kept", now, case_id),
    )
    code = {"code": case["code"]}
    outbox_id = await change.tell(
        tx,
        keys,
        case,
        says=[
            ("case.resolved", {"code": code, "outcome": {"key": f"outcome.{outcome}", "values": values}}),
            ("case.confirm_ask", {"code": code}),
        ],
        options=[("1", "case.confirm_yes"), ("2", "case.confirm_no")],
        now=now,
        text=line,
    )
    await _keep_text(tx, keys, case, line, actor=actor, now=now, outbox_id=outbox_id)
    return outbox_id


async def commit(
    tx: Tx,
    case_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    action: str,
    office_id: UUID,
    due_on: date,
    place_id: str | None = None,
) -> UUID:
    """Promise in public what an office will do by a date: the week's "next", which comes back kept, late or dropped.

    Returns the commitment's id.
    """
    case = await change.read(tx, case_id)
    if action not in outcomes.promised(case["category"]):
        raise Refused("outcome_unknown")
    if await change.role_of(tx, actor, case["district_id"]) not in {"handler", "supervisor"}:
        raise Refused("not_allowed")
    await change.office_names(tx, office_id)
    await _refuse_past(tx, case_id, due_on, now)
    await _place(tx, case, place_id)
    row = await fetch_one(
        tx,
        "INSERT INTO commitments (district_id, case_id, category, action, place_id, office_id, due_on, made_by,"
        " made_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            case["district_id"],
            case_id,
            case["category"],
            action,
            case["place_id"] if place_id in {None, case["district_id"]} else place_id,
            office_id,
            due_on,
            _staff(actor),
            now,
        ),
    )
    assert row is not None  # noqa: S101 - RETURNING of one inserted row
    commitment_id: UUID = row["id"]
    return commitment_id


async def reopen(tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None) -> None:
    """Begin again on what was called done; the resolution clock runs on from where it was set, promises are open."""
    columns = {"resolved_at": None, "outcome": None, "outcome_values": None, "outcome_line": None}
    await change.move(tx, case_id, "reopen", actor=actor, now=now, version=version, columns=columns)
    await tx.execute(
        "UPDATE commitments SET state = 'open', state_at = %s WHERE case_id = %s AND state = 'kept'", (now, case_id)
    )


async def close(tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, version: int | None = None) -> None:
    """Close a case. What no citizen has confirmed is closed by another person than the one who called it done."""
    case = await change.read(tx, case_id)
    if case["status"] == "resolved":
        last = await fetch_one(
            tx,
            "SELECT actor FROM case_history WHERE case_id = %s AND verb = 'resolve' ORDER BY id DESC LIMIT 1",
            (case_id,),
        )
        if last is not None and last["actor"] == str(actor):
            raise Refused("second_person")
    await change.move(tx, case_id, "close", actor=actor, now=now, version=version)


async def escalate(
    tx: Tx, case_id: UUID, *, actor: Actor, now: datetime, office_id: UUID | None, version: int | None = None
) -> None:
    """Tell the office above, before a clock does."""
    await change.office_names(tx, office_id)
    data = {"office": str(office_id) if office_id else None}
    await change.move(tx, case_id, "escalate", actor=actor, now=now, version=version, data=data)


def _staff(actor: Actor) -> UUID:
    return actor if isinstance(actor, UUID) else UUID(actor)


async def _keep_text(
    tx: Tx, keys: Keys, case: Case, text: str, *, actor: Actor, now: datetime, outbox_id: UUID | None
) -> None:
    if not text.strip() or actor == CLOCK:
        return
    await thread.append(
        tx,
        keys,
        case["id"],
        author="staff",
        kind="answer",
        body=text,
        lang="",
        now=now,
        staff_id=_staff(actor),
        outbox_id=outbox_id,
    )


async def _place(tx: Tx, case: Case, place_id: str | None) -> dict[str, Any]:
    """A place of the case's district, or the district, as a typed value. Raises `Refused` for any other."""
    wanted = place_id or case["place_id"] or case["district_id"]
    row = await fetch_one(
        tx,
        "SELECT names FROM places WHERE id = %(wanted)s AND district_id = %(district)s"
        " UNION ALL SELECT names FROM districts WHERE id = %(wanted)s AND id = %(district)s",
        {"wanted": wanted, "district": case["district_id"]},
    )
    if row is None:
        raise Refused("place_unknown")
    return {"names": row["names"]}


async def _local_date_due(tx: Tx, case_id: UUID, kind: str) -> str:
    row = await fetch_one(
        tx,
        "SELECT (k.due_at AT TIME ZONE d.timezone)::date AS day FROM clocks k JOIN cases c ON c.id = k.case_id"
        " JOIN districts d ON d.id = c.district_id WHERE k.case_id = %s AND k.kind = %s",
        (case_id, kind),
    )
    assert row is not None  # noqa: S101 - every case has both clocks from its first moment
    return str(row["day"])


async def _today(tx: Tx, case_id: UUID, now: datetime) -> date:
    row = await fetch_one(
        tx,
        "SELECT (%s::timestamptz AT TIME ZONE d.timezone)::date AS day FROM cases c"
        " JOIN districts d ON d.id = c.district_id WHERE c.id = %s",
        (now, case_id),
    )
    if row is None:
        raise Refused("case_unknown")
    day: date = row["day"]
    return day


async def _refuse_future(tx: Tx, case_id: UUID, day: date, now: datetime) -> None:
    if day > await _today(tx, case_id, now):
        raise Refused("date_future")


async def _refuse_past(tx: Tx, case_id: UUID, day: date, now: datetime) -> None:
    if day < await _today(tx, case_id, now):
        raise Refused("date_past")
