"""The office's door: a link on a telephone, without a login and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from bs4 import BeautifulSoup

import jobs
from cases import acts, offices, ways
from locales import say
from store import outbox
from store.database import fetch_all, fetch_one
from store.jawab import Jawab
from tests.desk.conftest import Browser, Enter, Office, One, Open
from tests.pages import attribute, pick

STORY, SUMMARY = "تین ہفتے سے پانی نہیں آ رہا", "Pump of the bazaar stands still since 1 November."
DUE = date(2999, 1, 1)


@dataclass
class Sent:
    """A referral that has gone out: the link's path, its code, the case."""

    path: str
    code: str
    case: UUID
    office: UUID
    reference: str


Send = Callable[..., Awaitable[Sent]]


async def run(jawab: Jawab) -> None:
    """The job, as the clock runs it."""
    (job,) = [one for one in jobs.JOBS if one.name == "tell_offices"]
    await job.work(jawab, datetime.now(UTC))


@pytest.fixture
def send(jawab: Jawab, office: Office, opened: Open) -> Send:
    async def make(case: UUID | None = None) -> Sent:
        case = case or await opened(story=STORY)
        now = datetime.now(UTC)
        async with jawab.db.transaction("console") as tx:
            water = await offices.find(tx, office.district, "water")
            for kind, address in (("sms", "+923330000001"), ("whatsapp", "+923330000002")):
                await ways.put(tx, jawab.keys, kind=kind, address=address, now=now, office_id=water)
            await acts.refer(
                tx, jawab.keys, case, actor=office.staff["handler"], now=now, office_id=water, due_on=DUE,
                summary=SUMMARY,
            )  # fmt: skip
        await run(jawab)
        async with jawab.db.transaction("intake") as tx:
            rows = await fetch_all(
                tx, "SELECT id, message FROM outbox WHERE purpose = 'office' ORDER BY created_at, id"
            )
            await tx.execute("UPDATE outbox SET state = 'sent', sent_at = now() WHERE purpose = 'office'")
        await run(jawab)
        says = [
            pair for row in rows for pair in jawab.keys.get_json(row["message"], outbox.bound_to(row["id"]))["says"]
        ]
        link = [values for _, values in says if "link" in values][-1]
        code = [values["code"] for key, values in says if key == "to_office.code"][-1]
        return Sent(
            link["link"].removeprefix("https://jawab.test").partition("?")[0], code, case, water, link["reference"]
        )

    return make


@pytest.fixture
async def phone(client: httpx.AsyncClient) -> AsyncIterator[Browser]:
    """A telephone of the office."""
    async with httpx.AsyncClient(transport=client._transport, base_url=client.base_url) as http:
        yield Browser(http)


async def enter(phone: Browser, sent: Sent, code: str = "") -> httpx.Response:
    return await phone.http.post(sent.path, data={"code": code or sent.code})


async def write(phone: Browser, sent: Sent, kind: str, **form: Any) -> httpx.Response:
    """Fill in the page's own form."""
    page = BeautifulSoup((await phone.get(f"{sent.path}?lang=en")).text, "html.parser")
    (own,) = [one for one in page.select("form") if one.select(f"input[name=kind][value={kind}]")]
    fields = {attribute(one, "name"): attribute(one, "value") for one in own.select("input[type=hidden]")}
    return await phone.http.post(attribute(own, "action"), data={**fields, **form})


async def test_a_preview_of_the_link_learns_nothing_and_marks_nothing(phone: Browser, send: Send, one: One) -> None:
    sent = await send()
    for path in (sent.path, "/o/guessed", f"{sent.path}/{sent.reference}"):
        answer = await phone.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        for word in (STORY, SUMMARY, say("category.water", "ur")):
            assert word not in answer.text
    asked = [(await phone.get(path)).text for path in (sent.path, "/o/guessed")]
    known, guessed = (re.sub(r"/o/[A-Za-z0-9_-]+", "/o/…", text) for text in asked)
    assert known == guessed, "a guessed address looks like a right one"
    assert (await one("SELECT seen_at FROM referrals"))["seen_at"] is None


