"""The desk's doors: every page, behind one gate and under one set of headers."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request

import pages
from cases import calendar
from desk import (
    acts,
    auth,
    behind,
    case,
    dismissed,
    editions,
    letters,
    lost,
    office_door,
    offices,
    outside,
    protected,
    protected_lost,
    protected_proof,
    providers,
    queue,
    record,
    sealed_erasing,
    second,
    sorting,
    staff,
)
from desk.gate import PREFIX, Gate
from desk.place import here, place_of
from desk.slot import Slot
from settings import Part
from store.jawab import Jawab

# Letters before acts, whose address ends in any verb.
ROOMS = (
    auth,
    second,
    queue,
    case,
    letters,
    acts,
    sorting,
    dismissed,
    behind,
    lost,
    protected,
    protected_lost,
    protected_proof,
    sealed_erasing,
    staff,
    record,
    offices,
    outside,
    providers,
    editions,
    office_door,
)
SIGNS_IN = (auth, second)  # at each process of the desk


def serves(part: Part, room: ModuleType) -> bool:
    """Whether this process serves these pages: custody those of the protected room, the desk all others."""
    if part == "all" or room in SIGNS_IN:
        return True
    return room.__name__.rpartition(".")[2].startswith(("protected", "sealed")) == (part == "custody")


def mount(app: FastAPI, jawab: Jawab, part: Part = "all", slot: Slot | None = None) -> None:
    """`slot` is how the desk's pages put something behind the door; custody, or all in one, has its own."""
    app.state.place = place_of(part, jawab.settings)
    app.state.slot = slot or protected.slot(jawab)
    app.add_middleware(Gate)
    pages.dress(app, ROOM)  # after the gate, so that its refusals wear the headers too
    for room in (room for room in ROOMS if serves(part, room)):
        room.mount(app, jawab)


def _values(request: Request) -> dict[str, Any]:
    """What every page of the desk knows of its reader."""
    staff = getattr(request.state, "staff", None)
    return {
        "staff": staff,
        "csrf": staff.csrf if staff else "",
        "zone": staff.timezone if staff else calendar.PROVINCE,
        "htmx": pages.has_htmx(),
        "place": here(request),
    }


ROOM = pages.Room(
    PREFIX,
    Path(__file__).parent,
    langs=("en", "ur"),
    lang="en",
    layout="desk/desk.html",
    private=True,
    values=_values,
)
