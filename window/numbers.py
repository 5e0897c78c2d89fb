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
from window import counted, district, paged
from window.paged import Astray, Page

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
Read = tuple[District, dict[str, str], list[Week], Published]  # with the P-codes of the district and its tehsils
Write = Callable[[Read | None, Page | None], Response]


def mount(app: FastAPI) -> None:
    app.add_route("/open-data/figures.json", show_json, methods=["GET"])
    app.add_route("/open-data/figures.csv", show_csv, methods=["GET"])
    app.add_route("/open-data/dictionary.csv", show_dictionary, methods=["GET"])


@cache
def dictionary() -> list[dict[str, str]]:
    """{"name", "unit", "meaning"} of each column of the table."""
    with (DATA / "figures.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def of_a_page(write: Write) -> Callable[[Request], Any]:
    """Data of a page: one district, and up to a year of its weeks."""

    async def show(request: Request) -> Response:
        async with district.jawab_of(request).db.autocommit("report") as conn:
            try:
                page = await paged.choose(conn, request)
            except Astray:
                return JSONResponse({"error": "no such district or page"}, status_code=404)
            here = page.district
            if here is None:
                return paged.finish(request, write(None, None), None)
            told, pcodes = await counted.of(request, conn, here), await _pcodes(conn, here.id)
        older = [week for week in told.weeks if not page.before or week["week"] < page.before]
        shown = older[-paged.WEEKS :]
        following = page.after(shown[0]["week"]) if len(older) > len(shown) else page.next_district()
        return paged.finish(request, write((here, pcodes, shown, told), following), following)

    return show


@of_a_page
def show_json(found: Read | None, following: Page | None) -> Response:
    return JSONResponse(
        {
            "licence": LICENCE,
            "query": {"sha256": counting.QUERY, "version": counting.VERSION, "in": "cases/counting.py"},
            "dictionary": dictionary(),
            "districts": [_district(*found)] if found else [],
            "next": following.address if following else None,
        }
    )


def _district(one: District, pcodes: dict[str, str], weeks: list[Week], told: Published) -> dict[str, Any]:
    """A page of its weeks; all of them together stand on every page."""
    return {
        "district": one.id,
        "district_pcode": pcodes[one.id],
        "demo": one.demo,
        "timezone": one.timezone,
        "pcodes": {place: pcode for place, pcode in pcodes.items() if place != one.id},
        "weeks": weeks,
        "all_weeks": told.total,
    }


@of_a_page
def show_csv(found: Read | None, following: Page | None) -> Response:  # noqa: ARG001 - the next page is in the header
    """One row for each week and the whole district, then each subject and each tehsil. What is not told is empty."""
    one, pcodes, weeks, _ = found or (None, {}, [], None)
    return _csv(
        [row["name"] for row in dictionary()], (row for week in weeks if one for row in _rows(one, pcodes, week))
    )


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
