"""The audit, for who has to answer for a district: what its people did, without the protected room's lines.

Only what is listed here is shown, and only of cases that stand in the district: a line about what is not there any more
would tell that something went behind the door. Links are not numbered: a gap would tell too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from fastapi import FastAPI
from psycopg import sql
from starlette.requests import Request
from starlette.responses import Response

import pages
from cases.roles import ADMIN, APPROVER, EDITOR, HANDLER, SUPERVISOR
from desk.roles import Staff, within
from store import audit
from store.database import fetch_all
from store.jawab import Jawab

LINES = 200
# Kind of an act -> which acts. What is not listed is not shown.
KINDS: dict[str, str] = {
    "login": r"desk\.login",
    "case": r"case\.(?!seal|read$)[a-z_]+",
    "looked": r"case\.read",
    "contact": r"contact\.reveal\.[a-z_]+",
    "edition": r"edition\.[a-z_]+",
    "office": r"office\.[a-z_]+",
    "offices": r"offices\.read",
    "staff": r"staff\.(disable|enable|signout)",
    "record": r"record\.read",
}
WHOSE = (HANDLER, SUPERVISOR, EDITOR, APPROVER, ADMIN)
OF_A_CASE = ("case", "looked", "contact")


@dataclass(frozen=True, slots=True)
class Line:
    """One act: `case_id` where it is about a case of this district."""

    at: datetime
    name: str
    role: str
    action: str
    kind: str
    case_id: UUID | None
    code: str | None


_LINES: LiteralString = """
SELECT a.at, f.name, f.role, a.action, k.kind, c.id AS case_id, c.code FROM audit a
JOIN staff f ON f.id::text = substring(a.actor from '[^:]*$') AND f.role = ANY(%(whose)s) AND {people}
JOIN unnest(%(kinds)s::text[], %(acts)s::text[]) AS k (kind, acts) ON a.action ~ ('^(' || k.acts || ')$')
LEFT JOIN cases c ON c.id::text = left(a.object, 36) AND c.contact_id IS NOT NULL AND {cases}
WHERE (k.kind <> ALL(%(of_a_case)s) OR c.id IS NOT NULL) AND (%(before)s::timestamptz IS NULL OR a.at < %(before)s)
ORDER BY a.at DESC LIMIT %(most)s"""


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request) -> Response:
        staff: Staff = request.state.staff
        before = _moment(request.query_params.get("before", ""))
        async with jawab.db.transaction("console") as tx:
            lines = await fetch_all(
                tx,
                sql.SQL(_LINES).format(people=within(staff, "f.district_id"), cases=within(staff, "c.district_id")),
                {
                    **staff.scope,
                    "whose": list(WHOSE),
                    "kinds": list(KINDS),
                    "acts": list(KINDS.values()),
                    "of_a_case": list(OF_A_CASE),
                    "before": before,
                    "most": LINES,
                },
                of=Line,
            )
            await audit.write(tx, str(staff.id), "record.read", str(staff.id))
        return pages.page(
            request,
            "desk/record.html",
            lines=lines,
            older=lines[-1].at.isoformat() if len(lines) == LINES else "",
            before=before is not None,
            here="/desk/record",
        )

    app.add_route("/desk/record", show, methods=["GET"])


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
