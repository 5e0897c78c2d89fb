"""The desk's door to the protected room, and its only one. Every look is audited before a word leaves.

What is not the reader's does not exist: the same 404 for another's case, for none, and for everybody without the role.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases import calendar, districts, husk, register, sorting
from cases.card_boxes import Kept
from cases.lifecycle import Refused
from cases.protected import acting, admitting, dropped, notices, reading, referring, standing, telling, vault
from cases.protected import register as room
from cases.protected.acting import Reader
from cases.protected.reading import Place, Sealed
from cases.protected.referring import Referral
from cases.roles import who_may
from desk import files, pins, protected_readers, sessions, told
from desk.protected_acts import ACTS, TEXT_MOST, Act
from desk.roles import Staff
from desk.sealed_item import NAMED, Opened, lay_out, read_file
from desk.slot import Put, Slot
from flows import blobs
from store import alarms, audit, media, once
from store.crypto import Keys
from store.database import Conn, Database, Tx, fetch_all
from store.jawab import Jawab

PAGE = 50  # lines of the list
MIXES_MOST, MOMENT = 40, 0.25  # how often the room is asked for, and after how many seconds


async def protected_overdue(db: Database, now: datetime) -> int:
    """The tick's part: mark the sealed cases whose date has passed. Returns how many, and says no more."""
    async with db.transaction("custody") as tx:
        return await reading.sweep(tx, calendar.day_of(now))  # a sealed case keeps dates only


async def forget_looks(tx: Tx) -> int:
    """Let go of looks that no longer count against their reader. Returns how many."""
    return await reading.forget_looks(tx)


async def mix(db: Database, keys: Keys, now: datetime, *, most: int | None = None) -> None:
    """Fill and mix the room where something has come since, and it has at most so many boxes; let the log of it go."""
    await _adopt(db, keys, now)
    async with db.transaction("custody") as tx:
        if most is not None and await room.is_larger(tx, most):
            return
        fresh = await room.count_fresh(tx)
        if fresh:
            await vault.fill(tx, keys)
    if fresh:
        await _mix_when_quiet(db)
        async with db.transaction("custody") as tx:
            await room.turn_log(tx)


async def adopt_restored(db: Database, keys: Keys) -> int:
    """After a restore, and before anything starts: nobody will bring the keys of its hours. Returns how many cards."""
    return await _adopt(db, keys, datetime.now(UTC) + timedelta(days=1))


async def _adopt(db: Database, keys: Keys, now: datetime) -> int:
    """Cards without their keys go behind the door: its readers open what was sealed of them, and nobody else can."""
    async with db.transaction("custody") as tx:
        cards = await sorting.take_lost(tx, keys, now)
        for lost in cards:
            await vault.adopt(tx, keys, lost)
            await alarms.sound(tx, "card_restored", lost.district_id)
    return len(cards)


async def _mix_when_quiet(db: Database) -> None:
    """Whoever writes there is let finish: the room is asked for again a moment later."""
    for left in range(MIXES_MOST, 0, -1):
        try:
            async with db.transaction("custody") as tx:
                await room.mix(tx)
        except psycopg.errors.LockNotAvailable:
            if left == 1:
                raise
            await asyncio.sleep(MOMENT)
        else:
            return


# ── behind the door ──────────────────────────────────────────────────────────────────────────────────────────────────
async def seal_card(
    tx: Tx,
    keys: Keys,
    card: UUID,
    *,
    actor: UUID,
    now: datetime,
    accused: Collection[UUID] = (),
    answers: Mapping[str, Any] | None = None,
) -> None:
    """Move a kept card behind the seal; its ordinary copies go. Its sender may have made a case of it meanwhile.

    `accused` are the offices the words are about: nobody of theirs or above them gets a key. Raises `Refused`.
    """
    try:
        kept = await sorting.take(tx, keys, card)
    except Refused:
        await seal_case(tx, keys, card, actor=actor, now=now, accused=accused)
        return
    await _put_behind(tx, keys, replace(kept, answers={**kept.answers, **(answers or {})}), accused, now)
    await audit.write(tx, str(actor), "sorting.seal", str(card))


async def seal_case(
    tx: Tx, keys: Keys, case_id: UUID, *, actor: UUID, now: datetime, accused: Collection[UUID] = ()
) -> None:
    """Move an ordinary case behind the seal: one way, at once, told to nobody. What is counted of it stays.

    Raises `Refused`, also where it is gone already.
    """
    kept = await husk.take(tx, keys, case_id, now=now)
    if await register.role_of(tx, actor, kept.district_id) not in who_may("handle", "sort"):
        raise Refused("not_allowed")
    await _put_behind(tx, keys, kept, accused, now)
    await audit.write(tx, str(actor), "case.seal", str(case_id))


def slot(jawab: Jawab) -> Slot:
    """The slot where custody's own rights are at hand: one transaction, as custody."""

    async def put(asked: Put) -> None:
        now = datetime.now(UTC)
        async with jawab.db.transaction("custody") as tx:
            if asked.form is None or await once.use(tx, asked.form, asked.actor, "seal", str(asked.case_id)):
                await seal_case(tx, jawab.keys, asked.case_id, actor=asked.actor, now=now, accused=asked.accused)

    return put


