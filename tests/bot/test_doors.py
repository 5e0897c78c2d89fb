"""The provider's doors over HTTP: what is answered to whom, and that nothing a stranger posts is a 5xx."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot import bodies, doors
from bot.channels import Inbound
from bot.deliver import drain
from settings import Settings
from store.jawab import Jawab
from tests.bot.conftest import OURS, Rows
from tests.conftest import PUBLIC_URL
from tests.providers.twilio import FakeTwilio

ONE = "whatsapp:+923001112233"
US = f"whatsapp:{OURS}"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Inbound]:
    """Stands where intake begins: what reached it."""
    seen: list[Inbound] = []

    async def take(_: Jawab, inbound: Inbound) -> str:
        seen.append(inbound)
        return "taken"

    monkeypatch.setattr("bot.intake.take", take)
    return seen


@pytest.fixture
async def http(jawab: Jawab) -> AsyncIterator[httpx.AsyncClient]:
    app = doors.stand_before(FastAPI(), jawab)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        yield client


async def test_a_signed_message_reaches_intake_and_is_answered_with_nothing_to_say(
    http: httpx.AsyncClient, twilio: FakeTwilio, taken: list[Inbound]
) -> None:
    status, body = await twilio.webhook(http, ONE, US, "سلام")
    assert (status, body) == (200, '<?xml version="1.0" encoding="UTF-8"?><Response/>')
    assert [inbound.text for inbound in taken] == ["سلام"]


async def test_an_unsigned_message_is_refused_and_reaches_nobody(
    http: httpx.AsyncClient, twilio: FakeTwilio, taken: list[Inbound], rows: Rows
) -> None:
    answer = await http.post("/in/twilio", data=twilio.message(ONE, US, "x"))
    assert answer.status_code == 403
    status, _ = await twilio.webhook(http, ONE, US, "x", public_url="https://evil.test")
    assert status == 403
    assert taken == []
    assert (await rows.one("SELECT count(*) FROM inbox"))["count"] == 0
    assert await rows.alarms() == []


async def test_the_host_header_does_not_choose_what_is_signed(
    http: httpx.AsyncClient, twilio: FakeTwilio, taken: list[Inbound]
) -> None:
    body, headers = twilio.signed(f"{PUBLIC_URL}/in/twilio", twilio.message(ONE, US, "x"))
    answer = await http.post("/in/twilio", content=body, headers={**headers, "Host": "evil.test"})
    assert answer.status_code == 200
    body, headers = twilio.signed("https://evil.test/in/twilio", twilio.message(ONE, US, "x"))
    answer = await http.post(
        "/in/twilio", content=body, headers={**headers, "Host": "evil.test", "X-Forwarded-Host": "evil.test"}
    )
    assert answer.status_code == 403
    assert len(taken) == 1


async def test_a_signed_message_with_impossible_ids_is_400_and_an_alarm(
    http: httpx.AsyncClient, twilio: FakeTwilio, taken: list[Inbound], rows: Rows
) -> None:
    status, _ = await twilio.webhook(http, ONE, US, "x", MessageSid="SM1")
    assert status == 400
    assert taken == []
    assert await rows.alarms() == ["hook_unreadable"]


async def test_a_body_that_does_not_come_is_not_waited_for(
    http: httpx.AsyncClient, taken: list[Inbound], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.05)

    async def dripping() -> AsyncIterator[bytes]:
        yield b"Body="
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        assert (await http.post("/in/twilio", content=dripping())).status_code == 408
    assert taken == []


async def test_ten_thousand_characters_emoji_nul_and_no_body_are_messages_like_others(
    http: httpx.AsyncClient, twilio: FakeTwilio, taken: list[Inbound]
) -> None:
    for text in ("x" * 10_000, "😀" * 400, "a\x00b", "", "\u202e\u2066پانی\u2069"):
        assert (await twilio.webhook(http, ONE, US, text))[0] == 200
    assert [len(inbound.text) for inbound in taken] == [10_000, 400, 2, 0, 7]


async def test_a_robot_is_kept_and_never_answered(
    http: httpx.AsyncClient, twilio: FakeTwilio, taken: list[Inbound], rows: Rows
) -> None:
    for sender in ("8300", "BANK-ALERT"):
        assert (await twilio.webhook(http, sender, OURS, "Your balance"))[0] == 200
    assert taken == []
    assert (await rows.one("SELECT count(*) FROM inbox WHERE state = 'unrouted' AND error = 'system_sender'"))[
        "count"
    ] == 2
    assert await rows.states() == {}


async def test_while_the_database_hangs_the_provider_is_asked_to_come_again(
    http: httpx.AsyncClient, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: Any) -> str:
        await asyncio.Event().wait()
        return "never"

    monkeypatch.setattr("bot.intake.take", hang)
    monkeypatch.setattr(doors, "ANSWER_SECONDS", 0.05)
    async with asyncio.timeout(5):
        assert (await twilio.webhook(http, ONE, US, "x"))[0] == 503


async def test_while_the_database_is_away_the_provider_is_asked_to_come_again(
    http: httpx.AsyncClient, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> str:
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr("bot.intake.take", away)
    monkeypatch.setattr(doors, "ANSWER_SECONDS", 0.05)
    status, _ = await twilio.webhook(http, ONE, US, "x")
    assert status == 503


async def test_a_crash_behind_the_door_quotes_nobody(
    http: httpx.AsyncClient, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(_: Jawab, inbound: Inbound) -> str:
        raise ValueError(inbound.text)

    monkeypatch.setattr("bot.intake.take", crash)
    with capture_logs() as logs:
        assert await twilio.webhook(http, ONE, US, "سلام") == (500, "500")
    (log,) = [one for one in logs if one["event"] == "crash"]
    assert (log["kind"], log["where"][-1].partition(":")[0]) == ("ValueError", "test_doors.py")
    assert "سلام" not in str(logs)


async def test_whatever_the_door_answers_wears_what_every_answer_of_ours_does(
    http: httpx.AsyncClient, twilio: FakeTwilio, taken: list[Inbound]
) -> None:
    body, headers = twilio.signed(f"{PUBLIC_URL}/in/twilio", twilio.message(ONE, US, "x"))
    answers = [
        await http.post("/in/twilio", content=body, headers=headers),
        await http.post("/in/twilio", content=body),
        await http.get("/in/twilio"),
        await http.put("/in/twilio"),
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 405, 405]
    for answer in answers:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"] == "max-age=63072000"
        assert answer.headers["content-length"] == str(len(answer.content))


async def test_without_an_account_there_is_no_door(jawab: Jawab, settings: Settings) -> None:
    bare = settings.model_copy(update={"twilio_account_sid": "", "twilio_auth_token": ""})
    app = doors.stand_before(FastAPI(), Jawab(bare, jawab.db, jawab.keys, jawab.bell))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
        answer = await client.post("/in/twilio", data={"Body": "x"})
    assert answer.status_code == 404
    assert answer.text == "No such account is set up here.\n"


async def test_a_receipt_moves_its_row_and_one_about_nothing_is_204_all_the_same(
    http: httpx.AsyncClient, twilio: FakeTwilio, jawab: Jawab, rows: Rows
) -> None:
    owed = await rows.owe(await rows.contact("+923001112233"))
    await drain(jawab, "replies")
    assert await twilio.callback(http, twilio.ledger[0], "delivered") == (204, "")
    assert (await rows.see(owed))["state"] == "delivered"
    for path in ("/in/twilio/status?mid=nonsense", "/in/twilio/status", f"/in/twilio/status?mid={owed}&n=x"):
        fields = twilio.receipt(twilio.ledger[0], "read")
        assert (await twilio.post(http, path, fields, public_url=PUBLIC_URL))[0] == 204
    assert (await rows.see(owed))["state"] == "delivered"


async def test_a_forged_receipt_marks_nothing_and_stops_nobody(
    http: httpx.AsyncClient, twilio: FakeTwilio, jawab: Jawab, rows: Rows
) -> None:
    owed = await rows.owe(await rows.contact("+923001112233"))
    await drain(jawab, "replies")
    taken = twilio.ledger[0]
    path = "/" + taken.callback.split("/", 3)[3]
    answer = await http.post(path, data=twilio.receipt(taken, "failed", 21610))
    assert answer.status_code == 403
    other = path.replace("mid=", "mid=0")
    body, headers = twilio.signed(PUBLIC_URL + path, twilio.receipt(taken, "failed", 21610))
    assert (await http.post(other, content=body, headers=headers)).status_code == 403
    assert (await rows.see(owed))["state"] == "sent"
    assert (await rows.one("SELECT stopped_at FROM contacts"))["stopped_at"] is None


@pytest.fixture
def door(http: httpx.AsyncClient, twilio: FakeTwilio, taken: list[Inbound]) -> tuple[httpx.AsyncClient, FakeTwilio]:
    return http, twilio


anything = st.one_of(
    st.binary(max_size=300),
    st.dictionaries(st.text(max_size=12), st.text(max_size=60), max_size=8).map(
        lambda form: urlencode(
            {k.encode("utf-8", "replace"): v.encode("utf-8", "replace") for k, v in form.items()}
        ).encode()
    ),
)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=anything, status=st.booleans(), signed=st.booleans(), extra=st.text(max_size=40))
async def test_nothing_that_is_posted_is_answered_with_a_5xx(
    door: tuple[httpx.AsyncClient, FakeTwilio], body: bytes, status: bool, signed: bool, extra: str
) -> None:
    http, twilio = door
    path = "/in/twilio/status" if status else "/in/twilio"
    if signed:
        text = extra.encode("utf-8", "replace").decode()
        fields = twilio.message(ONE, US, text, MessageStatus=text, ErrorCode=text, NumMedia=text, Latitude=text)
        body, headers = twilio.signed(PUBLIC_URL + path, fields)
    else:
        headers = {"X-Twilio-Signature": extra.encode("latin-1", "replace").decode("latin-1")}
        headers = {name: value.encode("latin-1") for name, value in headers.items()}  # type: ignore[misc]
    answer = await http.post(path, content=body, headers=headers)
    assert answer.status_code < 500
    assert signed or answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("/in/twilio", ("twilio", None, False)),
        ("/in/twilio/status", ("twilio", None, True)),
        ("/in/gateway/one", ("gateway", "one", False)),
        ("/in/gateway/one/status", ("gateway", "one", True)),
        ("/in/status", ("status", None, False)),
        ("/in/", None),
        ("/in/twilio/", None),
        ("/in//status", None),
        ("/in/gateway/one/two", None),
        ("/in/gateway/one/two/status", None),
    ],
)
def test_a_path_leads_to_one_door_or_to_none(path: str, read: tuple[str, str | None, bool] | None) -> None:
    assert doors.read_path(path) == read


async def test_another_method_than_a_hook_has_is_refused_by_the_door(http: httpx.AsyncClient) -> None:
    answer = await http.put("/in/twilio")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert (await http.post("/in/gateway/one/two")).status_code == 404
