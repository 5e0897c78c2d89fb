"""The heads of the audit: one hash a day, for anybody to keep. Later, a chain that was cut or changed does not fit it.

How much was done on a day is not told: it would tell of sealed cases too.
"""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from store import audit
from window import district

DAYS = 400  # more than a year


def mount(app: FastAPI) -> None:
    app.add_route("/record", show, methods=["GET"])
    app.add_route("/record.txt", give, methods=["GET"])


async def show(request: Request) -> Response:
    heads = await _heads(request)
    return district.cache(request, district.render(request, "public/record.html", None, heads=heads))


async def give(request: Request) -> Response:
    """A line a day, for `jawab audit verify --head`."""
    text = "".join(f"{day} {head}\n" for day, head in await _heads(request))
    return district.cache(request, PlainTextResponse(text))


async def _heads(request: Request) -> list[tuple[str, str]]:
    async with district.jawab_of(request).db.autocommit("report") as conn:
        return [(str(row["day"]), bytes(row["hash"]).hex()) for row in await audit.list_heads(conn, DAYS)]
