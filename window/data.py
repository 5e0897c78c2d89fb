"""The same as data, for whoever reckons with it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import locales
from broadcast.reached import Reached
from cases.districts import District
from window import counted, district, paged, updates
from window.paged import Astray
from window.updates import Update


def mount(app: FastAPI) -> None:
    app.add_route("/open-data/editions.json", show_editions, methods=["GET"])


async def show_editions(request: Request) -> Response:
    """What went out, as keys and values and in every language; the cases behind it stay inside. JSON, by pages."""
    async with district.jawab_of(request).db.autocommit("report") as conn:
        try:
            page = await paged.choose(conn, request)
        except Astray:
            return JSONResponse({"error": "no such district or page"}, status_code=404)
        here = page.district
        found = await updates.list_for(conn, here, paged.EDITIONS + 1, before=page.before) if here else []
        shown = found[: paged.EDITIONS]
        editions = (
            [_data(here, update, await counted.reach(request, conn, update.id)) for update in shown] if here else []
        )
    following = page.after(shown[-1].week) if len(found) > len(shown) else page.next_district()
    data = {"editions": editions, "next": following.address if following else None}
    return paged.finish(request, JSONResponse(data), following)


def _data(district: District, update: Update, came: Reached) -> dict[str, Any]:
    return {
        "district": district.id,
        "demo": district.demo,
        "week": update.week,
        "from": update.from_at.astimezone(UTC).isoformat(timespec="seconds"),
        "until": update.until_at.astimezone(UTC).isoformat(timespec="seconds"),
        "published_at": update.published_at.astimezone(UTC).isoformat(timespec="seconds"),
        "reach": asdict(came),  # in fives; null: under five
        "sha256": update.digest,
        "items": [
            {
                "section": item["section"],
                "key": item["key"],
                "values": item["values"],
                "texts": {lang: locales.say(item["key"], lang, **item["values"]) for lang in locales.ALL_LANGS},
                **({"line": item["line"], "line_language": item["line_lang"]} if item.get("line") else {}),
            }
            for item in update.items
        ],
    }
