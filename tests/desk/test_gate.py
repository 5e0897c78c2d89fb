"""The gate: deny by default, every route by every role, forged forms, foreign hosts, headers on everything."""

from __future__ import annotations

import uuid

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Message

from bot.doors import Front
from cases.roles import ROLES
from desk import gate, roles
from pages.errors import CSP
from pages.room import HERE, asset
from tests.desk.conftest import Browser, Enter, One, Open

SOME_ID = "00000000-0000-4000-8000-000000000000"
FILLERS = {
    "{step}": "approval",
    "{case_id:uuid}": SOME_ID,
    "{media_id:uuid}": SOME_ID,
    "{item_id:uuid}": SOME_ID,
    "{staff_id:uuid}": SOME_ID,
    "{office_id:uuid}": SOME_ID,
    "{body_id:uuid}": SOME_ID,
    "{edition_id:uuid}": SOME_ID,
    "{move}": "note",
    "{reason}": "review",
}


def app_of(client: httpx.AsyncClient) -> Starlette:
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    assert isinstance(transport.app, Front)
    assert isinstance(transport.app.app, Starlette)
    return transport.app.app


def desk_doors(app: Starlette) -> list[tuple[str, str]]:
    return [
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route) and gate.is_desk(route.path)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


def address(route: str) -> str:
    for filler, value in FILLERS.items():
        route = route.replace(filler, value)
    assert "{" not in route, f"the test does not know how to fill {route}"
    return route


async def test_every_desk_route_is_in_the_table_and_the_other_way_round(client: httpx.AsyncClient) -> None:
    doors = desk_doors(app_of(client))
    assert doors
    assert set(doors) == set(roles.DOORS)
    for route in app_of(client).routes:
        assert isinstance(route, (Route, Mount)), "a router's routes have no path the gate could look up"


async def test_a_route_that_nobody_listed_is_shut_for_everybody(client: httpx.AsyncClient, enter: Enter) -> None:
    async def forgotten(request: Request) -> Response:
        raise AssertionError("the gate let somebody through")

    app_of(client).add_route("/desk/forgotten", forgotten, methods=["GET"])
    for role in sorted(ROLES):
        person = await enter(role)
        assert (await person.get("/desk/forgotten")).status_code == 404


async def test_each_door_opens_for_its_roles_and_no_others(
    client: httpx.AsyncClient, enter: Enter, stranger: Browser
) -> None:
    people = {role: await enter(role) for role in sorted(ROLES)}
    for method, route in desk_doors(app_of(client)):
        if (method, route) in {("POST", "/desk/logout"), ("POST", "/desk/login")} or route == roles.SECOND:
            continue  # see test_login and test_second_factor
        admitted, path = roles.DOORS[(method, route)], address(route)
        outside = await (stranger.get(path) if method == "GET" else stranger.post(path))
        if admitted is None:  # roles.ANYBODY
            assert outside.status_code == 200
            continue
        assert outside.status_code == (303 if method == "GET" else 401), (method, route)
        for role, person in people.items():
            answer = await (person.get(path) if method == "GET" else person.post(path))
            if role not in admitted:
                assert answer.status_code == 404, (role, method, route)
                assert "csrf" not in answer.text or 'action="/desk/logout"' in answer.text
            elif method == "POST":
                forged = await person.http.post(path, data={"csrf": "guess"})
                assert forged.status_code == 403, (role, route)
            elif "{" not in route:
                assert answer.status_code in {200, 303}, (role, route, answer.text[:300])


async def test_one_persons_form_token_is_no_good_for_another(enter: Enter, opened: Open) -> None:
    case = await opened()
    handler, supervisor = await enter("handler"), await enter("supervisor")
    answer = await handler.http.post(f"/desk/cases/{case}/acknowledge", data={"csrf": supervisor.csrf})
    assert answer.status_code == 403
    assert (await handler.http.post(f"/desk/cases/{case}/acknowledge")).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://elsewhere.example"}],
)
async def test_a_form_from_another_site_is_refused_even_with_the_token(
    enter: Enter, opened: Open, one: One, headers: dict[str, str]
) -> None:
    case, handler = await opened(), await enter("handler")
    answer = await handler.post(f"/desk/cases/{case}/acknowledge", headers=headers)
    assert answer.status_code == 403
    assert (await one("SELECT status FROM cases WHERE id = %s", case))["status"] == "received"


