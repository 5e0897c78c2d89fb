"""The window's doors: what anybody may read, served as the database's role `report`, which sees no words, no people
and no sealed case."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request

import locales
import pages
from window import data, district, feed, figures, home, numbers, record, updates

# The same for all who read them in one language; what else has an address without a prefix may be somebody's own.
PAGES = re.compile(r"/|/updates(/[^/]+)?|/figures|/record")


def _known_by(request: Request) -> str | None:
    path = request.scope["path"]
    if not PAGES.fullmatch(path) or request.query_params.keys() - {"lang", "district"}:
        return None
    return f"{path} {district.wanted(request)}"


ROOM = pages.Room("", Path(__file__).parent, locales.ALL_LANGS, "ur", known_by=_known_by)


def mount(app: FastAPI) -> None:
    pages.dress(app, ROOM)
    for room in (home, updates, feed, figures, data, numbers, record):
        room.mount(app)
