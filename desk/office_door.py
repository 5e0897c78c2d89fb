"""The office's door: a link that opens what one message told of, without a login and with a code.

The address alone shows a field for the code, whatever it is: a preview of the link learns nothing, and a guessed
address looks like a right one. With the code a browser gets a session of its own, which is when the office has "seen"
it. The page shows the handler's summary under a reference of its own: nothing of who wrote, or in whose words.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import pages
from cases import acts, calendar, links, office_lines, offices, referrals
from cases.lifecycle import OPEN, Refused
from cases.links import Opened, Shut
from cases.referrals import Referral
from desk import gate
from desk.case import TEXT_MOST
from desk.place import here
from store import audit
from store.database import Conn, fetch_one
from store.jawab import Jawab

PREFIX = "/o"
CODE_MOST = 20  # letters of what is typed as a code


def _values(_: Request) -> dict[str, Any]:
    return {"zone": calendar.PROVINCE}


ROOM = pages.Room(
    PREFIX,
    Path(__file__).parent,
    langs=("ur", "en"),
    lang="ur",
    layout="office/office.html",
    private=True,
    values=_values,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One case as the office sees it."""

    referral: Referral
    category: str
    place: dict[str, str] | None
    district: dict[str, str]
    opened_at: datetime
    status: str
    summary: str

    @property
    def open(self) -> bool:
        return self.status in OPEN


def mount(app: FastAPI, jawab: Jawab) -> None:
    pages.dress(app, ROOM)
    door = Door(jawab)
    app.add_route(PREFIX, nowhere, methods=["GET"])
    app.add_route(PREFIX + "/{token}", door.show, methods=["GET"])
    app.add_route(PREFIX + "/{token}", door.enter, methods=["POST"])
    app.add_route(PREFIX + "/{token}/{reference}", door.one, methods=["GET"])
    app.add_route(PREFIX + "/{token}/{reference}", door.write, methods=["POST"])


@dataclass(frozen=True, slots=True)
class Door:
    """Its pages, one method each."""

    jawab: Jawab

    async def show(self, request: Request) -> Response:
        opened = await self._find(request)
        return await self._render(request, opened) if opened else _ask(request)

    async def enter(self, request: Request) -> Response:
        form = await _form(request)
        token, now = request.path_params["token"], datetime.now(UTC)
        code = "".join(letter for letter in form.get("code", "")[:CODE_MOST] if letter.isdigit())
        code = "".join(str(int(letter)) for letter in code)  # in any numerals
        shut, session = "", ""
        async with self.jawab.db.transaction("console") as tx:  # a wrong try is kept, so nothing is raised out of it
            try:
                link, session = await links.enter(tx, self.jawab.keys, token, code, now)
                await referrals.mark_seen(tx, link.id, now)
                with audit.speaking(session):
                    await audit.write(tx, f"office:{link.office_id}", "link.open", str(link.id))
            except Shut as refused:
                shut = refused.reason
        if shut:
            return _ask(request, status=403, problem=f"office_page.{shut}")
        response = RedirectResponse(f"{PREFIX}/{token}", status_code=303)
        https = here(request).url.startswith("https://")
        response.set_cookie(
            _cookie(request),
            session,
            max_age=int(links.SESSION.total_seconds()),
            path="/",
            httponly=True,
            samesite="lax",  # a tap in a mail program comes from another site
            secure=https,
        )
        return response

    async def one(self, request: Request) -> Response:
        opened = await self._find(request)
        return await self._render(request, opened, request.path_params["reference"]) if opened else _ask(request)

    async def write(self, request: Request) -> Response:
        form = await _form(request)
        opened = await self._find(request)
        reference, now = request.path_params["reference"], datetime.now(UTC)
        if opened is None:
            return _ask(request, status=401, problem="office_page.expired", kept=form.get("text", ""))
        if not hmac.compare_digest(form.get("csrf", "").encode(), opened.csrf.encode()):
            return pages.refuse(request, 403, "error.forged")
        try:
            async with self.jawab.db.transaction("console") as tx:
                referral = await _pick(tx, opened, reference)
                late = await acts.hear(
                    tx,
                    self.jawab.keys,
                    referral,
                    line_id=_line_id(form),
                    kind=form.get("kind", ""),
                    text=_text(form),
                    day=_day(form),
                    now=now,
                )
                with audit.speaking(_session(request)):
                    await audit.write(tx, f"office:{referral.office_id}", "office.write", str(referral.id))
        except Refused as refused:
            problem = f"refused.{refused.reason}"
            return await self._render(request, opened, reference, status=422, problem=problem, kept=form)
        done = "late" if late else "kept"
        return RedirectResponse(f"{PREFIX}/{request.path_params['token']}/{reference}?done={done}", status_code=303)

    async def _find(self, request: Request) -> Opened | None:
        session = _session(request)
        if not session:
            return None
        async with self.jawab.db.autocommit("console") as conn:
            return await links.find_opened(conn, request.path_params["token"], session, datetime.now(UTC))

    async def _render(
        self,
        request: Request,
        opened: Opened,
        reference: str = "",
        *,
        status: int = 200,
        problem: str = "",
        kept: dict[str, str] | None = None,
    ) -> Response:
        async with self.jawab.db.transaction("console") as tx:
            told = await referrals.of_link(tx, opened.link.id)
            names = (await offices.value(tx, opened.link.office_id))["names"]
            if not told:
                return _ask(request, status=410, problem="office_page.ended")
            base = f"{PREFIX}/{request.path_params['token']}"
            if not reference and len(told) > 1:
                shown = [await _read(tx, self.jawab, referral) for referral in told]
                return pages.page(request, "office/list.html", office=names, shown=shown, base=base)
            referral = await _pick(tx, opened, reference or told[0].reference)
            one = await _read(tx, self.jawab, referral)
            lines = await office_lines.of_case(tx, self.jawab.keys, referral.case_id, office_id=referral.office_id)
            with audit.speaking(_session(request)):
                await audit.write(tx, f"office:{referral.office_id}", "referral.read", str(referral.id))
        done = request.query_params.get("done", "")
        return pages.page(
            request,
            "office/case.html",
            status=status,
            office=names,
            one=one,
            lines=lines,
            back=base if len(told) > 1 else "",
            act=f"{base}/{referral.reference}",
            csrf=opened.csrf,
            once=str(uuid4()),
            text_most=TEXT_MOST,
            today=calendar.day_of(datetime.now(UTC)).isoformat(),
            done=done if done in {"late", "kept"} else "",
            problem=problem,
            kept=kept or {},
        )


