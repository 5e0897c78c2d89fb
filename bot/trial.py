"""`/try`: a phone in the browser, demo mode only. It speaks through the same intake as every provider."""

from __future__ import annotations

import re
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

import locales
from bot import intake
from bot.channels import Inbound
from locales.channels import sms_parts
from store import contacts, inbox, outbox
from store.jawab import Jawab

ROOM = Path(__file__).parent
COOKIE = "jawab-try"
NUMBER = "try"  # our own number on this channel
LONGEST = 10_000
SHOWN = 60  # messages of one phone

_jinja = Environment(loader=FileSystemLoader(ROOM / "templates"), autoescape=True, undefined=StrictUndefined)

_THREAD = """
SELECT * FROM (
    SELECT received_at AS at, 0 AS side, inbox.id, body AS box, '' AS lang, state FROM inbox
    WHERE inbox.contact_id = %(contact)s
    UNION ALL
    SELECT created_at, 1, id, message, lang, state FROM outbox WHERE contact_id = %(contact)s
    ORDER BY at DESC, side DESC LIMIT %(shown)s
) AS thread ORDER BY at, side
"""


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message on the screen."""

    ours: bool
    text: str
    lang: str
    dir: str
    state: str
    parts: int  # what it would cost as SMS
    options: list[tuple[str, str]]


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def show(request: Request) -> Response:
        phone, fresh = _phone(request)
        bubbles = await _thread(jawab, phone)
        partial = request.headers.get("hx-request") == "true"
        template = _jinja.get_template("thread.html" if partial else "try.html")
        html = template.render(
            phone=phone,
            bubbles=bubbles,
            once=uuid.uuid4().hex,
            last=next((bubble for bubble in reversed(bubbles) if bubble.ours), None),
            htmx=(ROOM.parent / "desk" / "static" / "vendor" / "htmx.min.js").is_file(),
        )
        response = HTMLResponse(html, headers={"Cache-Control": "no-store"})
        if fresh:
            response.set_cookie(COOKIE, phone, httponly=True, samesite="lax", max_age=30 * 86_400)
        return response

    async def say(request: Request) -> Response:
        phone, _ = _phone(request)
        raw = await request.body()
        if len(raw) > 6 * LONGEST:
            return HTMLResponse("This message is longer than a phone would send.", status_code=413)
        form = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
        response = RedirectResponse("/try", status_code=303)
        if form.get("new"):
            response.set_cookie(COOKIE, _new_phone(), httponly=True, samesite="lax", max_age=30 * 86_400)
            return response
        text = form.get("text", "")[:LONGEST]
        if text.strip():
            await intake.take(
                jawab,
                Inbound(
                    provider="simulator",
                    provider_id=form.get("once", "")[:64] or uuid.uuid4().hex,
                    channel="try",
                    to=NUMBER,
                    address=phone,
                    text=text,
                ),
            )
        response.set_cookie(COOKIE, phone, httponly=True, samesite="lax", max_age=30 * 86_400)
        return response

    app.add_route("/try", show, methods=["GET"])
    app.add_route("/try", say, methods=["POST"])
    app.mount("/try/static", StaticFiles(directory=ROOM / "static"), name="try-static")


def _new_phone() -> str:
    # +92 399 is no mobile prefix in use: nobody owns these numbers.
    return f"+92399{secrets.randbelow(10**7):07d}"


def _phone(request: Request) -> tuple[str, bool]:
    given = request.cookies.get(COOKIE, "")
    return (given, False) if re.fullmatch(r"\+92399\d{7}", given) else (_new_phone(), True)


async def _thread(jawab: Jawab, phone: str) -> list[Bubble]:
    tag = contacts.tag(jawab.keys, "try", NUMBER, phone)
    async with jawab.db.read("intake") as connection:
        contact = await (await connection.execute("SELECT id FROM contacts WHERE address_tag = %s", (tag,))).fetchone()
        if contact is None:
            return []
        rows = await (await connection.execute(_THREAD, {"contact": contact["id"], "shown": SHOWN})).fetchall()
    return [_bubble(jawab, row) for row in rows]


def _bubble(jawab: Jawab, row: dict[str, Any]) -> Bubble:
    if row["side"] == 0:
        words = jawab.keys.get_json(row["box"], inbox.place(row["id"]))["text"] if row["box"] is not None else None
        return Bubble(False, words if words is not None else "", "", "auto", "sealed" if words is None else "", 0, [])
    message = jawab.keys.get_json(row["box"], outbox.place(row["id"]))
    lang = row["lang"]
    return Bubble(
        ours=True,
        text=locales.render({**message, "options": []}, lang, "try"),
        lang=lang,
        dir=locales.direction(lang),
        state=row["state"],
        parts=len(sms_parts(locales.render(message, lang, "sms"))),
        options=locales.render_options(message, lang, "try"),
    )
