"""Signing in: throttled before the slow hash, one answer for all failures, a new token every time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from desk import attempts, devices, sessions
from settings import Settings
from store.crypto import Keys
from store.database import Database, fetch_all
from tests.conftest import Owner, RecordedBell
from tests.desk.conftest import Browser, Enter, Office, One, Open

COOKIE = "__Host-jawab"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that tries were given, which no test waits for."""
    taken: list[float] = []

    async def pause(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr("desk.auth.pause", pause)
    return taken


@asynccontextmanager
async def elsewhere(client: httpx.AsyncClient, address: str) -> AsyncIterator[Browser]:
    """A browser at another address of the network."""
    transport = httpx.ASGITransport(app=client._transport.app, client=(address, 1))  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=transport, base_url=client.base_url) as http:
        yield Browser(http)


async def sign_in(browser: Browser, login: str, password: str, **more: Any) -> httpx.Response:
    return await browser.http.post("/desk/login", data={"login": login, "password": password}, **more)


async def test_a_handler_signs_in_works_and_signs_out(
    stranger: Browser, office: Office, db: Database, one: One
) -> None:
    login, password = office.logins["handler"]
    answer = await sign_in(stranger, login, password)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/desk"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for word in ("HttpOnly", "SameSite=strict", "Secure", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie

    token = stranger.http.cookies[COOKIE]
    kept = await one("SELECT token_hash, csrf, key_box FROM desk_sessions")
    assert bytes(kept["token_hash"]) == hashlib.sha256(token.encode()).digest(), "only a hash is kept"
    assert token not in str(kept)

    home = await stranger.get("/desk", follow_redirects=True)
    assert home.status_code == 200
    assert home.url.path == "/desk/queue"

    stranger.csrf = kept["csrf"]
    out = await stranger.post("/desk/logout")
    assert out.status_code == 303
    assert "Clear-Site-Data" in out.headers
    async with db.autocommit("console") as conn:
        assert await fetch_all(conn, "SELECT 1 FROM desk_sessions") == []
    stranger.http.cookies.set(COOKIE, token, domain="jawab.test")
    assert (await stranger.get("/desk/queue")).status_code == 303, "the old token opens nothing"


async def test_a_login_always_gets_a_new_token(stranger: Browser, office: Office, one: One) -> None:
    stranger.http.cookies.set(COOKIE, "chosen-by-somebody-else", domain="jawab.test")
    login, password = office.logins["handler"]
    answer = await sign_in(stranger, login, password)
    first = stranger.http.cookies[COOKIE]
    assert answer.status_code == 303
    assert first != "chosen-by-somebody-else"
    await sign_in(stranger, login, password)
    assert stranger.http.cookies[COOKIE] != first
    assert (await one("SELECT count(*) AS n FROM desk_sessions"))["n"] == 1, "the session before it has ended"


async def test_wrong_passwords_and_unknown_logins_get_one_answer_and_are_throttled(
    stranger: Browser, office: Office, one: One
) -> None:
    login, password = office.logins["handler"]
    answers = [await sign_in(stranger, name, "not the password") for name in (login, "nobody-here", "UNREADABLE LOGIN")]
    assert {answer.status_code for answer in answers} == {401}
    bodies = {
        answer.text.replace(login, "X").replace("nobody-here", "X").replace("unreadable login", "X")
        for answer in answers
    }
    assert len(bodies) == 1
    for _ in range(4):
        assert (await sign_in(stranger, login, "still wrong")).status_code == 401
    refused = await sign_in(stranger, login, password)
    assert refused.status_code == 429, "the sixth try from here is not looked at, right or wrong"
    assert refused.headers["retry-after"] == "900"
    kept = await one("SELECT count(*) AS n, bool_or(login = %s) AS clear FROM login_attempts", login)
    assert not kept["clear"], "people type passwords into the wrong field: a login is kept as a keyed hash"


async def test_a_stranger_elsewhere_shuts_nobody_out(
    client: httpx.AsyncClient, office: Office, pauses: list[float]
) -> None:
    login, password = office.logins["protected"]
    async with elsewhere(client, "203.0.113.7") as attacker, elsewhere(client, "198.51.100.1") as owner:
        for _ in range(5):
            assert (await sign_in(attacker, login, "guessed")).status_code == 401
        assert (await sign_in(attacker, login, "guessed")).status_code == 429
        pauses.clear()
        assert (await sign_in(owner, login, password)).status_code == 303
        assert pauses[0] <= 1, "slowed at most, and let in"