async def nowhere(request: Request) -> Response:
    return pages.page(request, "office/nowhere.html")


async def _form(request: Request) -> dict[str, str]:
    """What was posted. Raises HTTPException for what no page of ours has sent."""
    form = await gate.read_form(request)
    if form is None:
        raise HTTPException(413)
    if gate.foreign(request):
        raise HTTPException(403)
    return form


def _ask(request: Request, *, status: int = 200, problem: str = "", kept: str = "") -> Response:
    """The field for the code: the same for every address."""
    action = f"{PREFIX}/{request.path_params['token']}"
    return pages.page(request, "office/code.html", status=status, problem=problem, kept=kept, action=action)


async def _pick(conn: Conn, opened: Opened, reference: str) -> Referral:
    """One of those that the link opens. Raises HTTPException 404."""
    found = [one for one in await referrals.of_link(conn, opened.link.id) if one.reference == reference]
    if not found:
        raise HTTPException(404)
    return found[0]


async def _read(conn: Conn, jawab: Jawab, referral: Referral) -> Shown:
    row = await fetch_one(
        conn,
        "SELECT c.category, p.names AS place, d.names AS district, c.opened_at, c.status FROM cases c"
        " JOIN districts d ON d.id = c.district_id LEFT JOIN places p ON p.id = c.place_id WHERE c.id = %s",
        (referral.case_id,),
    )
    assert row is not None  # noqa: S101 - a referral goes with its case
    return Shown(referral, **row, summary=referrals.read_summary(jawab.keys, referral))


def _cookie(request: Request) -> str:
    """One for each link, so that opening a second one does not shut the first."""
    https = here(request).url.startswith("https://")
    mark = hashlib.sha256(request.path_params["token"].encode()).hexdigest()[:12]
    return f"{'__Host-' if https else ''}jawab-office-{mark}"


def _session(request: Request) -> str:
    return request.cookies.get(_cookie(request), "")


def _line_id(form: dict[str, str]) -> UUID:
    """The same for a form with the same words; other words from an old page are another line. Raises `Refused`."""
    try:
        once = UUID(form.get("once", ""))
    except ValueError:
        raise Refused("line_unknown") from None
    return uuid5(once, "\x1f".join(form.get(name, "") for name in ("kind", "day", "text")))


def _text(form: dict[str, str]) -> str:
    text = form.get("text", "").strip()
    if len(text) > TEXT_MOST:
        raise Refused("text_long")
    return text


def _day(form: dict[str, str]) -> date | None:
    try:
        return date.fromisoformat(form.get("day", ""))
    except ValueError:
        return None
