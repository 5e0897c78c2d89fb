"""Open data a page at a time: one district and a number of its weeks, newest first; each page names the next one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from cases import calendar, districts
from cases.districts import District
from store.database import Conn
from window import district
from window.district import Unchosen

WEEKS = 53  # of the figures on one page: a year
EDITIONS = 20  # on one page


class Astray(Exception):
    """There is no such page, or no such district."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of data: of which district, `before` which week ("": from the newest), and which district comes next.

    `district` is None where there is none at all.
    """

    path: str
    district: District | None
    before: str = ""
    following: District | None = None

    def after(self, week: str) -> Page:
        """The page with what is older than this week."""
        return replace(self, before=week)

    def next_district(self) -> Page | None:
        return replace(self, district=self.following, before="") if self.following else None

    @property
    def address(self) -> str:
        """`page` is a district and a week; `district` stays where only one was asked for."""
        named = self.district.id if self.district else ""
        only = f"district={quote(named)}&" if self.following is None and self.before else ""
        return f"{self.path}?{only}page={quote(named)}~{self.before}"


async def choose(conn: Conn, request: Request) -> Page:
    """The page asked for: `?page=pishin~2026-W10`, `?district=pishin`, else the first. Raises `Astray`."""
    path, cursor = request.url.path, request.query_params.get("page")
    if cursor is None:
        try:
            return Page(path, (await district.choose(conn, request)).district)
        except Unchosen as unchosen:
            if unchosen.asked:
                raise Astray from None
            every = unchosen.every
            return Page(path, every[0] if every else None, following=every[1] if len(every) > 1 else None)
    named, _, before = cursor.partition("~")
    every = await districts.list_all(conn)
    here = next((number for number, one in enumerate(every) if one.id == named), None)
    if here is None or (before and not _is_week(before)):
        raise Astray
    only = request.query_params.get("district") is not None
    return Page(path, every[here], before, None if only or here + 1 == len(every) else every[here + 1])


def _is_week(text: str) -> bool:
    try:
        calendar.monday(text)
    except ValueError:
        return False
    return True


def finish(request: Request, response: Response, following: Page | None) -> Response:
    """Name the next page, and spare who has this one already its bytes."""
    body = bytes(response.body)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        response = Response(status_code=304, headers={"Content-Type": response.headers["Content-Type"]})
    response.headers["ETag"] = tag
    if following is not None:
        response.headers["Link"] = f'<{following.address}>; rel="next"'
    return district.cache(request, response)
