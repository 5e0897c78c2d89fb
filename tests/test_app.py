"""The web process as a whole: what it says of itself, and what it leaves out."""

from __future__ import annotations

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from app import Part, assemble
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab
from tests.conftest import PUBLIC_URL, RecordedBell


async def get(app: FastAPI, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as http:
        return await http.get(path)


async def test_it_is_alive_and_ready_and_counts(jawab: Jawab) -> None:
    app = assemble(jawab)
    assert (await get(app, "/health")).text == "alive"
    assert (await get(app, "/ready")).json() == {"ready": True}
    metrics = await get(app, "/metrics")
    assert "process_cpu_seconds_total" in metrics.text


async def test_a_database_that_is_not_migrated_is_not_ready(cluster: str, keys: Keys, jawab: Jawab) -> None:
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare_one TEMPLATE template0")
    bare = Database(cluster.replace("/jawab?", "/bare_one?"), keys)
    await bare.open()
    try:
        answer = await get(assemble(Jawab(jawab.settings, bare, keys, RecordedBell())), "/ready")
    finally:
        await bare.close()
    assert answer.status_code == 503
    assert answer.json()["why"] == "the database is not migrated"


@pytest.mark.parametrize(
    ("part", "there", "gone"),
    [
        ("all", ["/try", "/desk/login", "/"], []),
        ("citizen", ["/try"], ["/desk/login"]),
        ("desk", ["/desk/login"], ["/try"]),
    ],
)
async def test_one_side_can_be_served_alone(
    jawab: Jawab, demo: object, part: Part, there: list[str], gone: list[str]
) -> None:
    app = assemble(jawab, part)
    for path in there:
        assert (await get(app, path)).status_code == 200, path
    for path in gone:
        assert (await get(app, path)).status_code == 404, path


async def test_outside_demo_mode_there_is_no_trial_phone(jawab: Jawab) -> None:
    live = Jawab(jawab.settings.model_copy(update={"mode": "live"}), jawab.db, jawab.keys, jawab.bell)
    assert (await get(assemble(live), "/try")).status_code == 404


async def test_it_tells_nobody_how_it_is_built(jawab: Jawab) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await get(assemble(jawab), path)).status_code == 404
