"""The weekly updates as an Atom feed."""

from __future__ import annotations

from collections import OrderedDict
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
from cases.districts import District
from window import district, updates
from window.updates import Update

ROOM = Path(__file__).parent
KEPT = 100  # feeds that a process remembers as they are read
Name = tuple[str, str, str, tuple[tuple[str, str, datetime], ...]]
_written: OrderedDict[Name, str] = OrderedDict()


def mount(app: FastAPI) -> None:
    app.add_route("/updates.atom", show, methods=["GET"])


@district.of_a_district
async def show(request: Request) -> Response:
    jawab, lang = district.jawab_of(request), pages.lang_of(request)
    async with jawab.db.autocommit("report") as conn:
        here = (await district.choose(conn, request)).district
        text = _written.get(_name(here, lang, await updates.list_for(conn, here, updates.LISTED, lines=False)))
        found = await updates.list_for(conn, here, updates.LISTED) if text is None else []
    if text is None:
        text = _written[_name(here, lang, found)] = _write(request, here, lang, found)
        while len(_written) > KEPT:
            _written.popitem(last=False)
    return Response(text, media_type="application/atom+xml", headers={"Content-Language": lang})


def _name(here: District, lang: str, found: list[Update]) -> Name:
    """Whatever a feed says follows from this: what went out is frozen, and its digest says which it is."""
    return here.id, str(here.names), lang, tuple((one.id, one.digest, one.published_at) for one in found)


def _write(request: Request, here: District, lang: str, found: list[Update]) -> str:
    base = district.jawab_of(request).settings.base_url
    return (
        pages.environment(ROOM)
        .get_template("public/feed.xml")
        .render(
            updates=[updates.lay_out(one, here, request) for one in found],
            say=partial(_say, lang),
            lang=lang,
            district=here,
            base=base,
            query=urlencode({"district": here.id, "lang": lang}),
            updated=(found[0].published_at if found else datetime.fromtimestamp(0, UTC)).astimezone(UTC).isoformat(),
        )
    )


def forget() -> None:
    """As in a process that has just begun."""
    _written.clear()


def _say(lang: str, key: str, **values: Any) -> str:
    return locales.say(key, lang, **values)
