"""One case as a handler sees it: the thread, the clocks, who is responsible, what happened, what can be done now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI
from psycopg import sql
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

import pages
from cases import calendar, history, lifecycle, offices, outcomes, register, telling, thread
from cases.acts.close import closable_from
from cases.acts.withdraw import WHY, withdrawable_from
from cases.roles import who_may
from desk import files, names, party, pins, reached, time_left, told
from desk.roles import Staff, within
from desk.time_left import TimeLeft
from flows import blobs
from flows.categories import CATEGORIES
from locales.channels import CHANNELS
from store import audit
from store import media as stored
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one
from store.jawab import Jawab

TEXT_MOST = 1000  # letters of an answer: fifteen parts of an Urdu SMS, and more than anybody reads on a phone
LINE_MOST = 200
REVEALS = ("urgent", "asked", "visit", "unclear")  # why a number may be looked at; the reason goes into the audit

CASE = sql.SQL(
    "SELECT c.id, c.code, c.district_id, c.contact_id, c.channel, c.lang, c.category, c.place_id, c.place_text,"
    " c.draft, c.status, c.may_message, c.office_id, c.assigned_to, c.opened_at, c.outcome, c.outcome_values,"
    " c.outcome_line, c.decision, c.wish_at, c.wish_why, c.version,"
    " p.names AS place, o.names AS office, o.post, o.law, f.name AS assigned,"
    " heard.lang AS reads, heard.at AS heard_at, {refused} AS unreachable"
    " FROM cases c JOIN heard_of_cases heard ON heard.case_id = c.id"
    " LEFT JOIN places p ON p.id = c.place_id LEFT JOIN offices o ON o.id = c.office_id"
    " LEFT JOIN staff f ON f.id = c.assigned_to WHERE c.id = %(case)s AND c.contact_id IS NOT NULL AND {within}"
)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as its page shows it: the register's row, who it is with, and how the citizen can be reached."""

    id: UUID
    code: str
    district_id: str
    contact_id: UUID
    channel: str
    lang: str
    category: str
    place_id: str | None
    place_text: bytes | None
    draft: bool
    status: str
    may_message: bool | None
    office_id: UUID | None
    assigned_to: UUID | None
    opened_at: datetime
    outcome: str | None
    outcome_values: dict[str, Any] | None
    outcome_line: bytes | None
    decision: str | None
    wish_at: datetime | None
    wish_why: str | None
    version: int
    place: dict[str, str] | None
    office: dict[str, str] | None
    post: str | None
    law: str | None
    assigned: str | None
    reads: str  # the language that they last used in this case
    heard_at: datetime  # when this case was last heard of from its own phone
    unreachable: bool  # the last message about it was refused or did not arrive


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock of the case; `up` is the office that it goes to since it ran out."""

    kind: str
    due_at: datetime
    met_at: datetime | None
    overdue_at: datetime | None
    up: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Promise:
    id: UUID
    action: str
    due_on: date
    state: str
    reason: str | None
    office: dict[str, str]


@dataclass(frozen=True, slots=True)
class Colleague:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page says besides the case: the outcome of an act, or what was typed into one that was not done."""

    status: int = 200
    problem: str = ""
    done: str = ""
    failed: str = ""  # the act that was refused, or only looked at: its form is open again
    kept: dict[str, str] = field(default_factory=dict)
    preview: told.Preview | None = None  # of that act: what its message would be
    address: str = ""  # a phone number, on the one page that a supervisor asked for


async def read(conn: Conn, staff: Staff, case_id: UUID) -> CaseRow:
    """The case, if it is the reader's to see. Raises HTTPException 404: what is not yours does not exist."""
    statement = CASE.format(within=within(staff, "c.district_id"), refused=sql.SQL(reached.REFUSED))
    case = await fetch_one(conn, statement, {**staff.scope, "case": case_id}, of=CaseRow)
    if case is None:
        raise HTTPException(404)
    return case


async def render(request: Request, jawab: Jawab, case_id: UUID, shown: Shown) -> Response:
    """The whole page. Reading a case leaves a trace before any word of it leaves the house."""
    staff: Staff = request.state.staff
    now = datetime.now(UTC)
    async with jawab.db.transaction("console") as tx:
        case = await read(tx, staff, case_id)
        await audit.write(tx, str(staff.id), "case.read", str(case_id))
        came = (await stored.list_of(tx, [case_id]))[case_id]
        cards = await stored.read_cards(tx, jawab.keys, came)
        values: dict[str, Any] = {
            "items": (items := await thread.read(tx, jawab.keys, case_id)),
            "told": await telling.of_case(tx, case_id),
            "history": await history.read(tx, case_id),
            "clocks": await _clocks(tx, case_id, now),
            "commitments": await _commitments(tx, case_id),
            "party": await party.read(tx, jawab.keys, case_id),
            "unreached": await reached.tell(tx, case_id),
            "files": {file.id: files.tell(file, cards) for file in came},
            "colleagues": await _colleagues(tx, case.district_id),
            "owners": await offices.responsible(tx, case_id),
            **await _ends(tx, case_id),
            "called": (called := await _names(request).of(tx, staff, [(case.place_id, case.office_id, None)])),
        }
    today = calendar.day_of(now, staff.timezone)
    return pages.page(
        request,
        "desk/case.html",
        status=shown.status,
        case=case,
        shown=shown,
        fates={item.id: told.tell(item, now) for item in items if item.kind in {"said", "answer"}},
        once=str(uuid4()),
        verbs=lifecycle.verbs(case.status, staff.role),
        place_text=_place_text(jawab.keys, case),
        outcome_line=_outcome_line(jawab.keys, case),
        deeds=outcomes.deeds(case.category),
        steps=tuple(outcomes.STEPS),
        refusals=outcomes.REFUSALS,
        decisions=outcomes.DECISIONS,
        dropped=outcomes.DROPPED,
        whys=WHY,
        now=now,
        moment=datetime.fromisoformat,
        promises=outcomes.promised(case.category),
        categories=CATEGORIES,
        office_names={str(one): named for one, named in called.offices.items()},
        colleague_names={str(one.id): one.name for one in values["colleagues"]},
        text_most=TEXT_MOST,
        line_most=LINE_MOST,
        today=today.isoformat(),
        soon=(today + timedelta(days=7)).isoformat(),
        window_shut=_is_shut(case.channel, case.heard_at, now),
        pin=pins.tell,
        find_near=pins.find_near,
        is_blob=blobs.is_blob,
        may_reveal=staff.may("supervise"),
        reveals=REVEALS,
        here=f"/desk/cases/{case_id}",
        **values,
    )


