"""The letter to an office as a page of paper: printed from the case's own page, and kept nowhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

import locales
from cases import acts, calendar, offices
from cases.acts import Letter
from cases.lifecycle import Refused
from cases.ways import LANGS
from desk import case
from desk.acts import claim
from desk.case import Shown
from desk.office_door import PREFIX as DOOR
from locales.values import choose_name
from pages import paper
from store.database import Tx, fetch_one
from store.jawab import Jawab

TEMPLATE = Path(__file__).parent / "templates" / "paper/letter.typ"
_ARABIC = range(0x0600, 0x0700)


@dataclass(frozen=True, slots=True)
class About:
    """What a letter tells of its case: nobody's name and no code."""

    category: str
    place: dict[str, str] | None
    district: dict[str, str]
    opened_at: datetime


def mount(app: FastAPI, jawab: Jawab) -> None:
    async def print_letter(request: Request) -> Response:
        """The PDF itself: its link stands in it and nowhere else, so a second print is a new letter."""
        staff, form = request.state.staff, request.state.form
        case_id, now = request.path_params["case_id"], datetime.now(UTC)
        lang = form.get("letter_lang", "")
        try:
            _require(lang)
            async with jawab.db.transaction("console") as tx:
                await claim(tx, staff, case_id, "letter", "")
                referral_id = _referral(form)
                letter = await acts.print_letter(tx, jawab.keys, case_id, referral_id, actor=staff.id, now=now)
                values = await _fill(tx, letter, lang, jawab.settings.url_of("desk"), now)
            page = await asyncio.to_thread(paper.render, TEMPLATE, values)
        except Refused as refused:
            shown = Shown(status=422, problem=f"refused.{refused.reason}", failed="letter", kept=form)
            return await case.render(request, jawab, case_id, shown)
        name = f"letter-{letter.referral.reference}.pdf"
        return Response(
            page, media_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    app.add_route("/desk/cases/{case_id:uuid}/letter", print_letter, methods=["POST"])


async def _fill(tx: Tx, letter: Letter, lang: str, base_url: str, now: datetime) -> dict[str, Any]:
    """Everything that stands in the letter, as text in its language."""
    about = await fetch_one(
        tx,
        "SELECT c.category, p.names AS place, d.names AS district, c.opened_at FROM cases c"
        " JOIN districts d ON d.id = c.district_id LEFT JOIN places p ON p.id = c.place_id WHERE c.id = %s",
        (letter.referral.case_id,),
        of=About,
    )
    assert about is not None  # noqa: S101 - a referral goes with its case

    def t(key: str, **values: Any) -> str:
        return locales.say(key, lang, **values)

    def day(of: Any) -> str:
        return t("office_page.day", date={"date": of.isoformat()})

    district = choose_name(about.district, lang)
    place = ", ".join(choose_name(one, lang) for one in (about.place, about.district) if one)
    office = choose_name((await offices.value(tx, letter.referral.office_id))["names"], lang)
    address = f"{base_url}{DOOR}/{letter.token}?lang={lang}" if letter.token else ""
    summary = letter.summary or t("letter.no_summary")
    return {
        "lang": lang,
        "dir": locales.direction(lang),
        "title": t("letter.title"),
        "from": t("letter.from", district=district),
        "to": office,
        "facts": [
            (t("letter.date"), day(calendar.day_of(now))),
            (t("office_page.reference"), letter.referral.reference),
            (t("letter.kind"), t(f"office_kind.{letter.referral.kind}")),
            (t("queue.category"), t(f"category.{about.category}")),
            (t("queue.place"), place),
            (t("office_page.came"), day(calendar.day_of(about.opened_at))),
            (t("office_page.asked_by"), day(letter.referral.due_on)),
        ],
        "summary": summary,
        "summary_lang": "ur" if any(ord(sign) in _ARABIC for sign in summary) else "en",
        "asks": t("letter.asks"),
        "qr": paper.qr(address) if address else "",
        "scan": t("letter.scan"),
        "address": address,
        "no_pin": t("letter.no_pin", reference=letter.referral.reference),
        "no_person": t("office_page.no_person"),
        "receipt": t("letter.receipt"),
        "reference": letter.referral.reference,
        "signs": [t("letter.taken_by"), t("letter.taken_on"), t("letter.signature")],
    }


def _require(lang: str) -> None:
    if lang not in LANGS:
        raise Refused("language_unknown")
    if not paper.has_paper():
        raise Refused("no_paper")


def _referral(form: dict[str, str]) -> UUID:
    try:
        return UUID(form.get("referral", ""))
    except ValueError:
        raise Refused("referral_unknown") from None
