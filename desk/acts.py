"""What a handler does to a case: one form, one act, one transaction. A form sent twice acts once."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NoReturn
from uuid import UUID

from fastapi import FastAPI
from psycopg import sql
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cases import acts, thread
from cases.lifecycle import Refused
from desk import case, told
from desk.case import LINE_MOST, REVEALS, TEXT_MOST, Shown
from desk.roles import Staff, within
from store import audit, contacts, once
from store.crypto import Keys
from store.database import Tx, fetch_one
from store.jawab import Jawab

ONCE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Act:
    """One act on one case: who, when, and what the form says."""

    tx: Tx
    keys: Keys
    case_id: UUID
    staff: Staff
    form: dict[str, str]
    now: datetime

    @property
    def version(self) -> int | None:
        """The version of the case that the page has shown."""
        shown = self.form.get("version", "")
        return int(shown) if shown.isdigit() and len(shown) < 18 else None

    def text(self, name: str = "text", most: int = TEXT_MOST, *, needed: bool = True) -> str:
        typed = self.form.get(name, "").strip()
        if needed and not typed:
            raise Refused("text_missing")
        if len(typed) > most:
            raise Refused("text_long")
        return typed

    def day(self, name: str = "date") -> date:
        try:
            return date.fromisoformat(self.form.get(name, ""))
        except ValueError:
            raise Refused("date_missing") from None

    def uuid(self, name: str, reason: str) -> UUID:
        try:
            return UUID(self.form.get(name, ""))
        except ValueError:
            raise Refused(reason) from None

    def place(self) -> str | None:
        return self.form.get("place") or None


async def acknowledge(act: Act) -> UUID | None:
    return await acts.acknowledge(act.tx, act.keys, act.case_id, actor=act.staff.id, now=act.now, version=act.version)


async def assign(act: Act) -> None:
    to = None if act.form.get("to", "") == "" else act.uuid("to", "staff_unknown")
    await acts.assign(act.tx, act.case_id, actor=act.staff.id, now=act.now, to=to, version=act.version)


async def start(act: Act) -> UUID | None:
    return await acts.start(act.tx, act.keys, act.case_id, actor=act.staff.id, now=act.now, version=act.version)


async def answer(act: Act) -> UUID | None:
    return await acts.answer(
        act.tx,
        act.keys,
        act.case_id,
        actor=act.staff.id,
        now=act.now,
        text=act.text(),
        apart="apart" in act.form,
        version=act.version,
    )


async def note(act: Act) -> None:
    await acts.note(
        act.tx, act.keys, act.case_id, actor=act.staff.id, now=act.now, text=act.text(), version=act.version
    )


async def refer(act: Act) -> None:
    await acts.refer(
        act.tx,
        act.keys,
        act.case_id,
        actor=act.staff.id,
        now=act.now,
        office_id=act.uuid("office", "office_missing"),
        due_on=act.day(),
        summary=act.text("summary", needed=False),
        version=act.version,
    )


async def escalate(act: Act) -> None:
    await acts.escalate(act.tx, act.keys, act.case_id, actor=act.staff.id, now=act.now)


async def pass_on(act: Act) -> UUID | None:
    return await acts.pass_on(
        act.tx,
        act.keys,
        act.case_id,
        actor=act.staff.id,
        now=act.now,
        line_id=act.uuid("line", "line_unknown"),
        text=act.text(),
        version=act.version,
    )


async def resend(act: Act) -> None:
    await acts.resend(act.tx, act.case_id, act.uuid("referral", "referral_unknown"), now=act.now)


async def hand(act: Act) -> UUID | None:
    return await acts.hand(
        act.tx,
        act.keys,
        act.case_id,
        act.uuid("referral", "referral_unknown"),
        actor=act.staff.id,
        to=act.text("taker", LINE_MOST, needed=False),
        on=act.day(),
        now=act.now,
    )


async def type_in(act: Act) -> None:
    await acts.type_in(
        act.tx,
        act.keys,
        act.case_id,
        act.uuid("referral", "referral_unknown"),
        actor=act.staff.id,
        kind=act.form.get("kind", ""),
        text=act.text(needed=False),
        day=act.day() if act.form.get("date") else None,
        now=act.now,
    )


async def revoke(act: Act) -> None:
    await acts.revoke(act.tx, act.case_id, act.uuid("referral", "referral_unknown"), now=act.now)


async def resolve(act: Act) -> UUID | None:
    return await acts.resolve(
        act.tx,
        act.keys,
        act.case_id,
        actor=act.staff.id,
        now=act.now,
        outcome=act.form.get("why" if act.form.get("decision") == "refused" else "outcome", ""),
        decision=act.form.get("decision") or None,
        done_on=act.day(),
        place_id=act.place(),
        office_id=act.uuid("office", "office_missing") if act.form.get("office") else None,
        line=act.text("line", LINE_MOST, needed=False),
        version=act.version,
    )


async def step(act: Act) -> UUID | None:
    return await acts.step(
        act.tx,
        act.keys,
        act.case_id,
        actor=act.staff.id,
        now=act.now,
        outcome=act.form.get("outcome", ""),
        done_on=act.day(),
        place_id=act.place(),
        office_id=act.uuid("office", "office_missing") if act.form.get("office") else None,
        line=act.text("line", LINE_MOST, needed=False),
        version=act.version,
    )


async def commit(act: Act) -> UUID | None:
    return await acts.commit(
        act.tx,
        act.keys,
        act.case_id,
        actor=act.staff.id,
        now=act.now,
        action=act.form.get("action", ""),
        office_id=act.uuid("office", "office_missing"),
        due_on=act.day(),
        place_id=act.place(),
    )


async def drop(act: Act) -> None:
    await acts.drop(
        act.tx,
        act.case_id,
        actor=act.staff.id,
        now=act.now,
        commitment_id=act.uuid("promise", "promise_unknown"),
        reason=act.form.get("reason", ""),
    )


async def amend(act: Act) -> None:
    await acts.amend(
        act.tx,
        act.keys,
        act.case_id,
        now=act.now,
        actor=act.staff.id,
        version=act.version,
        category=act.form.get("category") or None,
        place_id=act.place(),
    )


async def close(act: Act) -> UUID | None:
    return await acts.close(act.tx, act.keys, act.case_id, actor=act.staff.id, now=act.now, version=act.version)


async def wish(act: Act) -> None:
    if not act.form.get("why"):
        raise Refused("reason_missing")
    await acts.wish(act.tx, act.case_id, actor=act.staff.id, now=act.now, why=act.form["why"], version=act.version)


async def go_on(act: Act) -> None:
    await acts.go_on(act.tx, act.case_id, actor=act.staff.id, now=act.now, version=act.version)


async def withdraw(act: Act) -> UUID | None:
    return await acts.withdraw(
        act.tx,
        act.keys,
        act.case_id,
        actor=act.staff.id,
        now=act.now,
        why=act.form.get("why", ""),
        version=act.version,
    )


async def reopen(act: Act) -> None:
    await acts.reopen(act.tx, act.case_id, actor=act.staff.id, now=act.now)


# Addresses end in one of these; an act may put a message into the outbox and then returns its id.
ACTS: dict[str, Callable[[Act], Awaitable[UUID | None]]] = {
    "acknowledge": acknowledge,
    "assign": assign,
    "start": start,
    "answer": answer,
    "note": note,
    "refer": refer,
    "escalate": escalate,
    "passon": pass_on,
    "resend": resend,
    "revoke": revoke,
    "hand": hand,
    "type": type_in,
    "resolve": resolve,
    "step": step,
    "commit": commit,
    "drop": drop,
    "amend": amend,
    "close": close,
    "reopen": reopen,
    "wish": wish,
    "go_on": go_on,
    "withdraw": withdraw,
}


class Previewed(Exception):
    """What an act would tell: the transaction that it was done in is left by this, and nothing was done."""

    def __init__(self, preview: told.Preview) -> None:
        super().__init__()
        self.preview = preview


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def perform(request: Request) -> Response:
        move, case_id = request.path_params["move"], request.path_params["case_id"]
        if move not in ACTS:
            raise HTTPException(404)
        staff: Staff = request.state.staff
        form: dict[str, str] = request.state.form
        try:
            async with jawab.db.transaction("console") as tx:
                outbox_id = None
                if await claim(tx, staff, case_id, move, form.get("once", "")):
                    act = Act(tx, jawab.keys, case_id, staff, form, datetime.now(UTC))
                    outbox_id = await ACTS[move](act)
                    if form.get("preview"):
                        await _preview(act)
        except Previewed as seen:
            return await case.render(request, jawab, case_id, Shown(failed=move, kept=form, preview=seen.preview))
        except Refused as refused:
            return await case.render(
                request,
                jawab,
                case_id,
                Shown(
                    status=409 if refused.reason == "changed" else 422,
                    problem=f"refused.{refused.reason}",
                    failed=move,
                    kept=form,
                ),
            )
        if outbox_id is not None:
            jawab.bell.ring("replies", "replies", str(outbox_id))
        return RedirectResponse(f"/desk/cases/{case_id}?done={move}", status_code=303)

    async def reveal(request: Request) -> Response:
        """The phone number, to a supervisor, for a reason that is kept."""
        staff: Staff = request.state.staff
        case_id, reason = request.path_params["case_id"], request.state.form.get("reason", "")
        if reason not in REVEALS:
            shown = Shown(status=422, problem="refused.reason_missing", failed="contact")
            return await case.render(request, jawab, case_id, shown)
        async with jawab.db.transaction("console") as tx:
            found = await case.read(tx, staff, case_id)
            await audit.write(tx, str(staff.id), f"contact.reveal.{reason}", str(case_id))
            address = await contacts.address(tx, jawab.keys, found.contact_id)
        return await case.render(request, jawab, case_id, Shown(address=address))

    app.add_route("/desk/cases/{case_id:uuid}/contact", reveal, methods=["POST"])
    app.add_route("/desk/cases/{case_id:uuid}/{move}", perform, methods=["POST"])


async def _preview(act: Act) -> NoReturn:
    """Raise `Previewed` of what was just told, or HTTPException 404 for an act that tells nothing."""
    shown = await case.read(act.tx, act.staff, act.case_id)
    said = [item for item in await thread.read(act.tx, act.keys, act.case_id) if item.kind == "said"]
    if not said or said[-1].at != act.now:
        raise HTTPException(404)
    raise Previewed(told.preview(said[-1], shown.channel))


async def claim(tx: Tx, staff: Staff, case_id: UUID, move: str, form: str) -> bool:
    """Lock the case and write the act into the audit. False where this very form has acted already.

    Raises HTTPException 404 where the case is not the reader's.
    """
    found = await fetch_one(
        tx,
        sql.SQL("SELECT id FROM cases WHERE id = %(case)s AND contact_id IS NOT NULL AND {within} FOR UPDATE").format(
            within=within(staff)
        ),
        {**staff.scope, "case": case_id},
    )
    if found is None:
        raise HTTPException(404)
    thing = str(case_id)
    if ONCE.fullmatch(form):
        if not await once.use(tx, UUID(form), staff.id, f"case.{move}", thing):
            return False
        thing = f"{case_id}/{form}"
    await audit.write(tx, str(staff.id), f"case.{move}", thing)
    return True
