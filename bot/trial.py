"""`/try`: a phone in the browser, demo mode only. It speaks through the same intake as every provider."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

import locales
import pages
from bot import intake
from bot.channels import Inbound
from bot.channels.simulator import SAMPLES
from flows.model import Media
from locales.channels import sms_parts
from locales.values import choose_name, keep_dates_whole
from store import contacts, inbox, outbox
from store.crypto import Unopened
from store.database import fetch_all, fetch_one
from store.jawab import Jawab

ROOM = Path(__file__).parent
PHONE_COOKIE, LOOK_COOKIE = "jawab-try", "jawab-try-as"
COOKIES_KEPT = 30 * 86_400  # seconds
NUMBER = "try"  # our own number on this channel
LONGEST = 10_000
SHOWN = 60  # messages of one phone
LOOKS = {"whatsapp": "WhatsApp", "sms": "SMS"}  # how the same messages are shown
SOMEWHERE = (30.5803, 66.9961)  # the town of Pishin
WORDS = ("BACK", "MENU", "HELP", "LANGUAGE", "STATUS", "PRIVATE", "STOP")

# What became of a message, in words. The page is the phone, so "sent" means that it is here.
FATES = {
    "held": "waits a moment, for you may write more",
    "queued": "on its way",
    "sending": "on its way",
    "sent": "sent ✓",
    "delivered": "delivered ✓✓",
    "read": "read ✓✓",
    "undelivered": "not delivered",
    "failed": "not sent",
    "parked": "waits until you write",
    "withdrawn": "not sent: you said STOP",
}

_THREAD = """
SELECT * FROM (
    SELECT received_at AS at, 0 AS side, inbox.id, body AS box, '' AS lang, state FROM inbox
    WHERE inbox.contact_id = %(contact)s
    UNION ALL
    SELECT created_at, 1, id, message, lang, CASE WHEN state = 'queued' AND due_at > now() THEN 'held' ELSE state END
    FROM outbox WHERE contact_id = %(contact)s AND error IS DISTINCT FROM 'replaced'
    ORDER BY at DESC, side DESC LIMIT %(shown)s
) AS thread ORDER BY at, side
"""
_DISTRICT = """SELECT d.names, d.timezone FROM channels c JOIN districts d ON d.id = c.district_id
WHERE c.kind = 'try' AND c.address = %s"""


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message on the screen; `text` is None where the words are sealed."""

    ours: bool
    text: str | None
    lang: str
    dir: str
    at: datetime
    time: str
    fate: str
    parts: int  # what it costs as SMS
    with_it: tuple[str, ...]  # a photo, a voice note, a location
    options: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Where:
    """Whose number this is: the district's names, and its clock."""

    names: dict[str, str]
    zone: ZoneInfo


def mount(app: FastAPI, jawab: Jawab) -> None:
    """`GET` and `POST /try`, and what the page loads."""

    async def show(request: Request) -> Response:
        phone, look = _phone(request), _look(request)
        where, bubbles = await _read(jawab, phone or "", look)
        mark = hashlib.sha256(repr((look, bubbles)).encode()).hexdigest()[:16]
        live = request.headers.get("hx-request") == "true"
        if live and request.query_params.get("seen") == mark:
            return Response(status_code=204)  # htmx leaves the screen as it is
        given = phone or _new_phone()
        last = next((bubble for bubble in reversed(bubbles) if bubble.ours and bubble.lang), None)
        html = (
            pages.environment(ROOM)
            .get_template("thread.html" if live else "try.html")
            .render(
                phone=given,
                look=look,
                looks=LOOKS,
                words=WORDS,
                samples=SAMPLES,
                bubbles=bubbles,
                mark=mark,
                once=uuid.uuid4().hex,
                last=last,
                waits=any(bubble.fate == FATES["held"] for bubble in bubbles),
                lang=last.lang if last else "ur",
                direction=locales.direction,
                say=locales.say,
                name=lambda lang: choose_name(where.names, lang),
                htmx=pages.has_htmx(),
                fonts=pages.has_fonts(),
            )
        )
        response = HTMLResponse(html, headers={"Cache-Control": "no-store"})
        if phone is None:
            _remember(response, PHONE_COOKIE, given)
        if request.query_params.get("as") == look:
            _remember(response, LOOK_COOKIE, look)
        return response

    async def say(request: Request) -> Response:
        phone = _phone(request) or _new_phone()
        raw = b""
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > 6 * LONGEST:
                return HTMLResponse("This message is longer than a phone would send.", status_code=413)
        form = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
        response = RedirectResponse("/try", status_code=303)
        if form.get("new"):
            _remember(response, PHONE_COOKIE, _new_phone())
            return response
        message = _inbound(phone, form)
        if message.text.strip() or message.media or message.location:
            await intake.take(jawab, message)
        _remember(response, PHONE_COOKIE, phone)
        return response

    app.add_route("/try", show, methods=["GET"])
    app.add_route("/try", say, methods=["POST"])
    app.mount("/try/static", StaticFiles(directory=ROOM / "static"), name="try-static")