async def _put_behind(tx: Tx, keys: Keys, kept: Kept, accused: Collection[UUID], now: datetime) -> None:
    """Seal, or lock for the province's triage alone while the door is closed.

    Where all who read sit in an accused office, the escrow alone gets it, with an alarm.
    """
    district = await districts.find(tx, kept.district_id)
    at_door = await standing.look(tx, keys, kept.district_id, demo=district is not None and district.demo)
    if at_door.open:
        await vault.seal_kept(tx, keys, kept, accused=accused)
    else:
        await sorting.lock(tx, keys, kept, now)
        await alarms.sound(tx, "protected_without_reader")


def accused_of(form: Mapping[str, str]) -> tuple[UUID, ...]:
    """The office that words are about, where whoever has read them could tell. Raises `Refused` for none of ours."""
    office = form.get("accused", "")
    try:
        return (UUID(office),) if office else ()
    except ValueError:
        raise Refused("office_unknown") from None


async def _mine(conn: Conn, staff: Staff, case_id: UUID) -> Sealed:
    """The one case of the reader's list. Raises HTTPException 404."""
    found = await reading.find_for(conn, staff.id, case_id)
    if found is None:
        raise HTTPException(404)
    return found


async def _places(conn: Conn, district_id: str) -> dict[str, dict[str, str]]:
    """The names of a district's places by id."""
    rows = await fetch_all(conn, "SELECT id, names FROM places WHERE district_id = %s", (district_id,))
    return {row["id"]: row["names"] for row in rows}


def _say_fates(fates: Mapping[UUID, tuple[str, str]]) -> dict[UUID | None, str]:
    """What became of each message, as the tail of a text key; of a line without a message, that there was none."""
    return {None: "none", **{one: told.WHY.get(fate, fate[0]) for one, fate in fates.items()}}


def _done(request: Request) -> str:
    """The act that led to this page; "" for none of ours."""
    done = request.query_params.get("done", "")
    return done if done in ACTS else ""


async def _hear(jawab: Jawab, request: Request) -> Response:
    """A sealed photo, voice note or file, opened for this answer only. Each time is written down, a part of it too."""
    staff: Staff = request.state.staff
    case_id, item_id = request.path_params["case_id"], request.path_params["item_id"]
    try:
        async with jawab.db.transaction("custody") as tx:
            await _mine(tx, staff, case_id)
            private = await sessions.unlock(tx, request.state.token)
            if private is None:
                return pages.refuse(request, 403, "protected.no_key")
            item = await reading.open_file(
                tx,
                case_id,
                item_id,
                staff_id=staff.id,
                private_key=private,
                reason=request.path_params["reason"],
            )
    except Refused as refused:
        raise HTTPException(404) from refused
    file = read_file(item.id, item.data) if item else None
    if file is None or file.content is None:
        raise HTTPException(404)
    return files.respond(request, file.content, file)


async def _agree(jawab: Jawab, request: Request) -> Response:
    """A second reader lets another's looks go on."""
    try:
        async with jawab.db.transaction("custody") as tx:
            await reading.agree(tx, request.path_params["staff_id"], staff_id=request.state.staff.id)
    except Refused as refused:
        raise HTTPException(404) from refused
    return RedirectResponse("/desk/protected", status_code=303)


async def _show_list(jawab: Jawab, request: Request) -> Response:
    staff: Staff = request.state.staff
    async with jawab.db.transaction("custody") as tx:
        asked = request.query_params.get("after", "")
        rows = await reading.list_for(tx, staff.id, after=read_place(asked), most=PAGE + 1)
        around = await protected_readers.look_around(tx, staff.id)
        await audit.write(tx, str(staff.id), "protected.list", str(staff.id))
        names = {row["id"]: row["names"] for row in await fetch_all(tx, "SELECT id, names FROM districts")}
        dropped_in = await dropped.count_waiting(tx)
    return pages.page(
        request,
        "desk/protected_list.html",
        rows=rows[:PAGE],
        next=write_place(rows[PAGE - 1]) if len(rows) > PAGE else "",
        paged=bool(asked),
        **around,
        problem=protected_readers.told_of(request),
        done=request.query_params.get("done", "") == "admit",
        districts=names,
        dropped_in=dropped_in,
        today=calendar.day_of(datetime.now(UTC)),
        here="/desk/protected",
    )


def write_place(last: Sealed) -> str:
    """Where the page after this line begins."""
    return f"{int(last.status == 'closed')}~{last.next_on.isoformat()}~{last.id}"


