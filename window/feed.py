"""The weekly updates as an Atom feed."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

import locales
import pages
from window import district, updates

ROOM = Path(__file__).parent


def mount(app: FastAPI) -> None:
    app.add_route("/updates.atom", show, methods=["GET"])


@district.of_a_district
async def show(request: Request) -> Response:
    jawab = district.jawab_of(request)
    async with jawab.db.autocommit("report") as conn:
        here = (await district.choose(conn, request)).district
        found = await updates.list_for(conn, here, updates.LISTED)
    lang = pages.lang_of(request)
    text = (
        pages.environment(ROOM)
        .get_template("public/feed.xml")
        .render(
            updates=[updates.lay_out(one, here, request) for one in found],
            say=partial(_say, lang),
            lang=lang,
            district=here,
            base=jawab.settings.base_url,
            query=urlencode({"district": here.id, "lang": lang}),
            updated=(found[0].published_at if found else datetime.fromtimestamp(0, UTC)).astimezone(UTC).isoformat(),
        )
    )
    return Response(text, media_type="application/atom+xml", headers={"Content-Language": lang})


def _say(lang: str, key: str, **values: Any) -> str:
    return locales.say(key, lang, **values)