def _names(request: Request) -> names.Kept:
    kept: names.Kept = request.app.state.names
    return kept


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request) -> Response:
        done = request.query_params.get("done", "")
        return await render(
            request,
            jawab,
            request.path_params["case_id"],
            Shown(done=done if done.replace("_", "").isalpha() and len(done) < 20 else ""),
        )

    async def hear(request: Request) -> Response:
        """A photo, voice note or file of the case."""
        staff: Staff = request.state.staff
        case_id, media_id = request.path_params["case_id"], request.path_params["media_id"]
        async with jawab.db.transaction("console") as tx:
            await read(tx, staff, case_id)
            file = await stored.find(tx, case_id, media_id)
            content = await stored.read(tx, jawab.keys, media_id) if file else None
            if file is None or content is None:
                raise HTTPException(404)
            if files.is_first(request):
                await audit.write(tx, str(staff.id), "media.read", str(media_id))
        return files.respond(request, content, file)

    async def look(request: Request) -> Response:
        """What became of one line, without a word of it: a page asks for it again and again while it waits."""
        case_id, now = request.path_params["case_id"], datetime.now(UTC)
        async with jawab.db.transaction("console") as tx:
            await read(tx, request.state.staff, case_id)
            item = await thread.find(tx, case_id, request.path_params["item_id"])
            if item is None or item.kind != "said":
                raise HTTPException(404)
            clocks = await telling.of_case(tx, case_id)
        return pages.page(
            request, "desk/told_line.html", fate=told.tell(item, now), told=clocks, base=f"/desk/cases/{case_id}"
        )

    app.add_route("/desk/cases/{case_id:uuid}", show, methods=["GET"])
    app.add_route("/desk/cases/{case_id:uuid}/told/{item_id:uuid}", look, methods=["GET"])
    app.add_route("/desk/cases/{case_id:uuid}/media/{media_id:uuid}", hear, methods=["GET"])


async def _clocks(tx: Tx, case_id: UUID, now: datetime) -> list[tuple[Clock, TimeLeft]]:
    rows = await fetch_all(
        tx,
        "SELECT k.kind, k.due_at, k.met_at, k.overdue_at, o.names AS up FROM clocks k"
        " LEFT JOIN offices o ON o.id = k.escalated_to WHERE k.case_id = %s ORDER BY k.due_at",
        (case_id,),
        of=Clock,
    )
    return [(row, time_left.tell(row.kind, row.due_at, now)) for row in rows]


async def _ends(tx: Tx, case_id: UUID) -> dict[str, Any]:
    """When the case may be closed or taken back, and who may not say again that it is done; see cases.acts."""
    case = await register.read(tx, case_id)
    return {
        "closable_from": closable_from(case) if case.status in {"resolved", "cannot"} else None,
        "withdrawable_from": withdrawable_from(case),
        "gainsaid": await history.gainsaid(tx, case_id),
    }


async def _commitments(tx: Tx, case_id: UUID) -> list[Promise]:
    return await fetch_all(
        tx,
        "SELECT m.id, m.action, m.due_on, m.state, m.reason, o.names AS office FROM commitments m"
        " JOIN offices o ON o.id = m.office_id WHERE m.case_id = %s ORDER BY m.made_at",
        (case_id,),
        of=Promise,
    )


async def _colleagues(tx: Tx, district_id: str) -> list[Colleague]:
    return await fetch_all(
        tx,
        "SELECT id, name FROM staff WHERE role = ANY(%s) AND disabled_at IS NULL"
        " AND coalesce(district_id, %s) = %s ORDER BY name",
        (list(who_may("handle")), district_id, district_id),
        of=Colleague,
    )


def _place_text(keys: Keys, case: CaseRow) -> str:
    box = case.place_text
    return keys.decrypt(box, register.text_bound_to(case.id)).decode() if box is not None else ""


def _outcome_line(keys: Keys, case: CaseRow) -> str:
    box = case.outcome_line
    return keys.decrypt(box, register.line_bound_to(case.id)).decode() if box is not None else ""


def _is_shut(channel: str, heard_at: datetime, now: datetime) -> bool:
    """Whether an answer would wait until the citizen writes again."""
    hours = CHANNELS[channel].window_hours
    return hours is not None and now - heard_at > timedelta(hours=hours)
