"""The second factor: shown once, asked of who reads sealed cases or lets others in, each code good once."""

from __future__ import annotations

import asyncio
import base64
import re
from datetime import UTC, datetime

import httpx
import pytest
from bs4 import BeautifulSoup

from desk import commands, sessions
from desk.roles import SECOND
from store import second_factors, totp
from store.crypto import Keys
from store.database import Database, fetch_all
from tests.cheap import cheap_passwords
from tests.conftest import Owner
from tests.desk.conftest import Browser, Office, One

__all__ = ["cheap_passwords"]
pytestmark = pytest.mark.usefixtures("cheap_passwords")

RFC = b"12345678901234567890"  # the secret of RFC 6238, appendix B
PASSWORD = "a long enough pass phrase"


@pytest.mark.parametrize(
    ("now", "code"),
    [(1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_codes_are_those_of_the_standard(now: int, code: str) -> None:
    assert totp.code_at(RFC, now // 30) == code
    assert totp.find_step(RFC, code, now) == now // 30
    assert totp.find_step(RFC, code, now + 30) == now // 30
    assert totp.find_step(RFC, code, now - 30) == now // 30
    assert totp.find_step(RFC, code, now + 60) is None
    assert totp.find_step(RFC, code, now - 60) is None


@pytest.fixture
async def reader(db: Database, office: Office, stranger: Browser) -> Browser:
    """A protected handler who has given their password."""
    await commands.add_staff(db, login="reader", name="Reader", role="protected", password=PASSWORD)
    answer = await enter(stranger)
    assert answer.headers["location"] == f"{SECOND}?to=/desk"
    return stranger


async def enter(browser: Browser) -> httpx.Response:
    answer = await browser.http.post("/desk/login", data={"login": "reader", "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return answer


async def shown(browser: Browser) -> bytes:
    page = BeautifulSoup((await browser.get(SECOND)).text, "html.parser")
    assert page.find("svg") is not None
    assert page.find("code") is not None
    spelled = page.find("code").text.replace(" ", "")  # type: ignore[union-attr]
    return base64.b32decode(spelled + "=" * (-len(spelled) % 8))


def code(secret: bytes, drift: int = 0) -> str:
    return totp.code_at(secret, int(datetime.now(UTC).timestamp()) // totp.PERIOD + drift)


def wrong(secret: bytes) -> str:
    near = {code(secret, drift) for drift in range(-3, 4)}
    return next(f"{number:06}" for number in range(10) if f"{number:06}" not in near)


async def test_the_first_code_makes_the_secret_theirs_and_the_next_login_asks_for_another(
    reader: Browser, db: Database, keys: Keys, one: One
) -> None:
    assert (await reader.get("/desk/protected")).status_code == 303, "a password alone opens nothing"
    secret = await shown(reader)
    kept = await one("SELECT box, enrolled_at FROM second_factors")
    assert secret not in bytes(kept["box"])
    assert kept["enrolled_at"] is None
    answer = await reader.http.post(SECOND, data={"code": code(secret, -1), "to": "/desk/protected"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/desk/protected"
    assert (await reader.get("/desk/protected")).status_code == 200
    token = reader.http.cookies["__Host-jawab"]
    async with db.transaction("console") as tx:
        assert await sessions.unlock(tx, token) is not None, "their key is open"
    assert (await one("SELECT count(*) AS n FROM desk_sessions"))["n"] == 1

    await enter(reader)
    page = await reader.get(SECOND)
    assert "<svg" not in page.text, "shown once"
    assert totp.spell(secret) not in page.text
    used = await reader.http.post(SECOND, data={"code": code(secret, -1)})
    assert used.status_code == 401, "each code is good once"
    assert "good once" in used.text
    assert (await reader.http.post(SECOND, data={"code": code(secret)})).status_code == 303


async def test_a_secret_that_nobody_answered_with_is_made_anew(reader: Browser) -> None:
    first = await shown(reader)
    await enter(reader)
    second = await shown(reader)
    assert first != second
    assert (await reader.http.post(SECOND, data={"code": code(first)})).status_code == 401
    assert (await reader.http.post(SECOND, data={"code": code(second)})).status_code == 303


async def test_a_wrong_code_twice_has_its_line_and_is_written_down(reader: Browser, db: Database) -> None:
    secret = await shown(reader)
    once = await reader.http.post(SECOND, data={"code": wrong(secret)})
    assert (once.status_code, "does not fit" in once.text, "operator can" in once.text) == (401, True, True)
    twice = await reader.http.post(SECOND, data={"code": ""})
    assert twice.status_code == 401
    assert "clock of your phone" in twice.text
    async with db.autocommit("console") as conn:
        links = await fetch_all(conn, "SELECT actor, action FROM audit WHERE action LIKE 'desk.%'")
    assert links == [{"actor": "login", "action": "desk.second_wrong"}] * 2, "in nobody's name"


async def test_five_codes_a_minute_are_looked_at_right_or_wrong(reader: Browser, owner: Owner, one: One) -> None:
    secret = await shown(reader)
    for _ in range(5):
        assert (await reader.http.post(SECOND, data={"code": wrong(secret)})).status_code == 401
    refused = await reader.http.post(SECOND, data={"code": code(secret)})
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "60"
    await owner.execute("UPDATE login_attempts SET at = at - interval '61 seconds'")
    for _ in range(5):
        await reader.http.post(SECOND, data={"code": wrong(secret)})
    alarm = await one("SELECT data FROM alarms WHERE kind = 'second_factor_guessed'")
    assert alarm["data"] == {"login": "reader"}


async def test_one_code_at_the_same_moment_opens_once(reader: Browser, db: Database, keys: Keys, one: One) -> None:
    secret = await shown(reader)
    staff_id = (await one("SELECT id FROM staff WHERE login = 'reader'"))["id"]
    given = code(secret)

    async def use() -> bool:
        async with db.transaction("console") as tx:
            return await second_factors.use(tx, keys, staff_id, given, datetime.now(UTC))

    assert sorted(await asyncio.gather(*(use() for _ in range(4)))) == [False, False, False, True]


async def test_who_waits_longer_than_five_minutes_begins_again(reader: Browser, owner: Owner) -> None:
    secret = await shown(reader)
    await owner.execute("UPDATE login_waits SET expires_at = now()")
    assert (await reader.get(SECOND)).status_code == 303
    late = await reader.http.post(SECOND, data={"code": code(secret)})
    assert late.status_code == 401
    assert "five minutes" in late.text


async def test_a_lost_phone_is_an_operators_matter_and_is_written_down(reader: Browser, db: Database, one: One) -> None:
    secret = await shown(reader)
    await reader.http.post(SECOND, data={"code": code(secret)})
    assert (await reader.get("/desk/protected")).status_code == 200
    assert await commands.take_second_factor(db, "reader")
    assert (await reader.get("/desk/protected")).status_code == 303, "signed out everywhere"
    assert (await one("SELECT object FROM audit WHERE action = 'staff.second_factor_taken'"))["object"] == "reader"
    assert not await commands.take_second_factor(db, "reader")
    with pytest.raises(commands.Unacceptable, match="no such login"):
        await commands.take_second_factor(db, "nobody")
    await enter(reader)
    assert await shown(reader) != secret


async def test_who_is_asked(db: Database, office: Office, stranger: Browser) -> None:
    for role, asked in (("admin", True), ("handler", False), ("triage", False)):
        await commands.add_staff(
            db, login=f"the-{role}", name="Somebody", role=role, district="pishin", password=PASSWORD
        )
        answer = await stranger.http.post("/desk/login", data={"login": f"the-{role}", "password": PASSWORD})
        assert (answer.headers["location"].startswith(SECOND)) == asked, role
    for role in ("protected", "admin"):  # the demo's: their passwords are printed
        login, password = office.logins[role]
        answer = await stranger.http.post("/desk/login", data={"login": login, "password": password})
        assert not re.match(SECOND, answer.headers["location"])
