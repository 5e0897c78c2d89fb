"""The heads of the audit: one hash a day, for anybody to keep. Later, a chain that was cut or changed does not fit it.

How much was done on a day is not told: it would tell of sealed cases too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from store.database import fetch_all
from window import district

DAYS = 400  # more than a year


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a day, in hexadecimal."""

    day: date
    hash: str


def mount(app: FastAPI) -> None:
    app.add_route("/record", show, methods=["GET"])
    app.add_route("/record.txt", give, methods=["GET"])


async def show(request: Request) -> Response:
    heads = await _heads(request)
    return district.cache(request, district.render(request, "public/record.html", None, heads=heads))


async def give(request: Request) -> Response:
    """A line a day, for `jawab audit verify --head`."""
    text = "".join(f"{head.day} {head.hash}\n" for head in await _heads(request))
    return district.cache(request, PlainTextResponse(text))


async def _heads(request: Request) -> list[Head]:
    async with district.jawab_of(request).db.autocommit("report") as conn:
        return await fetch_all(
            conn,
            "SELECT day, encode(hash, 'hex') AS hash FROM audit_heads ORDER BY day DESC LIMIT %s",
            (DAYS,),
            of=Head,
        )
