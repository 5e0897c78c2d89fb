"""The last known public pages, for the minutes in which the database is away. In this process only, and few."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape

import locales
from cases import calendar
from pages.page import local_time

MOST = 128  # pages; who is asked for again is kept longest
LARGEST = 200_000  # bytes of one
MAIN = b'<main id="main" tabindex="-1">\n'


@dataclass(slots=True)
class Kept:
    """Pages as they were last shown, by what makes them the page they are."""

    _pages: OrderedDict[tuple[str, str], tuple[bytes, datetime]] = field(default_factory=OrderedDict)

    def put(self, key: str, lang: str, html: bytes) -> None:
        if len(html) > LARGEST:
            return
        self._pages[key, lang] = html, datetime.now(UTC)
        self._pages.move_to_end((key, lang))
        while len(self._pages) > MOST:
            self._pages.popitem(last=False)

    def get(self, key: str, lang: str) -> bytes | None:
        """The page with a line above that says of when it is; None where it was never shown."""
        if (found := self._pages.get((key, lang))) is None:
            return None
        html, at = found
        said = locales.say("error.kept", lang, time=local_time(at, calendar.PROVINCE))
        return html.replace(MAIN, MAIN + f'<p class="note warn" role="status">{escape(said)}</p>\n'.encode(), 1)
