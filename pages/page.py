"""One page: a template in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

import locales
from cases import calendar
from locales.values import choose_name, keep_dates_whole
from pages.kept import Kept
from pages.moments import local_day, local_time
from pages.room import Room, environment, has_fonts, room_of

LANG_COOKIE = "jawab-lang"


def lang_of(request: Request) -> str:
    """The reader's language: `?lang=`, the cookie, what the browser asks for, else the room's own."""
    room = room_of(request.scope)
    asked = request.headers.get("accept-language", "")[:2].lower()
    wanted = (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE), asked)
    return next((lang for lang in wanted if lang is not None and lang in room.langs), room.lang)


def _say_in(lang: str) -> Callable[..., str]:
    """`t` of one page: a list of fifty lines says the same few texts five hundred times."""
    said: dict[str, str] = {}

    def say(key: str, **values: Any) -> str:
        if values:
            return locales.say(key, lang, **values)
        text = said.get(key)
        if text is None:
            text = said[key] = locales.say(key, lang)
        return text

    return say


def page(
    request: Request, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """Render `template` of the address's room in the reader's language.

    Besides `values` and what the room gives, templates find t, name, day, time, lang, lang_dir, langs, here, demo and
    fonts. A room may give `zone`, in which days and times are told. A page that is everybody's is not written again
    while all its values equal those it was last written of.
    """
    room, lang = room_of(request.scope), lang_of(request)
    made_of = template, {"zone": calendar.PROVINCE, **room.values(request), **values}
    known = room.known_by(request) if status == 200 else None
    kept: Kept = request.app.state.kept
    html = kept.find(known, lang, made_of) if known is not None else None
    if html is None:
        html = _write(request, room, lang, *made_of)
    if known is not None:
        kept.put(known, lang, html, made_of)
    response = HTMLResponse(html, status_code=status, headers={"Content-Language": lang, **(headers or {})})
    if request.query_params.get("lang") == lang:
        # SameSite Lax and no secret in it: it only remembers which language to show.
        response.set_cookie(LANG_COOKIE, lang, max_age=31_536_000, samesite="lax", httponly=True)
    return response


def _write(request: Request, room: Room, lang: str, template: str, given: dict[str, Any]) -> bytes:
    context: dict[str, Any] = {
        "t": _say_in(lang),
        "name": lambda names: choose_name(names or {}, lang),
        "day": partial(local_day, zone=given["zone"]),
        "time": partial(local_time, zone=given["zone"]),
        "lang": lang,
        "lang_dir": locales.direction(lang),
        "langs": room.langs,
        "here": request.scope["path"],  # not request.url, which a malformed Host breaks
        "demo": request.app.state.jawab.settings.demo,
        "fonts": has_fonts(),
        **given,
    }
    return keep_dates_whole(environment(room.folder).get_template(template).render(context)).encode()
