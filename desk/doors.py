"""The desk's doors: every page, behind one gate and under one set of headers."""

from __future__ import annotations

from fastapi import FastAPI

from desk import acts, auth, case, pages, protected, queue, sorting, staff
from desk.gate import Gate
from store.jawab import Jawab


def mount(app: FastAPI, jawab: Jawab) -> None:
    app.add_middleware(Gate)
    pages.dress(app)  # after the gate, so that its refusals wear the headers too
    for room in (auth, queue, case, acts, sorting, protected, staff):
        room.mount(app, jawab)
