"""The figures: what departments say is done beside what people say, and the open round of scorecards."""

from __future__ import annotations

from datetime import timedelta

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from cases import figures, scorecards
from window import district

COLUMNS = ("received", "done", "confirmed")


def mount(app: FastAPI) -> None:
    app.add_route("/figures", show, methods=["GET"])


@district.of_a_district
async def show(request: Request) -> Response:
    async with district.jawab_of(request).db.autocommit("report") as conn:
        chosen = await district.choose(conn, request)
        midnight = district.midnight(chosen.district)
        counts = await figures.totals(conn, chosen.district.id, midnight)
        not_complaints = await figures.not_complaints(conn, chosen.district.id, midnight)
        current = await scorecards.open_round(conn, chosen.district.id)
        scores = await scorecards.figures(conn, chosen.district.id)
    return district.render(
        request,
        "public/figures.html",
        chosen,
        total=counts["total"],
        not_complaints=not_complaints,
        rows=[row for row in counts["categories"] if row["received"] is not None],
        shown=COLUMNS,
        few=any(row["received"] is None for row in counts["categories"]),
        unnamed=counts["unnamed_categories"],
        until=(midnight - timedelta(days=1)).date().isoformat(),
        round=current,
        scores=scores,
    )