async def test_many_strangers_only_slow_one_another_and_a_known_device_waits_for_none(
    client: httpx.AsyncClient, office: Office, pauses: list[float]
) -> None:
    login, password = office.logins["handler"]
    async with elsewhere(client, "198.51.100.1") as owner:
        assert (await sign_in(owner, login, password)).status_code == 303
        seen = []
        for number in range(40):
            async with elsewhere(client, f"203.0.113.{number}") as attacker:
                seen.append((await sign_in(attacker, login, "guessed")).status_code)
        assert seen[:5] == [401] * 5
        assert seen.count(401) < 20, "what would wait longer than others do is sent away, unlooked at"
        assert max(pauses) <= attempts.LONGEST_WAIT
        async with elsewhere(client, "192.0.2.9") as new_phone:
            busy = await sign_in(new_phone, login, password)
            assert busy.status_code == 429
            assert 0 < int(busy.headers["retry-after"]) <= 60, "soon, and not in a quarter of an hour"
        pauses.clear()
        assert (await sign_in(owner, login, password)).status_code == 303, "the device of before"
        assert pauses == [0.0]


async def test_a_device_is_known_for_its_login_alone_and_has_a_limit_too(
    client: httpx.AsyncClient, office: Office, keys: Keys, pauses: list[float]
) -> None:
    login, password = office.logins["handler"]
    other = office.logins["editor"][0]
    async with elsewhere(client, "198.51.100.1") as owner, elsewhere(client, "203.0.113.7") as thief:
        await sign_in(owner, login, password)
        name, value = next((one.name, one.value) for one in owner.http.cookies.jar if "device" in one.name)
        assert value is not None
        for forged in (value[:-1] + ("0" if value[-1] != "0" else "1"), "a.1.b", "..", value.replace(".", ".1", 1)):
            thief.http.cookies.set(name, forged, domain="jawab.test")
            assert request_of(thief, keys, login) == ""
        thief.http.cookies.set(name, value, domain="jawab.test")
        assert request_of(thief, keys, login) != ""
        assert request_of(thief, keys, other) == ""
        for _ in range(5):
            assert (await sign_in(thief, login, "guessed")).status_code == 401
        assert (await sign_in(thief, login, "guessed")).status_code == 429, (
            "a stolen cookie guesses no more than others"
        )


def request_of(browser: Browser, keys: Keys, login: str) -> str:
    cookies = "; ".join(f"{one.name}={one.value}" for one in browser.http.cookies.jar)
    scope = {"type": "http", "headers": [(b"cookie", cookies.encode())]}
    return devices.known(Request(scope), keys, login, "https://jawab.test")


async def test_a_device_cookie_grows_old(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    response = Response()
    devices.remember(response, keys, "desk-1", "https://jawab.test")
    cookie = response.headers["set-cookie"].partition(";")[0]
    request = Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})
    assert devices.known(request, keys, "desk-1", "https://jawab.test")
    now = time.time()
    monkeypatch.setattr("desk.devices.time.time", lambda: now + devices.KNOWN_FOR + 2)
    assert devices.known(request, keys, "desk-1", "https://jawab.test") == ""


async def test_one_source_is_slowed_over_many_logins_and_shuts_nobody_out(
    client: httpx.AsyncClient, office: Office, pauses: list[float]
) -> None:
    login, password = office.logins["handler"]
    async with elsewhere(client, "203.0.113.7") as attacker:
        for number in range(20):
            assert (await sign_in(attacker, f"guess{number}", "x")).status_code == 401
        assert set(pauses) == {0.0}
        for number in range(2):
            assert (await sign_in(attacker, f"more{number}", "x")).status_code == 401
        assert max(pauses) > 0
        assert (await sign_in(attacker, login, password)).status_code == 303, "a colleague behind the same line"


def test_the_pause_grows_and_has_an_end() -> None:
    assert [attempts.pause_after(tries) for tries in (0, 1, 2, 3, 4, 5, 99)] == [1, 2, 4, 8, 16, 16, 16]


