"""The triage: a card for each first message, with all that came, and one key for each thing that can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases import cards, decisions, sorters
from cases.card_boxes import Kept
from cases.cards import CALLERS, PHRASES
from cases.decisions import UNDONE, Decision
from cases.lifecycle import Refused
from cases.register import Case
from desk import files, pins, time_left
from desk.decisions import HOUR_MOST, READ, TEXT_MOST, decide
from desk.queue import read_cursor
from desk.roles import Staff
from desk.time_left import TimeLeft
from flows import blobs
from flows.categories import CATEGORIES
from flows.load import load_book
from locales import review_state
from store import audit, contacts, media
from store.crypto import Keys
from store.database import Tx, fetch_all
from store.jawab import Jawab

PAGE = 20
_book = cache(load_book)  # 0.1 s of YAML: once in a process
# What is done at once, for there is nothing to undo: a card comes back, somebody did not pick up.
AT_ONCE = ("back", "missed")
DONE = (*READ, *AT_ONCE, "undo", "behind", "no_case")


@dataclass(frozen=True, slots=True)
class Named:
    """An office or a place of a district that can be picked."""

    id: UUID | str
    district_id: str
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Card:
    """One card as it is shown: what came, what is known, and what was said of it and not done."""

    kept: Kept
    left: TimeLeft | None  # None: no clock runs
    files: tuple[files.Shown, ...]
    cases: tuple[Case, ...]  # of the same phone
    asked: tuple[str, ...]  # text keys of the question these words came to
    form: Mapping[str, str] = field(default_factory=dict)  # of what was undone, refused or could not be done
    failed: str = ""
    problem: str = ""

    @property
    def call(self) -> Mapping[str, str]:
        """Whom they want to be called by and when, as they or the triage said."""
        given = self.kept.answers.get("call")
        return given if isinstance(given, dict) else {}


@dataclass(frozen=True, slots=True)
class Said:
    """What the page says besides its cards: the outcome of an act, or what was typed into one that was refused."""

    status: int = 200
    problem: str = ""
    card: UUID | None = None
    failed: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


async def render(request: Request, jawab: Jawab, state: str, said: Said) -> Response:
    """One page of cards. Reading them leaves a trace before any word leaves the house."""
    staff: Staff = request.state.staff
    now, cursor = datetime.now(UTC), read_cursor(request.query_params.get("after", ""))
    after = cursor[:2] if cursor else None
    try:
        async with jawab.db.transaction("console") as tx:
            kept = await sorters.list_for(tx, jawab.keys, staff.id, now, state=state, after=after, limit=PAGE + 1)
            more, kept = len(kept) > PAGE, kept[:PAGE]
            values: dict[str, Any] = {
                "counts": await sorters.count_for(tx, staff.id, now),
                "cards": await _lay_out(tx, jawab.keys, kept, said, now),
                "mine": await decisions.of_person(tx, jawab.keys, staff.id),
                **await _choices(tx, kept),
            }
    except Refused:
        return pages.refuse(request, 403, "sorting.conflict")
    done = request.query_params.get("done", "")
    last = kept[-1] if more else None
    return pages.page(
        request,
        "desk/sorting.html",
        status=said.status,
        state=state,
        states=sorters.STATES,
        said=said,
        done=done if done in DONE else "",
        next=urlencode({"state": state, "after": f"{last.received_at.isoformat()}~{last.id}"}) if last else "",
        paged=after is not None,
        categories=CATEGORIES,
        callers=CALLERS,
        phrases=PHRASES,
        drafted=lambda key, lang: review_state(key, lang or "ur") == "draft",
        text_most=TEXT_MOST,
        hour_most=HOUR_MOST,
        pin=pins.tell,
        find_near=pins.find_near,
        is_blob=blobs.is_blob,
        here="/desk/sorting",
        **values,
    )


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request) -> Response:
        return await render(request, jawab, _state(request.query_params.get("state", "")), Said())

    async def perform(request: Request) -> Response:
        move, card, form = request.path_params["move"], request.path_params["item_id"], request.state.form
        if move not in {*READ, *AT_ONCE, "undo"}:
            raise HTTPException(404)
        now, state = datetime.now(UTC), _state(form.get("state", ""))
        try:
            async with jawab.db.transaction("console") as tx:
                done = await _do(tx, jawab.keys, request, now)
        except Refused as refused:
            # "gone" and "not yours" are one answer: the card may have been sealed by somebody else meanwhile.
            if refused.reason == "not_allowed":
                raise HTTPException(404) from refused
            status = 409 if refused.reason in {"gone", "too_late"} else 422
            said = Said(status, f"refused.{refused.reason}", card, move, form)
            return await render(request, jawab, state, said)
        return RedirectResponse(f"/desk/sorting?{urlencode({'state': state, 'done': done})}", status_code=303)

    async def hear(request: Request) -> Response:
        """A photo, voice note or file that came with a card."""
        staff: Staff = request.state.staff
        card, media_id = request.path_params["item_id"], request.path_params["media_id"]
        try:
            async with jawab.db.transaction("console") as tx:
                await sorters.read_for(tx, jawab.keys, staff.id, card, datetime.now(UTC))
                file = await media.find(tx, card, media_id)
                content = await media.read(tx, jawab.keys, media_id) if file else None
                if files.is_first(request):
                    await audit.write(tx, str(staff.id), "media.read", str(media_id))
        except Refused as refused:
            raise HTTPException(404) from refused
        if file is None or content is None:
            raise HTTPException(404)
        return files.respond(request, content, file)

    async def reveal(request: Request) -> Response:
        """The number of somebody who is to be called, to who sorts; that it was looked at is kept."""
        staff: Staff = request.state.staff
        card = request.path_params["item_id"]
        try:
            async with jawab.db.transaction("console") as tx:
                kept = await sorters.read_for(tx, jawab.keys, staff.id, card, datetime.now(UTC))
                if kept.state != "call":
                    raise HTTPException(404)
                await audit.write(tx, str(staff.id), "contact.reveal.call", str(card))
                address = await contacts.address(tx, jawab.keys, kept.contact_id)
        except Refused as refused:
            raise HTTPException(404) from refused
        return await render(request, jawab, "call", Said(card=card, address=address))

    app.add_route("/desk/sorting", show, methods=["GET"])
    app.add_route("/desk/sorting/{item_id:uuid}/media/{media_id:uuid}", hear, methods=["GET"])
    app.add_route("/desk/sorting/{item_id:uuid}/contact", reveal, methods=["POST"])
    app.add_route("/desk/sorting/{item_id:uuid}/{move}", perform, methods=["POST"])


async def _do(tx: Tx, keys: Keys, request: Request, now: datetime) -> str:
    """One form of one card. Returns what the page says was done. Raises `Refused`."""
    staff: Staff = request.state.staff
    move: str = request.path_params["move"]
    card, form = request.path_params["item_id"], request.state.form
    if move == "undo":
        verb = await decisions.undo(tx, card, staff_id=staff.id)
        await audit.write(tx, str(staff.id), f"sorting.undo:{verb}", str(card))
        return move
    kept = await sorters.read_for(tx, keys, staff.id, card, now)
    if move == "back":
        await cards.bring_back(tx, keys, card, actor=staff.id, now=now)
        return move
    if move == "missed":
        if kept.state != "call":
            raise Refused("unknown_move")
        await cards.note_missed(tx, keys, card, actor=staff.id, by=staff.name, now=now)
        return move
    return await decide(tx, keys, kept, move, form, staff=staff, now=now)


async def _lay_out(tx: Tx, keys: Keys, kept: Sequence[Kept], said: Said, now: datetime) -> list[Card]:
    ids = [one.id for one in kept]
    came, known = await media.list_of(tx, ids), await cards.cases_of(tx, kept)
    says = await media.read_cards(tx, keys, (file for files_ in came.values() for file in files_))
    open_ = await decisions.of_cards(tx, keys, ids)
    return [
        Card(
            one,
            time_left.tell("acknowledge", one.due_acknowledge, now) if one.state in {"waiting", "call"} else None,
            tuple(files.tell(file, says) for file in came[one.id]),
            tuple(known[one.id]),
            _asked(one),
            **_failed(one.id, open_.get(one.id), said),
        )
        for one in kept
    ]


def _failed(card: UUID, made: Decision | None, said: Said) -> dict[str, Any]:
    """What was typed for this card and not done: just now, or by somebody before."""
    if said.card == card and said.failed:
        return {"form": said.form, "failed": said.failed, "problem": said.problem}
    if made is None:
        return {}
    problem = "" if made.fault == UNDONE else f"refused.{made.fault}"
    return {"form": made.form, "failed": made.verb, "problem": problem}


def _asked(kept: Kept) -> tuple[str, ...]:
    """The question that these words came to; what a flow asks no more is not told."""
    node = _book().nodes.get(kept.answers.get("asked") or kept.answers.get("reason") or "")
    return node.says if node is not None else ()


async def _choices(tx: Tx, kept: Sequence[Kept]) -> dict[str, list[Named]]:
    """The offices and places of these cards' districts."""
    districts = list({one.district_id for one in kept})
    offices = "SELECT id, district_id, names FROM offices WHERE district_id = ANY(%s) ORDER BY names->>'en', id"
    places = "SELECT id, district_id, names FROM places WHERE district_id = ANY(%s) ORDER BY names->>'en', id"
    return {
        "offices": await fetch_all(tx, offices, (districts,), of=Named),
        "places": await fetch_all(tx, places, (districts,), of=Named),
    }


def _state(asked: str) -> str:
    return asked if asked in sorters.STATES else "waiting"
