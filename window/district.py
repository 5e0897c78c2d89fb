"""Which district a page is about: the one asked for, remembered, or the only one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

import pages
from cases import districts
from cases.districts import District
from store.database import Conn
from store.jawab import Jawab
from window import drafts

DISTRICT_COOKIE = "jawab-district"
CACHED = 120  # seconds a proxy may keep a page
VARY = "Accept-Language, Cookie"

Page = Callable[[Request], Awaitable[Response]]


class Unchosen(Exception):
    """No district to show: there are several and none was chosen, or the one asked for is not here."""

    def __init__(self, every: list[District], asked: str) -> None:
        super().__init__(asked)
        self.every = every
        self.asked = asked


@dataclass(frozen=True, slots=True)
class Chosen:
    """The district a page is about, and whether there are others."""

    district: District
    several: bool


def wanted(request: Request) -> str | None:
    """The district asked for, else the one remembered."""
    asked = request.query_params.get("district")
    return asked if asked is not None else request.cookies.get(DISTRICT_COOKIE)


async def choose(conn: Conn, request: Request) -> Chosen:
    """The district asked for by `?district=`, else the one remembered, else the only one. Raises `Unchosen`."""
    every = await districts.list_all(conn)
    asked = request.query_params.get("district")
    chosen = next((district for district in every if district.id == wanted(request)), None)
    if chosen is None and not asked and len(every) == 1:
        chosen = every[0]
    if chosen is None:
        raise Unchosen(every, asked or "")
    return Chosen(chosen, len(every) > 1)


def of_a_district(page: Page) -> Page:
    """Where no district can be told, the page becomes a choice of districts, or is not here."""

    async def show(request: Request) -> Response:
        try:
            return cache(request, await page(request))
        except Unchosen as unchosen:
            if unchosen.asked or not unchosen.every:
                return pages.refuse(request, 404, "public.error.district")
            return cache(request, render(request, "public/choose.html", None, districts=unchosen.every))

    return show


def render(request: Request, template: str, chosen: Chosen | None, **values: Any) -> Response:
    """One page of the window about a district, or about none yet."""
    settings = jawab_of(request).settings
    unsigned, texts = drafts.count(pages.lang_of(request))
    district = chosen.district if chosen else None
    response = pages.page(
        request,
        template,
        district=district,
        several=chosen is not None and chosen.several,
        demo=settings.demo or (district is not None and district.demo),
        drafts=unsigned,
        texts=texts,
        base=settings.base_url,
        **values,
    )
    if district and request.query_params.get("district"):
        # No secret in it: it only remembers which district to show.
        response.set_cookie(DISTRICT_COOKIE, district.id, max_age=31_536_000, samesite="lax", httponly=True)
    return response


def cache(request: Request, response: Response) -> Response:
    """Proxies may keep a page for a short while; not one that sets a cookie."""
    sets_cookie = "set-cookie" in response.headers
    response.headers["Cache-Control"] = "private, no-cache" if sets_cookie else f"public, max-age={CACHED}"
    response.headers["Vary"] = VARY
    if request.url.path.startswith("/open-data/"):
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def jawab_of(request: Request) -> Jawab:
    jawab: Jawab = request.app.state.jawab
    return jawab


def midnight(district: District) -> datetime:
    """The begin of today: pages count whole days, and no reader sees a number move while somebody writes."""
    zone = ZoneInfo(district.timezone)
    return datetime.combine(datetime.now(zone).date(), time(), zone)