@pytest.mark.parametrize("lang", ["ur", "en"])
async def test_with_the_code_it_shows_the_summary_and_nothing_of_who_wrote(
    phone: Browser, send: Send, one: One, lang: str
) -> None:
    sent = await send()
    answer = await enter(phone, sent)
    assert (answer.status_code, answer.headers["location"]) == (303, sent.path)
    shown = await phone.get(f"{sent.path}?lang={lang}")
    page = BeautifulSoup(shown.text, "html.parser")
    assert attribute(pick(page, "html"), "dir") == ("rtl" if lang == "ur" else "ltr")
    for word in (SUMMARY, sent.reference, say("category.water", lang)):
        assert word in shown.text
    code = (await one("SELECT code FROM cases WHERE id = %s", sent.case))["code"]
    for word in (STORY, "تین ہفتے", code, code[:4], "+92"):
        assert word not in shown.text
    assert not page.select("script")
    assert (await one("SELECT seen_at FROM referrals"))["seen_at"] is not None


async def test_a_forwarded_link_is_worth_nothing_and_a_second_opening_asks_for_the_code(
    phone: Browser, stranger: Browser, send: Send, one: One
) -> None:
    sent = await send()
    await enter(phone, sent)
    first = (await one("SELECT seen_at FROM referrals"))["seen_at"]
    (cookie,) = phone.http.cookies.keys()
    stranger.http.cookies.set(cookie, "another's", domain="jawab.test", path="/")
    assert SUMMARY not in (await stranger.get(sent.path)).text
    posted = await stranger.http.post(f"{sent.path}/{sent.reference}", data={"kind": "answer", "text": "جھوٹ"})
    assert posted.status_code == 401
    assert "جھوٹ" in posted.text, "handed back, not lost"
    assert (await one("SELECT count(*) AS n FROM office_lines"))["n"] == 0
    assert (await enter(stranger, sent)).status_code == 303
    assert (await one("SELECT seen_at FROM referrals"))["seen_at"] == first
    other = await phone.get(f"{sent.path}/00000000")
    assert other.status_code == 404, "and it opens this one alone"


async def test_wrong_codes_lock_it_and_the_right_one_comes_too_late(
    phone: Browser, send: Send, enter_desk: Any
) -> None:
    sent = await send()
    for number in range(6):
        answer = await enter(phone, sent, f"77777{number}" if sent.code[:5] != "77777" else f"88888{number}")
        assert answer.status_code == 403
        assert say("office_page.wrong", "ur") in answer.text
    assert (await enter(phone, sent)).status_code == 403
    handler = await enter_desk("handler")
    assert say("referral.locked", "en") in (await handler.get(f"/desk/cases/{sent.case}?lang=en")).text


@pytest.fixture
def enter_desk(enter: Enter) -> Enter:
    return enter


async def test_what_the_office_writes_stands_at_the_case_until_a_handler_passes_it_on(
    phone: Browser, send: Send, enter_desk: Enter, jawab: Jawab, one: One
) -> None:
    sent = await send()
    await enter(phone, sent)
    assert (await write(phone, sent, "acknowledge")).status_code == 303
    assert (await write(phone, sent, "date", day="2999-01-02")).status_code == 303
    done = await write(phone, sent, "answer", text="<b>Motor ordered</b>")
    assert done.headers["location"].endswith("?done=kept")
    assert say("office_done.kept", "en") in (await phone.get(f"{done.headers['location']}")).text
    handler = await enter_desk("handler")
    page = await handler.soup(f"/desk/cases/{sent.case}?lang=en")
    offices_card = pick(page, "#offices")
    assert "<b>Motor ordered</b>" in offices_card.text
    for word in ("answered", "names a day", "02-01-2999"):
        assert word in offices_card.text.replace("\u2011", "-")
    rows = await one("SELECT count(*) AS n FROM outbox WHERE purpose = 'case'")
    assert rows["n"] == 1, "only that it was sent"
    own = next(form for form in page.select("#offices form[action$=passon]") if "Motor" in form.text)
    fields = {attribute(one, "name"): attribute(one, "value") for one in own.select("input[type=hidden]")}
    done = await handler.post(f"/desk/cases/{sent.case}/passon", {**fields, "text": "A new motor is ordered."})
    assert done.status_code == 303
    assert (await one("SELECT count(*) AS n FROM outbox WHERE purpose = 'case'"))["n"] == 2
    assert (await one("SELECT count(passed_at) AS n FROM office_lines"))["n"] == 1


