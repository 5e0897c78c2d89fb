"""The weekly updates as pages: all of them, and one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

import locales
import pages
from broadcast import renderings
from broadcast.edition import Item
from broadcast.reached import Reached
from broadcast.renderings import Heading
from broadcast.span import Span
from cases import calendar
from cases.districts import District
from store.database import Conn, fetch_all
from window import counted, district

LISTED = 60  # updates on one page and in the feed: more than a year
KEPT = 600  # editions in a language that a process remembers as they are read
OUT = ("sending", "sent")  # a draft, a held or a stopped edition is nobody's business


@dataclass(frozen=True, slots=True)
class Update:
    """One edition that is public, whether or not anybody had asked to be sent it. The cases behind it stay inside."""

    id: str
    week: str
    items: list[Item]  # as they are shown; [] where only the weeks are listed
    digest: str
    from_at: datetime
    until_at: datetime
    published_at: datetime

    def heading(self, district: District) -> Heading:
        return Heading(district.names, Span(self.from_at, self.until_at).last_day(district.timezone))


async def list_for(
    conn: Conn, district: District, limit: int, *, week: str | None = None, before: str = "", lines: bool = True
) -> list[Update]:
    """Editions that have gone out or are going out, newest week first; one `week` only, or those `before` one, where it
    is given. Without `lines`, to list them."""
    return await fetch_all(
        conn,
        "SELECT id::text, week, CASE WHEN %(lines)s THEN shown ELSE '[]' END AS items, digest, from_at, until_at,"
        " coalesce(sent_at, approved_at) AS published_at FROM editions WHERE district_id = %(district)s"
        " AND state = ANY(%(out)s) AND (%(week)s::text IS NULL OR week = %(week)s)"
        " AND (%(before)s = '' OR week < %(before)s) ORDER BY week DESC LIMIT %(limit)s",
        {
            "lines": lines,
            "district": district.id,
            "out": list(OUT),
            "week": week,
            "before": before,
            "limit": limit,
        },
        of=Update,
    )


def lay_out(update: Update, district: District, request: Request, came: Reached | None = None) -> dict[str, Any]:
    """What the templates show of an update, in the reader's language; `came`: whom it reached, where that is told."""
    lang = pages.lang_of(request)
    key, values = came.say() if came else ("", {})
    return {
        "reach": locales.say(key, lang, **values) if key else "",
        "id": update.id,
        "week": update.week,
        "title": locales.say("edition.title", lang, **update.heading(district).values),
        "sections": _sections(update.digest, lang, update.items),
        "published": calendar.day_of(update.published_at, district.timezone).isoformat(),
        "updated": update.published_at.astimezone(UTC).isoformat(),
        "digest": update.digest,
    }


_laid_out: OrderedDict[tuple[str, str], renderings.Sections] = OrderedDict()


def _sections(digest: str, lang: str, items: list[Item]) -> renderings.Sections:
    """The lines in a language: what went out is frozen, and its digest says which it is."""
    if (digest, lang) not in _laid_out:
        _laid_out[digest, lang] = renderings.sections(items, lang)
        while len(_laid_out) > KEPT:
            _laid_out.popitem(last=False)
    return _laid_out[digest, lang]


def forget() -> None:
    """As in a process that has just begun."""
    _laid_out.clear()


def mount(app: FastAPI) -> None:
    app.add_route("/updates", show_all, methods=["GET"])
    app.add_route("/updates/{week}", show, methods=["GET"])


@district.of_a_district
async def show_all(request: Request) -> Response:
    async with district.jawab_of(request).db.autocommit("report") as conn:
        chosen = await district.choose(conn, request)
        newest = await list_for(conn, chosen.district, 1)
        found = await list_for(conn, chosen.district, LISTED, lines=False)
        came = await counted.reach(request, conn, newest[0].id) if newest else None
    last = lay_out(newest[0], chosen.district, request, came) if newest else None
    return district.render(request, "public/updates.html", chosen, last=last, older=found[1:])


@district.of_a_district
async def show(request: Request) -> Response:
    wanted = request.path_params["week"]
    try:
        calendar.monday(wanted)
    except ValueError:
        return pages.refuse(request, 404, "public.error.week")
    async with district.jawab_of(request).db.autocommit("report") as conn:
        chosen = await district.choose(conn, request)
        found = await list_for(conn, chosen.district, 1, week=wanted)
        if not found:
            return pages.refuse(request, 404, "public.updates.missing")
        came = await counted.reach(request, conn, found[0].id)
    update = lay_out(found[0], chosen.district, request, came)
    return district.render(request, "public/update.html", chosen, update=update)
