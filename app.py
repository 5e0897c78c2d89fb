"""The web process: the citizen's door, the handler's side, the public window, and whether we are well."""

from __future__ import annotations

from typing import Literal

import psycopg
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

import bot.doors
import bot.trial
import desk.doors
import window.doors
from store.database import check
from store.jawab import Jawab

Part = Literal["all", "citizen", "desk"]


def assemble(jawab: Jawab, part: Part = "all") -> FastAPI:
    """The application on parts that are already open; `part` leaves one side out."""
    app = FastAPI(title="Jawab", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.jawab = jawab
    if part in {"all", "citizen"}:
        bot.doors.mount(app, jawab)
        if jawab.settings.demo:
            bot.trial.mount(app, jawab)
    if part in {"all", "desk"}:
        desk.doors.mount(app, jawab)
        window.doors.mount(app)

    async def health(_: Request) -> Response:
        return PlainTextResponse("alive")

    async def ready(_: Request) -> Response:
        """200 once the database answers and is migrated; 503 with one line otherwise."""
        try:
            async with jawab.db.autocommit("report") as connection:
                await check(connection)
        except psycopg.errors.UndefinedTable:
            return JSONResponse({"ready": False, "why": "the database is not migrated"}, status_code=503)
        except (psycopg.OperationalError, TimeoutError):
            return JSONResponse({"ready": False, "why": "the database does not answer"}, status_code=503)
        return JSONResponse({"ready": True})

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    app.add_route("/health", health)
    app.add_route("/ready", ready)
    app.add_route("/metrics", metrics)
    return app
