"""Others to ask, as the admin sees them: said in HELP and at a closed door. Opens no case."""

from __future__ import annotations

from fastapi import FastAPI

from cases import outside
from desk import bodies
from store.jawab import Jawab


def mount(app: FastAPI, jawab: Jawab) -> None:
    roll = bodies.Roll(
        name="outside",
        act="outside",
        ending="remove",
        body=outside.Body,
        fields=("phone", "source", "read_on"),
        read=outside.list_all,
        put=outside.put,
        end=outside.remove,
    )
    bodies.mount_roll(app, jawab, roll)
