"""How a case moves: written only over the status that was read, with its history and its clocks, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg import sql
from psycopg.types.json import Jsonb

from cases import lifecycle, triage
from cases.lifecycle import CITIZEN, CLOCK, Refused
from store import outbox
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one

Case = dict[str, Any]
Actor = str | UUID  # "citizen", "clock" or a staff id
Says = Sequence[tuple[str, Mapping[str, Any]]]


async def read(conn: Conn, case_id: UUID) -> Case:
    """One ordinary case. Raises `Refused`."""
    row = await fetch_one(
        conn,
        "SELECT id, code, district_id, contact_id, lang, category, place_id, draft, status, may_message, office_id,"
        " assigned_to, opened_at, version FROM cases WHERE id = %s",
        (case_id,),
    )
    if row is None:
        raise Refused("case_unknown")
    return row


async def role_of(conn: Conn, actor: Actor, district_id: str) -> str:
    """What the actor is to a case of this district: "citizen", "clock" or a role. Raises `Refused` for strangers.

    The page has checked too; a second look here means that a page which forgot it moves no case.
    """
    if actor in {CITIZEN, CLOCK}:
        return str(actor)
    row = await fetch_one(
        conn,
        "SELECT role FROM staff WHERE id = %s AND disabled_at IS NULL AND coalesce(district_id, %s) = %s",
        (str(actor), district_id, district_id),
    )
    if row is None:
        raise Refused("not_allowed")
    return str(row["role"])


async def move(
    tx: Tx,
    case_id: UUID,
    verb: str,
    *,
    actor: Actor,
    now: datetime,
    version: int | None = None,
    data: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
) -> Case:
    """Say one verb to a case. Returns the case as it was read, with `became`.

    `version` is the one a page has shown: a case that moved since is not moved by an old page. `columns` are written
    along. Raises `Refused`; the transaction must then be left by the exception or hold nothing else.
    """
    case = await read(tx, case_id)
    if version is not None and version != case["version"]:
        raise Refused("changed")
    role = await role_of(tx, actor, case["district_id"])
    became = lifecycle.move(case["status"], verb, role)
    meets, resumes = list(lifecycle.MEETS.get(verb, ())), list(lifecycle.RESUMES.get(verb, ()))
    written = {**(columns or {}), "status": became}
    done = await tx.execute(
        sql.SQL(
            "UPDATE cases SET {columns}, version = version + 1, next_due = (SELECT min(due_at) FROM clocks"
            " WHERE case_id = cases.id AND CASE WHEN kind = ANY(%(meets)s) THEN false"
            " WHEN kind = ANY(%(resumes)s) THEN true ELSE met_at IS NULL END)"
            " WHERE id = %(id)s AND status = %(was)s AND version = %(version)s"
        ).format(
            columns=sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(f"new_{name}")) for name in written
            )
        ),
        {
            **{f"new_{name}": value for name, value in written.items()},
            "id": case_id,
            "was": case["status"],
            "version": case["version"],
            "meets": meets,
            "resumes": resumes,
        },
    )
    if done.rowcount != 1:
        raise Refused("changed")
    if meets or resumes:
        await tx.execute(
            "UPDATE clocks SET met_at = CASE WHEN kind = ANY(%(meets)s) THEN coalesce(met_at, %(now)s) END"
            " WHERE case_id = %(id)s AND kind = ANY(%(kinds)s)",
            {"meets": meets, "now": now, "id": case_id, "kinds": meets + resumes},
        )
    await write_history(tx, case_id, verb, actor=actor, now=now, was=case["status"], became=became, data=data)
    return {**case, "became": became}


async def write_history(
    tx: Tx,
    case_id: UUID,
    verb: str,
    *,
    actor: Actor,
    now: datetime,
    was: str | None,
    became: str,
    data: Mapping[str, Any] | None = None,
) -> None:
    """One line of a case's history: who said which verb when. Ids, keys and dates only, never words."""
    await tx.execute(
        "INSERT INTO case_history (case_id, at, actor, verb, was, became, data) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (case_id, now, str(actor), verb, was, became, Jsonb(dict(data or {}))),
    )


async def tell(
    tx: Tx,
    keys: Keys,
    case: Case,
    *,
    says: Says,
    now: datetime,
    options: Sequence[tuple[str, str]] = (),
    text: str = "",
) -> UUID | None:
    """Put a message to the citizen into the outbox, in the language he uses now. `options` are (digit, text key).

    None where he said that this phone may not be messaged: the code shows where his case stands.
    """
    if case["may_message"] is False:
        return None
    contact = await fetch_one(tx, "SELECT lang FROM contacts WHERE id = %s", (case["contact_id"],))
    message: dict[str, Any] = {"says": [[key, dict(values)] for key, values in says]}
    if options:
        message["options"] = [[digit, key, {}] for digit, key in options]
    if text:
        message["text"] = text
    outbox_id = uuid4()
    await outbox.put(
        tx,
        keys,
        id=outbox_id,
        contact_id=case["contact_id"],
        lane="replies",
        purpose="case",
        lang=(contact and contact["lang"]) or case["lang"] or "ur",
        message=message,
        case_id=case["id"],
        due_at=now,
    )
    return outbox_id


async def route(tx: Tx, district_id: str, category: str, place_id: str | None) -> UUID | None:
    """The responsible office, place-specific first; None = nobody named yet."""
    rows = await fetch_all(
        tx,
        "SELECT category, place_id, office_id FROM responsibilities WHERE district_id = %s AND category = %s",
        (district_id, category),
    )
    return triage.route(category, await _places_around(tx, place_id), rows)


async def _places_around(tx: Tx, place_id: str | None) -> list[str]:
    if place_id is None:
        return []
    rows = await fetch_all(
        tx,
        "WITH RECURSIVE around (id, parent_id, step) AS ("
        " SELECT id, parent_id, 0 FROM places WHERE id = %s"
        " UNION ALL SELECT p.id, p.parent_id, step + 1 FROM places p JOIN around a ON p.id = a.parent_id"
        " WHERE step < 5) SELECT id FROM around ORDER BY step",
        (place_id,),
    )
    return [row["id"] for row in rows]


async def office_names(tx: Tx, office_id: UUID | None) -> dict[str, Any]:
    """An office as a typed value; "nobody named yet" where there is none. Raises `Refused` for an unknown one."""
    if office_id is None:
        return {"key": "office.unnamed"}
    row = await fetch_one(tx, "SELECT names FROM offices WHERE id = %s", (office_id,))
    if row is None:
        raise Refused("office_unknown")
    return {"names": row["names"]}