def _inbound(phone: str, form: dict[str, str]) -> Inbound:
    """What a phone would have sent: words, or one sample, or a place."""
    sample = SAMPLES.get(form.get("sample", ""))
    return Inbound(
        provider="simulator",
        provider_id=form.get("once", "").replace("\x00", "")[:64] or uuid.uuid4().hex,
        channel="try",
        to=NUMBER,
        address=phone,
        text=form.get("text", "")[:LONGEST],
        media=(Media(sample.url, sample.content_type),) if sample else (),
        location=SOMEWHERE if form.get("sample") == "location" else None,
    )


def _new_phone() -> str:
    # +92 399 is no mobile prefix in use: nobody owns these numbers.
    return f"+92399{secrets.randbelow(10**7):07d}"


def _phone(request: Request) -> str | None:
    given = request.cookies.get(PHONE_COOKIE, "")
    return given if re.fullmatch(r"\+92399\d{7}", given) else None


def _look(request: Request) -> str:
    wanted = (request.query_params.get("as"), request.cookies.get(LOOK_COOKIE))
    return next((look for look in wanted if look in LOOKS), "whatsapp")


def _remember(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, httponly=True, samesite="lax", max_age=COOKIES_KEPT)


async def _read(jawab: Jawab, phone: str, look: str) -> tuple[Where, list[Bubble]]:
    """The district behind this number, and what was said between it and this phone, oldest first."""
    tag = contacts.tag(jawab.keys, "try", NUMBER, phone)
    async with jawab.db.autocommit("intake") as connection:
        district = await fetch_one(connection, _DISTRICT, (NUMBER,))
        contact = await fetch_one(connection, "SELECT id FROM contacts WHERE address_tag = %s", (tag,))
        found = {"contact": contact["id"] if contact else None, "shown": SHOWN}
        rows = await fetch_all(connection, _THREAD, found) if contact else []
    where = Where(district["names"], ZoneInfo(district["timezone"])) if district else Where({}, ZoneInfo("UTC"))
    return where, [_bubble(jawab, row, look, where.zone) for row in rows]


def _bubble(jawab: Jawab, row: dict[str, Any], look: str, zone: ZoneInfo) -> Bubble:
    at = row["at"].astimezone(zone)
    if row["state"] == "held":
        return Bubble(True, "…", "", "auto", at, f"{at:%H:%M}", FATES["held"], 0, (), [])
    if row["side"] == 1:
        try:
            message = jawab.keys.get_json(row["box"], outbox.bound_to(row["id"]))
        except Unopened:  # an answer of another day
            return Bubble(True, "…", "", "auto", at, f"{at:%H:%M}", FATES[row["state"]], 0, (), [])
        lang = row["lang"]
        return Bubble(
            ours=True,
            text=keep_dates_whole(locales.render(message, lang, look)),
            lang=lang,
            dir=locales.direction(lang),
            at=at,
            time=f"{at:%H:%M}",
            fate=FATES[row["state"]],
            parts=len(sms_parts(locales.render(message, lang, "sms"))),
            with_it=(),
            options=locales.render_options(message, lang, look),
        )
    body = inbox.read(jawab.keys, row["box"], row["id"])
    with_it = [
        sample.name for item in body.get("media", ()) for sample in SAMPLES.values() if sample.url == item["url"]
    ]
    with_it += ["a location"] if body.get("location") else []
    text = body.get("text")
    parts = len(sms_parts(text)) if text else 0
    return Bubble(False, text, "", "auto", at, f"{at:%H:%M}", "", parts, tuple(with_it), [])
