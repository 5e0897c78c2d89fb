"""The last known public pages, and what each was made of: shown again while that is the same, and while the database is
away. In this process only, and few."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

import locales
from cases import calendar
from pages.moments import local_time

MOST = 128  # pages; who is asked for again is kept longest
LARGEST = 200_000  # bytes of one
MAIN = b'<main id="main" tabindex="-1">\n'


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it was last shown; `made_of`: all that it says, whatever its language and address."""

    html: bytes
    at: datetime
    made_of: Any


@dataclass(slots=True)
class Kept:
    """Pages as they were last shown, by what makes them the page they are."""

    _pages: OrderedDict[tuple[str, str], Page] = field(default_factory=OrderedDict)

    def put(self, key: str, lang: str, html: bytes, made_of: Any) -> None:
        if len(html) > LARGEST:
            return
        self._pages[key, lang] = Page(html, datetime.now(UTC), made_of)
        self._pages.move_to_end((key, lang))
        while len(self._pages) > MOST:
            self._pages.popitem(last=False)

    def find(self, key: str, lang: str, made_of: Any) -> bytes | None:
        """The page, where it would be made of the same again: equal values are written equally."""
        found = self._pages.get((key, lang))
        return found.html if found and found.made_of == made_of else None

    def get(self, key: str, lang: str) -> bytes | None:
        """The page with a line above that says of when it is; None where it was never shown."""
        if (found := self._pages.get((key, lang))) is None:
            return None
        said = locales.say("error.kept", lang, time=local_time(found.at, calendar.PROVINCE))
        return found.html.replace(MAIN, MAIN + f'<p class="note warn" role="status">{escape(said)}</p>\n'.encode(), 1)
