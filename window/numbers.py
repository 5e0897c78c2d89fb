"""The figures as data: every week that is over, as JSON and as CSV, with what each field means."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cases import counting
from cases.districts import District
from cases.figures import Published, Week
from cases.outcomes import DATA
from store.database import Conn, fetch_all
from window import counted, district
from window.district import Unchosen

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
Read = tuple[District, dict[str, str], Published]  # with the P-codes of the district and its tehsils


def mount(app: FastAPI) -> None:
    app.add_route("/open-data/figures.json", show_json, methods=["GET"])
    app.add_route("/open-data/figures.csv", show_csv, methods=["GET"])
    app.add_route("/open-data/dictionary.csv", show_dictionary, methods=["GET"])


@cache
def dictionary() -> list[dict[str, str]]:
    """{"name", "unit", "meaning"} of each column of the table."""
    with (DATA / "figures.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def of_districts(write: Callable[[list[Read]], Response]) -> Callable[[Request], Any]:
    """Data of the district asked for, or of all."""

    async def show(request: Request) -> Response:
        async with district.jawab_of(request).db.autocommit("report") as conn:
            try:
                chosen = [(await district.choose(conn, request)).district]
            except Unchosen as unchosen:
                if unchosen.asked:
                    return JSONResponse({"error": "no such district"}, status_code=404)
                chosen = unchosen.every
            found = [(one, await _pcodes(conn, one.id), await counted.of(request, conn, one)) for one in chosen]
        return district.cache(request, write(found))

    return show


@of_districts
def show_json(found: list[Read]) -> Response:
    return JSONResponse(
        {
            "licence": LICENCE,
            "query": {"sha256": counting.QUERY, "version": counting.VERSION, "in": "cases/counting.py"},
            "dictionary": dictionary(),
            "districts": [
                {
                    "district": one.id,
                    "district_pcode": pcodes[one.id],
                    "demo": one.demo,
                    "timezone": one.timezone,
                    "pcodes": {place: pcode for place, pcode in pcodes.items() if place != one.id},
                    "weeks": told.weeks,
                    "all_weeks": told.total,
                }
                for one, pcodes, told in found
            ],
        }
    )


@of_districts
def show_csv(found: list[Read]) -> Response:
    """One row for each week and the whole district, then each subject and each tehsil. What is not told is empty."""
    rows = (row for one, pcodes, told in found for week in told.weeks for row in _rows(one, pcodes, week))
    return _csv([row["name"] for row in dictionary()], rows)


async def show_dictionary(request: Request) -> Response:
    return district.cache(request, _csv(["name", "unit", "meaning"], iter(dictionary())))


def _rows(one: District, pcodes: dict[str, str], week: Week) -> Iterator[dict[str, Any]]:
    place = {"district": one.id, "district_pcode": pcodes[one.id], "demo": str(one.demo).lower()}
    same = place | {name: week[name] for name in ("week", "from", "to")}
    yield {
        **same,
        "breakdown": "all",
        **week["total"],
        **{f"percent_{name}": value for name, value in week["rates"].items()},
        **{f"{name}_{part}": value for name, parts in week["days"].items() for part, value in parts.items()},
        "digest": week["digest"],
    }
    for subject, cells in week["categories"].items():
        yield {**same, "breakdown": "subject", "id": subject, **cells}
    for tehsil, cells in week["places"].items():
        yield {**same, "breakdown": "place", "id": tehsil, "pcode": pcodes.get(tehsil, ""), **cells}


def _csv(names: list[str], rows: Iterator[dict[str, Any]]) -> Response:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8")


async def _pcodes(conn: Conn, district_id: str) -> dict[str, str]:
    rows = await fetch_all(
        conn,
        "SELECT id, coalesce(pcode, '') AS pcode FROM districts WHERE id = %(id)s"
        " UNION ALL SELECT id, coalesce(pcode, '') FROM places WHERE district_id = %(id)s AND level = 'tehsil'",
        {"id": district_id},
    )
    return {row["id"]: row["pcode"] for row in rows}
