"""The window's doors: what anybody may read, served as the database's role `report`, which sees no words, no people
and no sealed case."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

import locales
import pages
from window import data, feed, figures, home, numbers, record, updates

ROOM = pages.Room("", Path(__file__).parent, locales.ALL_LANGS, "ur")


def mount(app: FastAPI) -> None:
    pages.dress(app, ROOM)
    for room in (home, updates, feed, figures, data, numbers, record):
        room.mount(app)
