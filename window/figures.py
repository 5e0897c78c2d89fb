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
        ("received", "public.figures.received"),
        ("in_72", "public.figures.in_72"),
        ("told_72", "public.figures.told"),
        ("code_72", "public.figures.code"),
        ("days_read", "public.figures.days_read"),
        ("in_14", "public.figures.in_14"),
        ("told_14", "public.figures.told"),
        ("code_14", "public.figures.code"),
        ("days_answer", "public.figures.days_answer"),
        ("overdue", "public.figures.overdue"),
        ("unnamed", "public.figures.unnamed"),
    )),
    ("public.home.two_columns", (
        ("done", "public.figures.done"),
        ("asked", "public.figures.asked"),
        ("confirmed", "public.figures.confirmed"),
        ("disputed", "public.figures.disputed"),
        ("half", "public.figures.half"),
        ("silent", "public.figures.silent"),
        ("unreached", "public.figures.unreached"),
        ("not_asked", "public.figures.not_asked"),
        ("refused", "public.figures.refused"),
        ("accepted", "public.figures.accepted"),
        ("appealed", "status.appealed"),
        ("partly", "status.partly"),
        ("sent_on", "public.figures.sent_on"),
        ("inspected", "public.figures.inspected"),
        ("withdrawn", "public.figures.withdrawn"),
        ("not_complaints", "public.figures.not_complaints"),
    )),
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
        scores = await counted.scores(request, conn, chosen.district)
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