async def test_a_foreign_host_name_is_misdirected(client: httpx.AsyncClient) -> None:
    for host in ("evil.example", "jawab.test.evil.example", "jawab.test@evil", "[", "a" * 300, "203.0.113.9"):
        assert (await client.get("/desk/login", headers={"Host": host})).status_code == 421, host
    assert (await client.get("/desk/login", headers={"Host": "127.0.0.1:8000"})).status_code == 200


async def test_every_answer_wears_the_headers(client: httpx.AsyncClient, enter: Enter, stranger: Browser) -> None:
    handler = await enter("handler")
    answers = [
        await stranger.get("/desk/login"),
        await stranger.get("/desk/queue"),
        await stranger.get("/desk/nothing-here"),
        await stranger.get("/nothing-here"),
        await stranger.get(asset(HERE, "style.css")),
        await handler.get("/desk/queue"),
        await handler.get(f"/desk/cases/{uuid.uuid4()}"),
        await handler.get("/desk/sorting"),
        await handler.http.post("/desk/find", data={"csrf": "wrong"}),
        await handler.post("/desk/queue"),
        await handler.http.post("/desk/find", content=b"x" * 70_000),
    ]
    assert [answer.status_code for answer in answers] == [200, 303, 404, 404, 200, 200, 404, 404, 403, 404, 413]
    for answer in answers:
        assert answer.headers["content-security-policy"] == CSP, answer.url
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        if gate.is_desk(answer.url.path):
            assert answer.headers["cache-control"] == "no-store"
            assert len(answer.headers.get_list("cache-control")) == 1


async def test_a_crash_is_a_plain_page_with_headers_and_no_words(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(request: Request) -> Response:
        raise RuntimeError("words of a citizen")

    app_of(client).add_route("/broken", broken, methods=["GET"])
    answer = await client.get("/broken")
    assert answer.status_code == 500
    assert "words of a citizen" not in answer.text
    assert answer.headers["content-security-policy"] == CSP


@pytest.mark.parametrize(
    "body",
    [
        b"csrf=%FF%FE&code=%00",
        b"csrf=a" + b"&x=1" * 500,
        b"\xff\xfe\x00",
        b"csrf=" + "٤".encode(),
        b"csrf=%D9%A4",
    ],
)
async def test_a_mangled_form_is_refused_and_nothing_breaks(enter: Enter, body: bytes) -> None:
    handler = await enter("handler")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await handler.http.post("/desk/find", content=body, headers=headers)).status_code == 403


async def test_pages_speak_urdu_from_right_to_left_when_asked(enter: Enter) -> None:
    handler = await enter("handler")
    first = await handler.get("/desk/queue", params={"lang": "ur"})
    assert '<html lang="ur" dir="rtl">' in first.text
    again = await handler.get("/desk/queue")
    assert '<html lang="ur" dir="rtl">' in again.text, "the choice is kept"
    assert '<html lang="en" dir="ltr">' in (await handler.get("/desk/queue", params={"lang": "en"})).text
    assert '<html lang="en" dir="ltr">' in (await handler.get("/desk/queue", params={"lang": "ps"})).text


async def test_half_a_form_is_none(client: httpx.AsyncClient, enter: Enter, opened: Open, one: One) -> None:
    """A line that breaks in the middle of an answer: its first half must not go out as if it were all of it."""
    case, handler = await opened(), await enter("handler")
    cookie = "; ".join(f"{kept.name}={kept.value}" for kept in handler.http.cookies.jar)
    row = await one("SELECT version FROM cases WHERE id = %s", case)
    said = f"csrf={handler.csrf}&version={row['version']}&once={uuid.uuid4()}&text=The+pump+will+not"
    came: list[Message] = [
        {"type": "http.request", "body": said.encode(), "more_body": True},
        {"type": "http.disconnect"},
    ]
    told: list[Message] = []

    async def receive() -> Message:
        return came.pop(0) if came else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        told.append(message)

    headers = {"host": "jawab.test", "cookie": cookie, "content-type": "application/x-www-form-urlencoded"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/desk/cases/{case}/note",
        "raw_path": b"",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 1),
        "server": ("jawab.test", 443),
        "scheme": "https",
        "http_version": "1.1",
        "root_path": "",
    }
    await app_of(client)(scope, receive, send)
    assert told[0]["status"] == 413
    assert (await one("SELECT count(*) AS n FROM case_items WHERE case_id = %s AND kind = 'note'", case))["n"] == 0