def read_place(text: str) -> Place | None:
    """`0~2026-11-29~<uuid>`; anything else is the first page."""
    closed, _, rest = text.partition("~")
    on, _, last = rest.partition("~")
    try:
        return closed != "0", date.fromisoformat(on), UUID(last)
    except ValueError:
        return None


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(
        request: Request,
        *,
        items: list[Opened] | None = None,
        fates: Mapping[UUID | None, str] | None = None,
        waiting: Sequence[str] = (),
        referrals: Sequence[Referral] = (),
        days: Mapping[str, Any] | None = None,
        problem: str = "",
        kept: str = "",
        failed: str = "",
        status: int = 200,
    ) -> Response:
        staff: Staff = request.state.staff
        case_id = request.path_params["case_id"]
        async with jawab.db.transaction("custody") as tx:
            found = replace(await _mine(tx, staff, case_id), **(days or {}))
            newcomers = await admitting.waiting(tx, jawab.keys, case_id, found.district_id)
            news, opened = await notices.unseen(tx, staff.id), await acting.has_opened(tx, case_id, staff.id)
            helpers = await referring.offered(tx, found.district_id)
        return pages.page(
            request,
            "desk/protected_case.html",
            status=status,
            case=found,
            items=items,
            opened=opened,
            newcomers=[one for one in newcomers if one.id != staff.id],
            notices=news,
            fates=fates or {},
            waiting=waiting,
            referrals=referrals,
            providers=helpers,
            consent_who=referring.WHO,
            consent_how=referring.HOW,
            reason=request.state.form.get("reason", ""),
            problem=problem,
            kept=kept,
            failed=failed,
            text_most=TEXT_MOST,
            found=acting.FOUND,
            heard=acting.HEARD,
            reasons=reading.REASONS,
            named=NAMED,
            pin=pins.tell,
            find_near=pins.find_near,
            is_blob=blobs.is_blob,
            today=calendar.day_of(datetime.now(UTC)),
            asked_by_me=found.close_asked_by == staff.id,
            asked_by_other=found.close_asked_by not in {None, staff.id},
            done=_done(request),
            here=f"/desk/protected/{case_id}",
        )

    async def look(request: Request) -> Response:
        """Open the sealed words for this page only; nothing of them is kept."""
        staff: Staff = request.state.staff
        case_id = request.path_params["case_id"]
        async with jawab.db.transaction("custody") as tx:
            found = await _mine(tx, staff, case_id)
            private = await sessions.unlock(tx, request.state.token)
            items, waiting, fates, referrals = None, [], {}, []
            if private is not None:
                opened = await reading.open_items(
                    tx,
                    jawab.keys,
                    case_id,
                    staff_id=staff.id,
                    private_key=private,
                    reason=request.state.form.get("reason", ""),
                    now=datetime.now(UTC),
                )
                names = await _places(tx, found.district_id)
                referrals = referring.of((item.kind, item.data) for item in opened)
                items = [lay_out(item.id, item.kind, item.at, item.data, names) for item in opened]
                told_ids = [one.outbox_id for one in items if one.outbox_id is not None]
                fates = await telling.fates(tx, told_ids)
                waiting = [files.tell_kind(kind) for kind in await media.waiting_of_sealed(tx, jawab.keys, case_id)]
        if items is None:
            return await show(request, problem="protected.no_key", status=403)
        return await show(
            request,
            items=items,
            fates=_say_fates(fates),
            waiting=waiting,
            referrals=referrals,
            days=reading.days(opened),
        )

    async def perform(request: Request) -> Response:
        move, case_id = request.path_params["move"], request.path_params["case_id"]
        if move != "open" and move not in ACTS:
            raise HTTPException(404)
        try:
            if move == "open":
                return await look(request)
            async with jawab.db.transaction("custody") as tx:
                await _mine(tx, request.state.staff, case_id)
                private = await sessions.unlock(tx, request.state.token)
                if private is None:
                    return await show(request, problem="protected.no_key", status=403)
                reader = Reader(request.state.staff.id, private, datetime.now(UTC))
                owed = await ACTS[move](Act(tx, jawab.keys, case_id, reader, request.state.form))
            for one in owed:
                if one is not None:
                    jawab.bell.ring("replies", "replies", str(one))
        except Refused as refused:
            if refused.reason == reading.STOPPED:
                async with jawab.db.transaction("custody") as tx:
                    await reading.tell_stopped(tx, request.state.staff.id)
            kept = request.state.form.get("text", "")
            return await show(request, problem=f"refused.{refused.reason}", kept=kept, failed=move, status=422)
        return RedirectResponse(f"/desk/protected/{case_id}?done={move}", status_code=303)

    protected_readers.add_routes(app, jawab)
    app.add_route("/desk/protected", partial(_show_list, jawab), methods=["GET"])
    app.add_route("/desk/protected/agree/{staff_id:uuid}", partial(_agree, jawab), methods=["POST"])
    app.add_route("/desk/protected/{case_id:uuid}", show, methods=["GET"])
    app.add_route(
        "/desk/protected/{case_id:uuid}/open/{reason}/media/{item_id:uuid}", partial(_hear, jawab), methods=["GET"]
    )
    app.add_route("/desk/protected/{case_id:uuid}/{move}", perform, methods=["POST"])
