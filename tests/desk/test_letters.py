"""The letter: where no message reaches an office it is told on paper, from the day that somebody writes who took it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

import jobs
from cases import acts, calendar, links, offices, referrals
from cases.links import Shut
from pages import paper
from store import outbox
from store.database import fetch_all, fetch_one
from store.jawab import Jawab
from tests.desk.conftest import Browser, Enter, Office, Open

SUMMARY = "Pump of the bazaar stands still. #panic() is no markup."
DUE = date(2999, 1, 1)
TAKER = "کلرک، دفتر ایگزیکٹو انجینئر"


async def refer(jawab: Jawab, office: Office, case: UUID) -> UUID:
    """A referral to an office that no way leads to, after the job has looked for one."""
    async with jawab.db.transaction("console") as tx:
        water = await offices.find(tx, office.district, "water")
        await acts.refer(
            tx, jawab.keys, case, actor=office.staff["handler"], now=datetime.now(UTC), office_id=water, due_on=DUE,
            summary=SUMMARY,
        )  # fmt: skip
    (job,) = [one for one in jobs.JOBS if one.name == "tell_offices"]
    await job.work(jawab, datetime.now(UTC))
    async with jawab.db.autocommit("console") as conn:
        (one,) = await referrals.of_case(conn, case)
    assert one.state == "unreached"
    return one.id


async def state(jawab: Jawab, case: UUID) -> str:
    async with jawab.db.autocommit("console") as conn:
        (one,) = await referrals.of_case(conn, case)
    return one.state


async def told(jawab: Jawab) -> list[str]:
    """Text keys of what citizens were told of their cases, oldest first."""
    async with jawab.db.autocommit("console") as conn:
        rows = await fetch_all(
            conn, "SELECT id, message FROM outbox WHERE purpose = 'case' ORDER BY created_at, id", ()
        )
    return [key for row in rows for key, _ in jawab.keys.get_json(row["message"], outbox.bound_to(row["id"]))["says"]]


async def hand(browser: Browser, case: UUID, referral: UUID, *, to: str = TAKER, on: str = "") -> int:
    form = {"referral": str(referral), "taker": to, "date": on or calendar.day_of(datetime.now(UTC)).isoformat()}
    return (await browser.post(f"/desk/cases/{case}/hand", form)).status_code


async def test_a_letter_tells_the_office_on_the_day_that_somebody_took_it(
    jawab: Jawab, enter: Enter, opened: Open, office: Office
) -> None:
    handler, case = await enter("handler"), await opened()
    referral = await refer(jawab, office, case)
    for lang in ("ur", "en"):
        printed = await handler.post(f"/desk/cases/{case}/letter", {"referral": str(referral), "letter_lang": lang})
        assert printed.status_code == 200
        assert printed.headers["content-type"] == "application/pdf"
        assert printed.headers["content-disposition"].startswith("attachment; filename=")
        assert printed.content.startswith(b"%PDF-")
        assert printed.headers["cache-control"] == "no-store"
    assert await state(jawab, case) == "unreached"  # paper in a drawer has told nobody
    assert await told(jawab) == ["case.written_for"]
    assert await hand(handler, case, referral) == 303
    assert await state(jawab, case) == "told"
    assert await told(jawab) == ["case.written_for", "case.referred"]
    page = await handler.soup(f"/desk/cases/{case}")
    assert TAKER in page.text
    async with jawab.db.autocommit("console") as conn:
        row = await fetch_one(conn, "SELECT handed_to FROM letters WHERE handed_on IS NOT NULL")
    assert row is not None
    assert TAKER.encode() not in bytes(row["handed_to"])


async def test_an_office_answers_on_paper_and_a_handler_types_it_in(
    jawab: Jawab, enter: Enter, opened: Open, office: Office
) -> None:
    handler, case = await enter("handler"), await opened()
    referral = await refer(jawab, office, case)
    form = {"referral": str(referral), "kind": "date", "date": "2999-02-02", "text": "The motor comes then."}
    assert (await handler.post(f"/desk/cases/{case}/type", form)).status_code == 422  # no letter told it
    await handler.post(f"/desk/cases/{case}/letter", {"referral": str(referral), "letter_lang": "ur"})
    assert (await handler.post(f"/desk/cases/{case}/type", form)).status_code == 422  # nor one that nobody took
    assert await hand(handler, case, referral) == 303
    assert (await handler.post(f"/desk/cases/{case}/type", form)).status_code == 303
    assert await state(jawab, case) == "answered"
    page = await handler.soup(f"/desk/cases/{case}")
    line = page.select_one("li.office")
    assert line is not None
    assert "The motor comes then." in line.text
    assert "typed from paper by" in line.text


@pytest.mark.parametrize(
    ("to", "on"),
    [("", ""), ("x" * 121, ""), (TAKER, "2020-01-01"), (TAKER, "2999-01-01"), (TAKER, "no day")],
    ids=["nobody", "a-novel", "before-the-letter", "not-come", "no-day"],
)
async def test_what_is_no_handing_over_is_refused(
    jawab: Jawab, enter: Enter, opened: Open, office: Office, to: str, on: str
) -> None:
    handler, case = await enter("handler"), await opened()
    referral = await refer(jawab, office, case)
    assert await hand(handler, case, referral) == 422  # there is no letter yet
    await handler.post(f"/desk/cases/{case}/letter", {"referral": str(referral), "letter_lang": "ur"})
    assert await hand(handler, case, referral, to=to, on=on) == 422
    assert await state(jawab, case) == "unreached"


@pytest.mark.parametrize(
    "form",
    [{"letter_lang": "ur"}, {"referral": "x", "letter_lang": "ur"}, {"letter_lang": "tlh"}],
    ids=["none", "no-id", "a-language-of-none"],
)
async def test_what_is_no_letter_is_refused(enter: Enter, opened: Open, form: dict[str, str]) -> None:
    handler, case = await enter("handler"), await opened()
    refused = await handler.post(f"/desk/cases/{case}/letter", form)
    assert refused.status_code == 422
    assert refused.headers["content-type"].startswith("text/html")


async def test_without_fonts_no_page_of_boxes_is_printed(
    jawab: Jawab, enter: Enter, opened: Open, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, case = await enter("handler"), await opened()
    referral = await refer(jawab, office, case)
    monkeypatch.setattr(paper, "has_paper", lambda: False)
    refused = await handler.post(f"/desk/cases/{case}/letter", {"referral": str(referral), "letter_lang": "ur"})
    assert refused.status_code == 422
    assert "fonts are missing" in refused.text
    async with jawab.db.autocommit("console") as conn:
        assert await fetch_all(conn, "SELECT 1 FROM letters") == []


async def test_the_mark_opens_with_the_pin_and_a_second_print_ends_the_first(
    jawab: Jawab, opened: Open, office: Office
) -> None:
    case, now = await opened(), datetime.now(UTC)
    referral = await refer(jawab, office, case)
    tokens = []
    async with jawab.db.transaction("console") as tx:
        water = await offices.find(tx, office.district, "water")
        bare = await acts.print_letter(tx, jawab.keys, case, referral, actor=office.staff["handler"], now=now)
        pin = await offices.give_pin(tx, jawab.keys, water, now)
        for _ in range(2):
            letter = await acts.print_letter(tx, jawab.keys, case, referral, actor=office.staff["handler"], now=now)
            tokens.append(letter.token)
    assert bare.token == ""  # an address that anybody on the way could open is no letter to the office
    async with jawab.db.transaction("console") as tx:
        with pytest.raises(Shut, match="ended"):
            await links.enter(tx, jawab.keys, tokens[0], pin, now)
        with pytest.raises(Shut, match="wrong"):
            await links.enter(tx, jawab.keys, tokens[1], "000000" if pin != "000000" else "111111", now)
        link, _ = await links.enter(tx, jawab.keys, tokens[1], pin, now)
        assert [one.id for one in await referrals.of_link(tx, link.id)] == [referral]
    # The job that follows messages leaves a letter's link alone, however old it is.
    (job,) = [one for one in jobs.JOBS if one.name == "tell_offices"]
    await job.work(jawab, now + timedelta(days=3))
    async with jawab.db.transaction("console") as tx:
        await links.enter(tx, jawab.keys, tokens[1], pin, now)


async def test_a_letter_that_was_taken_is_not_taken_twice(
    jawab: Jawab, enter: Enter, opened: Open, office: Office
) -> None:
    handler, case = await enter("handler"), await opened()
    referral = await refer(jawab, office, case)
    await handler.post(f"/desk/cases/{case}/letter", {"referral": str(referral), "letter_lang": "ur"})
    assert await hand(handler, case, referral) == 303
    assert await hand(handler, case, referral) == 422
    again = await handler.post(f"/desk/cases/{case}/letter", {"referral": str(referral), "letter_lang": "ur"})
    assert again.status_code == 422


async def test_who_handles_no_cases_prints_nothing(jawab: Jawab, enter: Enter, opened: Open, office: Office) -> None:
    case = await opened()
    referral = await refer(jawab, office, case)
    for role in ("editor", "protected", "admin"):
        browser = await enter(role)
        refused = await browser.post(f"/desk/cases/{case}/letter", {"referral": str(referral), "letter_lang": "ur"})
        assert refused.status_code == 404
