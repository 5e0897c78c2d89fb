"""The figures: what departments say is done beside what people say, and the open round of scorecards."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

import locales
import pages
from cases import figures, scorecards
from window import chart, counted, district

SHOWN = 13  # weeks on the page, a quarter of a year; the data have all
COLUMNS = ("received", "done", "confirmed")
# What is told, in the order of reading: (heading, ((name, its text), …)).
GROUPS = (
    ("public.home.clocks", (
        ("received", "received"),
        ("in_72", "in_72"), ("told_72", "told"), ("code_72", "code"), ("days_read", "days_read"),
        ("in_14", "in_14"), ("told_14", "told"), ("code_14", "code"), ("days_answer", "days_answer"),
        ("overdue", "overdue"), ("unnamed", "unnamed"),
    )),
    ("public.home.two_columns", tuple((name, name) for name in (
        "done", "asked", "confirmed", "disputed", "half", "silent", "unreached", "not_asked", "refused", "sent_on",
        "inspected", "withdrawn", "not_complaints",
    ))),
)  # fmt: skip


def mount(app: FastAPI) -> None:
    app.add_route("/figures", show, methods=["GET"])


@district.of_a_district
async def show(request: Request) -> Response:
    async with district.jawab_of(request).db.autocommit("report") as conn:
        chosen = await district.choose(conn, request)
        found = await counted.of(request, conn, chosen.district)
        unnamed = await figures.unnamed_categories(conn, chosen.district.id)
        current = await scorecards.open_round(conn, chosen.district.id)
        scores = await scorecards.figures(conn, chosen.district.id)
    weeks = found.weeks[-SHOWN:]
    return district.render(
        request,
        "public/figures.html",
        chosen,
        groups=GROUPS,
        wholes=figures.RATES,
        total=found.total,
        last=weeks[-1] if weeks else None,
        weeks=weeks[::-1],
        chart=chart.draw(weeks, rtl=locales.direction(pages.lang_of(request)) == "rtl"),
        categories=[(one, cells) for one, cells in found.total["categories"].items() if cells["received"] is not None],
        columns=COLUMNS,
        unnamed=unnamed,
        round=current,
        scores=scores,
    )