async def test_bad_input_gets_one_clear_line_and_keeps_what_was_typed(phone: Browser, send: Send, one: One) -> None:
    sent = await send()
    await enter(phone, sent)
    empty = await write(phone, sent, "ask", text="  ")
    assert (empty.status_code, say("refused.text_missing", "en") in empty.text) == (422, True)
    nodate = await write(phone, sent, "date", day="soon", text="جلد")
    assert nodate.status_code == 422
    assert "جلد" in nodate.text
    forged = await phone.http.post(f"{sent.path}/{sent.reference}", data={"kind": "answer", "text": "x"})
    assert forged.status_code == 403
    foreign = await phone.http.post(sent.path, data={"code": sent.code}, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert (await one("SELECT count(*) AS n FROM office_lines"))["n"] == 0


async def test_after_the_case_closed_it_says_so_and_keeps_the_line(
    phone: Browser, send: Send, jawab: Jawab, one: One
) -> None:
    sent = await send()
    await enter(phone, sent)
    async with jawab.db.transaction("console") as tx:
        await tx.execute("UPDATE cases SET status = 'closed' WHERE id = %s", (sent.case,))
    assert say("office_page.closed", "en") in (await phone.get(f"{sent.path}?lang=en")).text
    done = await write(phone, sent, "answer", text="Repaired last week")
    assert say("office_done.late", "en") in (await phone.get(done.headers["location"])).text
    assert (await one("SELECT late FROM office_lines"))["late"] is True


async def test_an_expired_and_a_revoked_link_say_so_to_who_has_the_code(
    phone: Browser, send: Send, enter_desk: Enter, jawab: Jawab, one: One
) -> None:
    sent = await send()
    await enter(phone, sent)
    handler = await enter_desk("handler")
    referral = (await one("SELECT id FROM referrals"))["id"]
    assert (await handler.post(f"/desk/cases/{sent.case}/revoke", {"referral": str(referral)})).status_code == 303
    assert SUMMARY not in (await phone.get(sent.path)).text, "also where it was open"
    answer = await enter(phone, sent)
    assert (answer.status_code, say("office_page.ended", "ur") in answer.text) == (403, True)
    async with jawab.db.transaction("console") as tx:
        await tx.execute("UPDATE links SET revoked_at = NULL, expires_at = now() - interval '1 s'")
    answer = await enter(phone, sent)
    assert (answer.status_code, say("office_page.ended", "ur") in answer.text) == (403, True)


async def test_the_admin_sets_ways_and_makes_a_pin_that_is_shown_once(
    enter_desk: Enter, jawab: Jawab, office: Office, one: One
) -> None:
    admin = await enter_desk("admin")
    page = await admin.soup("/desk/offices?lang=en")
    async with jawab.db.autocommit("console") as conn:
        water = await offices.find(conn, office.district, "water")
        secretary = await offices.find(conn, office.district, "chief-secretary")
    assert say("office_list.no_way", "en") in pick(page, f"#office-{water}").text
    base = f"/desk/offices/{water}"
    bad = await admin.post(f"{base}/way", {"kind": "sms", "address": "not a number", "lang": "ur"})
    assert (bad.status_code, "not a number" in bad.text) == (422, True)
    assert (
        await admin.post(f"{base}/way", {"kind": "sms", "address": "+92 333 0000001", "lang": "ur"})
    ).status_code == 303
    assert "+923330000001" in pick(await admin.soup("/desk/offices"), f"#office-{water}").text
    made = BeautifulSoup((await admin.post(f"{base}/pin")).text, "html.parser")
    pin = pick(made, ".note.good .code").text
    assert re.fullmatch(r"[0-9]{6}", pin)
    assert pin not in (await admin.get("/desk/offices")).text
    assert (await admin.post(f"/desk/offices/{secretary}/pin")).status_code == 404, "the province's are the province's"
    handler = await enter_desk("handler")
    assert (await handler.get("/desk/offices")).status_code == 404
    row = await one("SELECT address_box FROM ways")
    assert b"3330000001" not in bytes(row["address_box"])
    assert await fetch_one_of(jawab, "SELECT count(*) AS n FROM audit WHERE action LIKE 'office.%%'") == 2


async def fetch_one_of(jawab: Jawab, statement: Any) -> int:
    async with jawab.db.autocommit("console") as conn:
        row = await fetch_one(conn, statement)
    return int(row["n"]) if row else 0


async def test_a_supervisor_escalates_before_the_clock_and_only_once(
    enter_desk: Enter, opened: Open, one: One, jawab: Jawab
) -> None:
    case = await opened()
    handler, supervisor = await enter_desk("handler"), await enter_desk("supervisor")
    assert (await handler.post(f"/desk/cases/{case}/escalate")).status_code == 422
    for _ in range(2):
        assert (await supervisor.post(f"/desk/cases/{case}/escalate")).status_code == 303
    assert (await one("SELECT count(*) AS n FROM referrals WHERE rung = 14"))["n"] == 1
    page = await supervisor.soup(f"/desk/cases/{case}?lang=en")
    assert "written down" in pick(page, "#offices").text
