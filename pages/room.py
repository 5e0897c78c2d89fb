"""A room as its readers meet it: its addresses, its templates, its languages."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

import locales
from locales.values import group, isolate
from pages.marks import mark

ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]
HERE = Path(__file__).parent
VENDOR = HERE / "static" / "vendor"  # fetched by house.assets; without it pages do without


def _nothing(_: Request) -> dict[str, Any]:
    return {}


def _unknown(_: Request) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Room:
    """One side of the house. `folder` holds its templates/ and static/, beside those that all share."""

    prefix: str  # of its addresses; "" has all that are no other room's
    folder: Path
    langs: tuple[str, ...]
    lang: str  # for a reader who asks for none of them
    layout: str = "base.html"  # what its error pages are laid out in
    private: bool = False  # no browser or proxy may keep anything of it
    values: Callable[[Request], dict[str, Any]] = _nothing  # what all its templates know besides
    known_by: Callable[[Request], str | None] = _unknown  # what a page is kept under, that is the same for everybody

    def has(self, path: str) -> bool:
        return not self.prefix or path == self.prefix or path.startswith(f"{self.prefix}/")


ANYWHERE = Room("", HERE, locales.ALL_LANGS, "ur")  # where no room has the address


def room_of(scope: Scope) -> Room:
    """The room that an address belongs to: the one with the longest prefix."""
    rooms: list[Room] = scope["app"].state.rooms
    return max((room for room in rooms if room.has(scope["path"])), key=lambda room: len(room.prefix), default=ANYWHERE)


@cache
def environment(folder: Path) -> Environment:
    """Templates of a room's folder, and the shared ones."""
    jinja = Environment(
        loader=FileSystemLoader([folder / "templates", HERE / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters["code"] = group
    jinja.filters["isolated"] = isolate
    jinja.filters["marked"] = mark
    jinja.globals["asset"] = partial(asset, folder)
    jinja.globals["direction"] = locales.direction
    jinja.globals["own_name"] = locales.own_name
    return jinja


@cache
def asset(folder: Path, name: str) -> str:
    """The address of a static file, with a digest so that browsers may keep it."""
    file = next((file for at in (folder, HERE) if (file := at / "static" / name).is_file()), None)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file else "none"
    return f"/static/{name}?v={digest}"


@cache
def has_htmx() -> bool:
    return (VENDOR / "htmx.min.js").is_file()


@cache
def has_fonts() -> bool:
    return any(VENDOR.glob("*.woff2"))
