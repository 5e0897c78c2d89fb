"""The first page: what this number is, how it works, what it does not promise."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from store.database import fetch_all
from window import counted, district, updates
from window.district import Chosen


@dataclass(frozen=True, slots=True)
class Number:
    """One number of the district that people can write to."""

    kind: str
    address: str

    @property
    def link(self) -> str:
        """What opens the number in a telephone: an address that starts a message, or "" where there is none."""
        digits = self.address.lstrip("+")
        match self.kind:
            case "sms" | "gateway":
                return f"sms:{self.address}"
            case "whatsapp" if digits.isdecimal():
                return f"https://wa.me/{digits}"
            case "telegram" if not digits.isdecimal():  # known by its name; a bare number opens nothing
                return f"https://t.me/{self.address.lstrip('@')}"
            case "try":
                return "/try"
        return ""


def mount(app: FastAPI) -> None:
    app.add_route("/", show, methods=["GET"])


@district.of_a_district
async def show(request: Request) -> Response:
    async with district.jawab_of(request).db.autocommit("report") as conn:
        chosen: Chosen = await district.choose(conn, request)
        here = chosen.district
        numbers = await fetch_all(
            conn,
            "SELECT kind, address FROM channels WHERE district_id = %s AND retired_at IS NULL"
            " ORDER BY kind <> 'try', kind, address",
            (here.id,),
            of=Number,
        )
        last = await updates.list_for(conn, here, 1)
        counts = await counted.of(request, conn, here)
    return district.render(
        request,
        "public/home.html",
        chosen,
        numbers=numbers,
        last=updates.lay_out(last[0], here, request) if last else None,
        total=counts.total["total"],
    )
