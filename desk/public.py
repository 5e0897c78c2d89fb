"""The public window: what this number is, the weekly updates, the figures, the feed and the data. Role report only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import locales
from broadcast import renderings, week
from broadcast.edition import Item, Refused
from broadcast.renderings import Heading
from cases import calendar, figures, scorecards
from desk import pages
from locales.catalogs import read_entries
from store.database import Conn, fetch_all
from store.jawab import Jawab

DISTRICT_COOKIE = "jawab-district"
LISTED = 60  # updates on one page and in the feed: more than a year
OUT = ("sending", "sent")  # a draft, a held or a stopped edition is nobody's business
CACHED = 120  # seconds a proxy may keep a page
VARY = "Accept-Language, Cookie"
DRAFT_DOMAINS = ("messages", "public")
COLUMNS = ("received", "done", "confirmed")


@dataclass(frozen=True, slots=True)
class District:
    id: str
    names: dict[str, str]
    timezone: str
    demo: bool


@dataclass(frozen=True, slots=True)
class Update:
    """One edition that has gone out. The cases behind it stay inside."""

    id: str
    week: str
    day: str
    sent_at: datetime
    digest: str
    items: list[Item]

    def heading(self, district: District) -> Heading:
        return Heading(district.names, self.day)


def mount(app: FastAPI, jawab: Jawab) -> None:
    window = Window(jawab)
    app.add_route("/", window.home, methods=["GET"])
    app.add_route("/updates", window.updates, methods=["GET"])
    app.add_route("/updates.atom", window.feed, methods=["GET"])
    app.add_route("/updates/{week}", window.update, methods=["GET"])
    app.add_route("/figures", window.figures, methods=["GET"])
    app.add_route("/open-data/editions.json", window.editions, methods=["GET"])


class Unchosen(Exception):
    """No district to show: there are several and none was chosen, or the one asked for is not here."""

    def __init__(self, every: list[District], asked: str) -> None:
        super().__init__(asked)
        self.every = every
        self.asked = asked


@dataclass(frozen=True, slots=True)
class Place:
    """The district a page is about, and whether there are others."""

    district: District
    several: bool


Page = Callable[["Window", Request], Awaitable[Response]]


def _of_a_district(page: Page) -> Page:
    """Where no district can be told, the page becomes a choice of districts, or is not here."""

    async def show(window: Window, request: Request) -> Response:
        try:
            return _cached(request, await page(window, request))
        except Unchosen as unchosen:
            if unchosen.asked or not unchosen.every:
                return pages.refuse(request, 404, "public.error.district")
            return _cached(request, window.page(request, "public/choose.html", None, districts=unchosen.every))

    return show


class Window:
    """The pages; each reads in one connection of role report, which sees no words, no people and no sealed case."""

    def __init__(self, jawab: Jawab) -> None:
        self.jawab = jawab
        self.base = jawab.settings.base_url

    def page(self, request: Request, template: str, place: Place | None, **values: Any) -> Response:
        drafts, texts = drafts_of(pages.lang_of(request))
        district = place.district if place else None
        response = pages.page(
            request,
            template,
            district=district,
            several=place is not None and place.several,
            demo=self.jawab.settings.demo or (district is not None and district.demo),
            drafts=drafts,
            texts=texts,
            base=self.base,
            **values,
        )
        if district and request.query_params.get("district"):
            # No secret in it: it only remembers which district to show.
            response.set_cookie(DISTRICT_COOKIE, district.id, max_age=31_536_000, samesite="lax", httponly=True)
        return response

    @_of_a_district
    async def home(self, request: Request) -> Response:
        async with self.jawab.db.autocommit("report") as conn:
            place = await choose_district(conn, request)
            numbers = await fetch_all(
                conn,
                "SELECT kind, address FROM channels WHERE district_id = %s ORDER BY kind <> 'try', kind, address",
                (place.district.id,),
            )
            last = await list_updates(conn, place.district, 1)
            counts = await figures.totals(conn, place.district.id, _midnight(place.district))
        return self.page(
            request,
            "public/home.html",
            place,
            numbers=[{**row, "link": _link(row["kind"], row["address"])} for row in numbers],
            last=_shown(last[0], place.district, request) if last else None,
            total=counts["total"],
        )

    @_of_a_district
    async def updates(self, request: Request) -> Response:
        async with self.jawab.db.autocommit("report") as conn:
            place = await choose_district(conn, request)
            found = await list_updates(conn, place.district, LISTED)
        last = _shown(found[0], place.district, request) if found else None
        return self.page(request, "public/updates.html", place, last=last, older=found[1:])

    @_of_a_district
    async def update(self, request: Request) -> Response:
        wanted = request.path_params["week"]
        try:
            week.monday(wanted)
        except Refused:
            return pages.refuse(request, 404, "public.error.week")
        async with self.jawab.db.autocommit("report") as conn:
            place = await choose_district(conn, request)
            found = await list_updates(conn, place.district, 1, week=wanted)
        if not found:
            return pages.refuse(request, 404, "public.updates.missing")
        return self.page(request, "public/update.html", place, update=_shown(found[0], place.district, request))

    @_of_a_district
    async def figures(self, request: Request) -> Response:
        async with self.jawab.db.autocommit("report") as conn:
            place = await choose_district(conn, request)
            midnight = _midnight(place.district)
            counts = await figures.totals(conn, place.district.id, midnight)
            current = await scorecards.open_round(conn, place.district.id)
            scores = await scorecards.figures(conn, place.district.id)
        return self.page(
            request,
            "public/figures.html",
            place,
            total=counts["total"],
            rows=[row for row in counts["categories"] if row["received"] is not None],
            shown=COLUMNS,
            few=any(row["received"] is None for row in counts["categories"]),
            unnamed=counts["unnamed_categories"],
            until=(midnight - timedelta(days=1)).date().isoformat(),
            round=current,
            scores=scores,
        )

    @_of_a_district
    async def feed(self, request: Request) -> Response:
        async with self.jawab.db.autocommit("report") as conn:
            district = (await choose_district(conn, request)).district
            found = await list_updates(conn, district, LISTED)
        lang = pages.lang_of(request)
        text = (
            pages.environment()
            .get_template("public/feed.xml")
            .render(
                updates=[_shown(one, district, request) for one in found],
                say=partial(_say, lang),
                lang=lang,
                district=district,
                base=self.base,
                query=urlencode({"district": district.id, "lang": lang}),
                updated=(found[0].sent_at if found else datetime.fromtimestamp(0, UTC)).astimezone(UTC).isoformat(),
            )
        )
        return Response(text, media_type="application/atom+xml", headers={"Content-Language": lang})

    async def editions(self, request: Request) -> Response:
        """What went out, as keys and values and in every language; the cases behind it stay inside. JSON."""
        async with self.jawab.db.autocommit("report") as conn:
            try:
                chosen = [(await choose_district(conn, request)).district]
            except Unchosen as unchosen:
                if unchosen.asked:
                    return JSONResponse({"error": "no such district"}, status_code=404)
                chosen = unchosen.every
            found = [(district, await list_updates(conn, district, LISTED)) for district in chosen]
        editions = [_data(district, update) for district, listed in found for update in listed]
        return _cached(request, JSONResponse({"editions": editions}))


async def choose_district(conn: Conn, request: Request) -> Place:
    """The district asked for by `?district=`, else the one remembered, else the only one. Raises `Unchosen`."""
    rows = await fetch_all(conn, "SELECT id, names, timezone, demo FROM districts ORDER BY demo, names->>'en', id")
    every = [District(**row) for row in rows]
    asked = request.query_params.get("district")
    wanted = asked if asked is not None else request.cookies.get(DISTRICT_COOKIE)
    chosen = next((district for district in every if district.id == wanted), None)
    if chosen is None and not asked and len(every) == 1:
        chosen = every[0]
    if chosen is None:
        raise Unchosen(every, asked or "")
    return Place(chosen, len(every) > 1)


async def list_updates(conn: Conn, district: District, limit: int, *, week: str | None = None) -> list[Update]:
    """Editions that have gone out or are going out, newest week first; one `week` only where it is given."""
    rows = await fetch_all(
        conn,
        "SELECT id, week, items, digest, approved_at, coalesce(sent_at, approved_at) AS sent_at FROM editions"
        " WHERE district_id = %s AND state = ANY(%s) AND (%s::text IS NULL OR week = %s)"
        " ORDER BY week DESC LIMIT %s",
        (district.id, list(OUT), week, week, limit),
    )
    return [
        Update(
            id=str(row["id"]),
            week=row["week"],
            day=_last_day(row["week"], row["approved_at"], district.timezone),
            sent_at=row["sent_at"],
            digest=row["digest"],
            items=row["items"],
        )
        for row in rows
    ]


@cache
def drafts_of(lang: str) -> tuple[int, int]:
    """How many texts citizens and visitors read in this language nobody has signed yet, of how many."""
    keys = [key for domain in DRAFT_DOMAINS for key in read_entries("en", domain)]
    return sum(locales.review_state(key, lang) == "draft" for key in keys), len(keys)


def _last_day(wanted: str, approved_at: datetime, zone: str) -> str:
    return min(calendar.sunday(wanted), calendar.day_of(approved_at, zone)).isoformat()


def _midnight(district: District) -> datetime:
    """The begin of today: pages count whole days, and no reader sees a number move while somebody writes."""
    zone = ZoneInfo(district.timezone)
    return datetime.combine(datetime.now(zone).date(), time(), zone)


def _shown(update: Update, district: District, request: Request) -> dict[str, Any]:
    lang = pages.lang_of(request)
    return {
        "id": update.id,
        "week": update.week,
        "title": locales.say("edition.title", lang, **update.heading(district).values),
        "sections": renderings.sections(update.items, lang),
        "sent": calendar.day_of(update.sent_at, district.timezone).isoformat(),
        "updated": update.sent_at.astimezone(UTC).isoformat(),
        "digest": update.digest,
    }


def _data(district: District, update: Update) -> dict[str, Any]:
    return {
        "district": district.id,
        "demo": district.demo,
        "week": update.week,
        "sent_at": update.sent_at.astimezone(UTC).isoformat(timespec="seconds"),
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


def _say(lang: str, key: str, **values: Any) -> str:
    return locales.say(key, lang, **values)


def _link(kind: str, address: str) -> str:
    """What opens the number in a telephone: an address that starts a message, or "" where there is none."""
    digits = address.lstrip("+")
    match kind:
        case "sms" | "gateway":
            return f"sms:{address}"
        case "whatsapp" if digits.isdecimal():
            return f"https://wa.me/{digits}"
        case "telegram":
            return f"https://t.me/{address.lstrip('@')}"
        case "try":
            return "/try"
    return ""


def _cached(request: Request, response: Response) -> Response:
    """Proxies may keep a page for a short while; not one that sets a cookie."""
    sets_cookie = "set-cookie" in response.headers
    response.headers["Cache-Control"] = "private, no-cache" if sets_cookie else f"public, max-age={CACHED}"
    response.headers["Vary"] = VARY
    if request.url.path.startswith("/open-data/"):
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response
