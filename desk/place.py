"""Which of the desk's processes this is: as whom it reaches the database, under which address, with which cookie."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from settings import Part, Settings


@dataclass(frozen=True, slots=True)
class Place:
    """`other` is where the rest of the staff signs in; "" where one process serves all."""

    role: str
    url: str
    cookie: str
    other: str = ""
    custody: bool = False

    @property
    def is_whole(self) -> bool:
        return not self.other


def place_of(part: Part, settings: Settings) -> Place:
    """Browsers give a cookie to every port of a host, so those of two places have two names."""
    custody, url = part == "custody", settings.url_of(part)
    mark = "__Host-" if url.startswith("https://") else ""
    if part == "all":
        return Place("console", url, f"{mark}jawab")
    if custody:
        return Place("custody", url, f"{mark}jawab-custody", settings.url_of("desk"), custody=True)
    return Place("console", url, f"{mark}jawab", settings.url_of("custody"))


def here(request: HTTPConnection) -> Place:
    """The place that answers this request."""
    place: Place = request.app.state.place
    return place
