"""The web process as a whole: what it says of itself, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace

import httpx
import psycopg
import pytest
from starlette.types import ASGIApp

from app import assemble
from desk.slot import Put
from settings import Part
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab
from tests.conftest import PUBLIC_URL, RecordedBell


async def get(app: ASGIApp, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as http:
        return await http.get(path)


async def test_it_is_alive_and_ready(jawab: Jawab) -> None:
    app = assemble(jawab)
    assert (await get(app, "/health")).text == "alive"
    assert (await get(app, "/ready")).json() == {"ready": True}


@pytest.mark.parametrize(
    ("peer", "host", "headers", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8000", {}, 200),
        ("::1", "[::1]:8000", {}, 200),
        ("10.1.2.3", "10.1.2.4:8000", {}, 200),
        ("::ffff:192.168.7.8", "jawab-web:8000", {}, 200),
        ("8.8.8.8", "127.0.0.1:8000", {}, 404),
        ("100.64.0.9", "127.0.0.1:8000", {}, 404),  # behind a carrier: people
        ("2001:4860::1", "127.0.0.1:8000", {}, 404),
        ("", "127.0.0.1:8000", {}, 404),
        ("127.0.0.1", "jawab.test", {}, 404),
        ("127.0.0.1", "[::1", {}, 404),
        ("127.0.0.1", "127.0.0.1:8000", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", "127.0.0.1:8000", {"Forwarded": "for=127.0.0.1"}, 404),
        ("127.0.0.1", "127.0.0.1:8000", {"X-Real-IP": "127.0.0.1"}, 404),
        ("127.0.0.1", "127.0.0.1:8000", {"Via": "1.1 proxy"}, 404),
    ],
)
async def test_metrics_are_there_for_who_asks_from_inside(
    jawab: Jawab, peer: str, host: str, headers: dict[str, str], status: int
) -> None:
    transport = httpx.ASGITransport(app=assemble(jawab), client=(peer, 1), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        answer = await http.get("/metrics", headers={"Host": host, **headers})
    assert answer.status_code == status
    assert ("jawab_database_up 1.0" in answer.text) == (status == 200)


async def test_with_a_token_only_who_sends_it_is_told_the_metrics(jawab: Jawab) -> None:
    token = "f" * 32
    behind = replace(jawab, settings=jawab.settings.model_copy(update={"metrics_token": token}))
    for peer in ("127.0.0.1", "203.0.113.9"):
        transport = httpx.ASGITransport(app=assemble(behind), client=(peer, 1), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            for given, status in ((f"Bearer {token}", 200), (f"Bearer {token}x", 404), (token, 404), ("", 404)):
                assert (await http.get("/metrics", headers={"Authorization": given})).status_code == status, peer


@pytest.mark.parametrize("part", ["all", "desk", "citizen", "custody"])
@pytest.mark.parametrize("token", ["", "f" * 32])
async def test_metrics_are_the_desks_alone_whatever_is_sent(jawab: Jawab, part: Part, token: str) -> None:
    settings = jawab.settings.model_copy(update={"metrics_token": token})
    served = assemble(replace(jawab, settings=settings), part, _slot if part == "desk" else None)
    here, there = ("127.0.0.1", 1), ("8.8.8.8", 1)
    sent = (None, "", "Bearer", "Bearer ", *(f"Bearer {word}" for word in ("f" * 31, "e" * 32, "f" * 32)))
    told = []
    for peer in (here, there):
        transport = httpx.ASGITransport(app=served, client=peer, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            for given in sent:
                answer = await http.get("/metrics", headers={} if given is None else {"Authorization": given})
                assert answer.status_code == 200 or "jawab_" not in answer.text
                if answer.status_code == 200:
                    told.append((peer, given))
    if part in {"citizen", "custody"}:
        assert told == []
    elif token:
        assert told == [(here, f"Bearer {token}"), (there, f"Bearer {token}")], "that token, and nothing like it"
    else:
        assert {peer for peer, _ in told} == {here}, "by where it comes from alone"


async def _slot(_: Put) -> None:
    raise AssertionError("nobody put anything behind the door")


@pytest.mark.parametrize("path", ["/updates/", "/figures/", "/desk/", "/desk/queue/", "/try/", "/open-data//"])
async def test_no_redirect_leads_to_the_name_that_was_asked_for(jawab: Jawab, path: str) -> None:
    transport = httpx.ASGITransport(app=assemble(jawab), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://jawab.test") as http:
        answer = await http.get(path, headers={"Host": "evil.test"})
    assert "evil.test" not in answer.headers.get("location", "")
    assert answer.status_code in {404, 421}


@pytest.mark.parametrize("public_url", ["https://jawab.test", "http://127.0.0.1:8000"])
async def test_who_came_by_https_comes_by_https_alone(jawab: Jawab, public_url: str) -> None:
    """On every answer, errors and the providers' doors too; over plain http browsers would not believe it."""
    jawab = replace(jawab, settings=jawab.settings.model_copy(update={"public_url": public_url}))
    transport = httpx.ASGITransport(app=assemble(jawab), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=public_url) as http:
        for path in ("/", "/desk/login", "/desk/queue", "/nothing", "/in/twilio", "/static/style.css"):
            answer = await http.get(path)
            told = answer.headers.get("strict-transport-security", "")
            assert told == ("max-age=63072000" if public_url.startswith("https:") else ""), path


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