def test_a_line_of_the_sixth_version_is_one_source() -> None:
    assert attempts.network("2001:db8:1:2::7") == attempts.network("2001:db8:1:2:ffff::1")
    assert attempts.network("2001:db8:1:2::7") != attempts.network("2001:db8:1:3::7")
    assert attempts.network("192.0.2.1") != attempts.network("192.0.2.2")
    assert attempts.network("testclient") == "testclient"


async def test_a_proxy_that_nobody_named_is_not_believed_and_is_told_of(
    stranger: Browser, office: Office, one: One
) -> None:
    for number in range(5):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        assert (await sign_in(stranger, "demo-handler", "x", headers=headers)).status_code == 401
    assert (await sign_in(stranger, "demo-handler", "x", headers={"X-Forwarded-For": "192.0.2.1"})).status_code == 429
    assert (await one("SELECT count(*) AS n FROM alarms WHERE kind = 'proxy_not_named'"))["n"] == 1


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE desk_sessions SET expires_at = now()",
        "UPDATE desk_sessions SET seen_at = now() - interval '16 minutes'",
    ],
)
async def test_a_session_ends_after_idle_minutes_and_after_eight_hours(
    enter: Enter, owner: Owner, spoil: LiteralString
) -> None:
    handler = await enter("handler")
    assert (await handler.get("/desk/queue")).status_code == 200
    await owner.execute(spoil)
    answer = await handler.get("/desk/queue")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/desk/login?to=/desk/queue"


async def test_a_page_that_refreshes_itself_keeps_no_session_alive(enter: Enter, owner: Owner, one: One) -> None:
    handler = await enter("handler")
    await owner.execute("UPDATE desk_sessions SET seen_at = now() - interval '10 minutes'")
    before = await one("SELECT seen_at FROM desk_sessions")
    await handler.get("/desk/queue", headers={"HX-Request": "true"})
    assert await one("SELECT seen_at FROM desk_sessions") == before
    await handler.get("/desk/queue")
    assert await one("SELECT seen_at FROM desk_sessions") != before


async def test_words_typed_into_an_expired_session_come_back(enter: Enter, opened: Open, owner: Owner) -> None:
    handler, case = await enter("handler"), await opened()
    await owner.execute("DELETE FROM desk_sessions")
    answer = await handler.post(f"/desk/cases/{case}/answer", {"text": "ٹینکر کل آئے گا"})
    assert answer.status_code == 401
    assert "ٹینکر کل آئے گا" in answer.text


async def test_who_was_disabled_is_out_at_once(enter: Enter, owner: Owner) -> None:
    handler = await enter("handler")
    await owner.execute("UPDATE staff SET disabled_at = now() WHERE id = %s", (handler.staff_id,))
    assert (await handler.get("/desk/queue")).status_code == 303


async def test_demo_people_do_not_exist_outside_demo_mode(
    office: Office, db: Database, keys: Keys, bell: RecordedBell, settings: Settings
) -> None:
    from app import assemble
    from store.jawab import Jawab

    live = Jawab(settings.model_copy(update={"mode": "live"}), db, keys, bell)
    transport = httpx.ASGITransport(app=assemble(live), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://jawab.test") as http:
        login, password = office.logins["handler"]
        answer = await http.post("/desk/login", data={"login": login, "password": password})
    assert answer.status_code == 401


async def test_a_protected_handlers_key_is_open_for_the_cookie_only(
    stranger: Browser, office: Office, db: Database, one: One
) -> None:
    login, password = office.logins["protected"]
    await sign_in(stranger, login, password)
    token = stranger.http.cookies[COOKIE]
    kept = await one("SELECT d.key_box, s.public_key FROM desk_sessions d JOIN staff s ON s.id = d.staff_id")
    from nacl.public import PrivateKey

    async with db.transaction("console") as tx:
        private = await sessions.unlock(tx, token)
        assert await sessions.unlock(tx, "another") is None
    assert private is not None
    assert bytes(PrivateKey(private).public_key) == bytes(kept["public_key"])
    assert private not in bytes(kept["key_box"])


async def test_a_login_never_sends_one_elsewhere(stranger: Browser, office: Office) -> None:
    login, password = office.logins["handler"]
    for to in ("https://elsewhere.example/", "//elsewhere.example", "/desk/../x", "/try"):
        answer = await stranger.http.post("/desk/login", data={"login": login, "password": password, "to": to})
        assert answer.headers["location"] == "/desk"
