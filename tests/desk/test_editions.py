"""The editor's and the approver's page, over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from psycopg.types.json import Jsonb

import locales
from broadcast import edition, expected, publish
from cases import calendar
from desk.edition_steps import STEPS
from desk.editions import Listed, offered
from desk.roles import Staff
from flows import codes
from locales.catalogs import strict
from locales.values import group, isolate
from pages.moments import local_time
from store.jawab import Jawab
from tests.desk.conftest import last_week
from tests.pages import attribute, pick

Open = Callable[..., Awaitable[UUID]]
Enter = Callable[..., Awaitable[Any]]


@pytest.fixture
async def drafted(jawab: Jawab, office: Any, opened: Open) -> UUID:
    """Last week's edition with six reports of water, drafted by the editor."""
    wanted, at = last_week()
    for _ in range(6):
        await opened(at=at)
    async with jawab.db.transaction("console") as tx:
        return await publish.draft(tx, "pishin", wanted, office.staff["editor"], datetime.now(UTC))


async def test_only_editors_and_approvers_find_the_page(enter: Enter, drafted: UUID) -> None:
    for role in ("handler", "supervisor", "triage", "protected", "admin"):
        browser = await enter(role)
        for path in (
            "/desk/editions",
            f"/desk/editions/{drafted}",
            *(f"/desk/editions/{drafted}/{one}" for one in STEPS),
        ):
            assert (await browser.get(path)).status_code == 404
        assert (await browser.post(f"/desk/editions/{drafted}/approve")).status_code == 404


async def test_an_editor_drafts_a_week_and_sees_what_stands_behind_each_line(enter: Enter, opened: Open) -> None:
    wanted, at = last_week()
    code = codes.complete("123412341234")
    await opened(at=at, code=code)
    for _ in range(5):
        await opened(at=at)
    browser = await enter("editor")
    listed = await browser.soup("/desk/editions")
    options = listed.select("#week option")
    assert wanted in [option["value"] for option in options]
    assert all(isolate(str(option["value"])) in option.text for option in options)  # Urdu would draw W46-2026
    answer = await browser.post("/desk/editions", {"week": wanted})
    assert answer.status_code == 303
    begun = await browser.get(answer.headers["location"])
    assert begun.headers["location"].endswith("/facts")
    page = await browser.soup(begun.headers["location"])
    assert group(code) in page.get_text()
    assert "6" in page.get_text()
    for lang in locales.ALL_LANGS:
        page = await browser.soup(f"{answer.headers['location']}/previews?in={lang}")
        assert [bubble["lang"] for bubble in page.select(".bubble")] == [lang, lang]  # as a message and as an SMS
        assert pick(page, ".web")["lang"] == lang
    again = await browser.post("/desk/editions", {"week": wanted})
    assert again.status_code == 409


async def test_the_desk_never_shows_the_editor_what_people_wrote(enter: Enter, drafted: UUID) -> None:
    browser = await enter("editor")
    for step in STEPS:
        assert "تین ہفتے سے پانی" not in (await browser.get(f"/desk/editions/{drafted}/{step}")).text


async def test_a_line_of_ones_own_is_kept_with_its_language_and_refused_with_a_phone(
    enter: Enter, drafted: UUID
) -> None:
    browser = await enter("editor")
    line = {"item": await first_mark(browser, drafted), "line": "پمپ <b>بدلا</b>", "lang": "ur"}
    assert (await browser.post(f"/desk/editions/{drafted}/line", line)).status_code == 303
    page = await browser.soup(f"/desk/editions/{drafted}/lines")
    assert page.select_one(".note[lang=ur]") is not None
    assert page.select_one(".note b") is None  # typed words are text, never markup
    line |= {"item": await first_mark(browser, drafted), "line": "0300 1234567"}
    refused = await browser.post(f"/desk/editions/{drafted}/line", line)
    assert refused.status_code == 409
    assert "phone number" in refused.text
    for wrong in ({"item": "0" * 16, "line": "x", "lang": "ur"}, {"item": "0", "line": "x", "lang": "xx"}, {}):
        assert (await browser.post(f"/desk/editions/{drafted}/line", wrong)).status_code == 409


async def test_the_approver_freezes_what_he_has_read(enter: Enter, drafted: UUID, bell: Any) -> None:
    editor, approver = await enter("editor"), await enter("approver")
    assert (await editor.post(f"/desk/editions/{drafted}/approve")).status_code == 404
    begun = await approver.get(f"/desk/editions/{drafted}")
    page = await approver.soup(begun.headers["location"])
    seen = page.select_one("input[name=seen]")
    assert seen is not None
    assert (await approver.post(f"/desk/editions/{drafted}/approve", {"seen": "0" * 64})).status_code == 409
    done = await approver.post(f"/desk/editions/{drafted}/approve", {"seen": seen["value"]})
    assert done.status_code == 303
    assert ("broadcasts", "broadcasts", (str(drafted),)) in bell.rings
    for move in ("redraft", "line"):
        form = {"item": "0", "line": "x", "lang": "ur"}
        assert (await editor.post(f"/desk/editions/{drafted}/{move}", form)).status_code == 409
    frozen = await approver.soup(f"/desk/editions/{drafted}/approval")
    assert frozen.select_one("input[name=seen]") is None


async def test_a_running_edition_is_stopped_and_its_progress_is_told(
    *, enter: Enter, drafted: UUID, jawab: Jawab, office: Any, write: Callable[..., Awaitable[UUID]], owner: Any
) -> None:
    contact = await write()
    await owner.execute("UPDATE contacts SET weekly_since = now() WHERE id = %s", (contact,))
    async with jawab.db.transaction("console") as tx:
        await publish.approve(tx, drafted, office.staff["approver"], datetime.now(UTC))
    assert await publish.fan_out(jawab, drafted) == 1
    browser = await enter("editor")
    assert "Waiting: 1" in (await browser.soup(f"/desk/editions/{drafted}/approval")).get_text()
    assert (await browser.post(f"/desk/editions/{drafted}/stop")).status_code == 303
    assert "Withdrawn: 1" in (await browser.soup(f"/desk/editions/{drafted}/approval")).get_text()
    assert (await browser.post(f"/desk/editions/{drafted}/stop")).status_code == 409


@pytest.mark.parametrize(
    ("asked", "states", "said", "count"),
    [
        (0, (), "Published; nobody had subscribed", "0 / 0"),
        (2, ("queued", "delivered"), "Being sent", "1 / 2"),
        (2, ("delivered", "parked"), "Sent to 1", "1 / 2"),
        (2, ("failed", "undelivered"), "Published; it has reached nobody", "0 / 2"),
    ],
)
async def test_sent_is_said_only_of_what_reached_somebody(
    *,
    enter: Enter,
    drafted: UUID,
    jawab: Jawab,
    office: Any,
    write: Callable[..., Awaitable[UUID]],
    owner: Any,
    asked: int,
    states: tuple[str, ...],
    said: str,
    count: str,
) -> None:
    for _ in range(asked):
        await owner.execute("UPDATE contacts SET weekly_since = now() WHERE id = %s", (await write(),))
    async with jawab.db.transaction("console") as tx:
        await publish.approve(tx, drafted, office.staff["approver"], datetime.now(UTC))
    assert await publish.fan_out(jawab, drafted) == asked
    found = await (await owner.execute("SELECT id FROM outbox WHERE edition_id = %s", (drafted,))).fetchall()
    for (row,), state in zip(found, states, strict=True):
        await owner.execute("UPDATE outbox SET state = %s WHERE id = %s", (state, row))
    browser = await enter("editor")
    line = (await browser.soup("/desk/editions")).select_one("tbody tr")
    assert line is not None
    assert said in line.text
    assert count in line.text
    badge = (await browser.soup(f"/desk/editions/{drafted}/approval")).select_one("h1 .badge")
    assert badge is not None
    assert badge.text == said


async def test_another_districts_edition_does_not_exist(enter: Enter, jawab: Jawab, owner: Any, elsewhere: str) -> None:
    row = await (
        await owner.execute(
            "INSERT INTO editions (district_id, week, items, digest, from_at, until_at)"
            " VALUES (%s, '2026-W40', %s, 'x', now(), now()) RETURNING id",
            (elsewhere, Jsonb([])),
        )
    ).fetchone()
    browser = await enter("editor")
    assert (await browser.get(f"/desk/editions/{row[0]}")).status_code == 404
    assert (await browser.post(f"/desk/editions/{row[0]}/redraft")).status_code == 404


async def test_a_forged_form_changes_nothing(enter: Enter, drafted: UUID) -> None:
    browser = await enter("approver")
    browser.csrf = "forged"
    assert (await browser.post(f"/desk/editions/{drafted}/approve")).status_code == 403


@pytest.mark.parametrize("step", STEPS)
async def test_each_step_speaks_urdu_too(enter: Enter, drafted: UUID, step: str) -> None:
    browser = await enter("editor")
    with strict():
        page = await browser.soup(f"/desk/editions/{drafted}/{step}?lang=ur")
    assert page.html is not None
    assert page.html["dir"] == "rtl"
    assert "editions." not in page.get_text()
    assert f"/{step}?" in attribute(pick(page, ".steps [aria-current]"), "href")


async def test_a_step_that_is_none_does_not_exist(enter: Enter, drafted: UUID) -> None:
    assert (await (await enter("editor")).get(f"/desk/editions/{drafted}/poster")).status_code == 404


async def test_an_editor_orders_leaves_out_and_takes_in_again(enter: Enter, drafted: UUID, opened: Open) -> None:
    _, at = last_week()
    for _ in range(5):
        await opened(at=at, category="health")
    editor, approver = await enter("editor"), await enter("approver")
    where = f"/desk/editions/{drafted}"
    await editor.post(f"{where}/redraft")
    assert said(await editor.soup(f"{where}/lines")) == ["Water, cleanliness: 6 reports", "Health: 5 reports"]
    moved = await editor.post(f"{where}/move", {"in": "ps", "item": await first_mark(editor, drafted), "way": "down"})
    assert moved.headers["location"] == f"{where}/lines?in=ps"
    assert said(await editor.soup(f"{where}/lines")) == ["Health: 5 reports", "Water, cleanliness: 6 reports"]
    line = {"item": await first_mark(editor, drafted), "reason": ""}
    assert (await editor.post(f"{where}/drop", line)).status_code == 409
    assert (await editor.post(f"{where}/drop", line | {"reason": "told last week"})).status_code == 303
    assert said(await editor.soup(f"{where}/lines")) == ["Water, cleanliness: 6 reports"]
    await editor.post(f"{where}/redraft")  # compiled again, it stays left out
    read = (await approver.soup(f"{where}/approval")).select_one("#left-out")
    assert read is not None
    assert "Health: 5 reports" in read.text
    assert "told last week" in read.text
    assert (await approver.post(f"{where}/restore", {"item": "x"})).status_code == 404, "an approver changes nothing"
    back = (await editor.soup(f"{where}/lines")).select_one("form[action$=restore] input[name=item]")
    assert back is not None
    assert (await editor.post(f"{where}/restore", {"item": back["value"]})).status_code == 303
    assert len(said(await editor.soup(f"{where}/lines"))) == 2


async def test_what_always_stands_has_no_way_to_leave_it_out(enter: Enter, drafted: UUID, jawab: Jawab) -> None:
    browser = await enter("editor")
    fixed = (await browser.soup(f"/desk/editions/{drafted}/lines")).select(".lines .fixed")
    assert fixed
    assert not [one for one in fixed if one.select("form[action$=drop], form[action$=move]")]
    async with jawab.db.autocommit("console") as conn:
        items = (await publish.find(conn, drafted)).items
    truth = next(edition.mark(item) for item in items if edition.is_fixed(item))
    for move in ("drop", "move"):
        refused = await browser.post(f"/desk/editions/{drafted}/{move}", {"item": truth, "reason": "no room"})
        assert refused.status_code == 409
        assert "stands in every update" in refused.text


async def test_before_approval_it_is_said_who_can_be_reached_and_the_sum_is_exact(
    *, enter: Enter, drafted: UUID, jawab: Jawab, write: Callable[..., Awaitable[UUID]], owner: Any
) -> None:
    whatsapp = (await (await owner.execute("SELECT id FROM channels WHERE kind = 'whatsapp'")).fetchone())[0]
    people = [await write() for _ in range(3)] + [await write(channel=whatsapp) for _ in range(4)]
    await owner.execute("UPDATE contacts SET weekly_since = now() WHERE id = ANY(%s)", (people,))
    await owner.execute("UPDATE contacts SET last_inbound_at = now() WHERE id = %s", (people[3],))
    await owner.execute("UPDATE contacts SET last_inbound_at = now() - interval '2 days' WHERE id = %s", (people[4],))
    await owner.execute("UPDATE contacts SET invalid_at = now() WHERE id = %s", (people[5],))
    await owner.execute("UPDATE contacts SET stopped_at = now() WHERE id = %s", (people[6],))
    browser = await enter("approver")
    uncounted = await browser.soup(f"/desk/editions/{drafted}/approval")
    assert not uncounted.select(".numbers-list")
    assert "Still being counted" in uncounted.get_text()
    async with jawab.db.transaction("console") as tx:
        assert await expected.keep_one(tx, jawab.keys, datetime.now(UTC))
    page = await browser.soup(f"/desk/editions/{drafted}/approval")
    numbers = [int(one.text) for one in page.select(".numbers-list dd")]
    assert numbers == [1, 3, 1, 0, 1, 1, 7]  # by chat, SMS, template only; doubles, stopped, nobody there; all
    assert sum(numbers[:-1]) == numbers[-1]
    assert "1 of 5 last wrote more than 24 hours ago" in page.get_text()
    assert "5 messages" in page.get_text()


async def test_whom_it_would_reach_is_some_minutes_old_and_says_when_it_was_counted(
    *, enter: Enter, drafted: UUID, jawab: Jawab, office: Any, write: Callable[..., Awaitable[UUID]], owner: Any
) -> None:
    begun = datetime.now(UTC)

    async def count_at(minutes: float) -> bool:
        async with jawab.db.transaction("console") as tx:
            return await expected.keep_one(tx, jawab.keys, begun + timedelta(minutes=minutes))

    async def shown() -> tuple[int, str]:
        page = await (await enter("approver")).soup(f"/desk/editions/{drafted}/approval")
        return int(page.select(".numbers-list dd")[-1].text), page.get_text()

    await owner.execute("UPDATE contacts SET weekly_since = now() WHERE id = %s", (await write(),))
    assert await count_at(0)
    await owner.execute("UPDATE contacts SET weekly_since = now() WHERE id = %s", (await write(),))
    assert not await count_at(9)
    number, text = await shown()
    assert number == 1, "a page counts nothing"
    assert f"Counted {local_time(begun, calendar.PROVINCE)}" in text
    assert await count_at(10)
    assert (await shown())[0] == 2
    async with jawab.db.transaction("console") as tx:
        await expected.keep(tx, jawab.keys, "pishin", begun)  # a count that took longer than the next one
        held = await expected.find(tx, "pishin")
    assert held is not None
    assert held.counted_at == begun + timedelta(minutes=10)
    await owner.execute("UPDATE editions SET drafted_at = now() - interval '9 days'")
    assert not await count_at(25), "nobody has touched it for long"
    await owner.execute("UPDATE contacts SET weekly_since = now() WHERE id = %s", (await write(),))
    async with jawab.db.transaction("console") as tx:
        await publish.approve(tx, drafted, office.staff["approver"], datetime.now(UTC))
    assert await publish.fan_out(jawab, drafted) == 3, "who leaves asks everybody"
    assert not await count_at(6000), "it has left"


async def test_while_it_runs_pace_time_left_and_reasons_are_told(
    *, enter: Enter, drafted: UUID, jawab: Jawab, office: Any, write: Callable[..., Awaitable[UUID]], owner: Any
) -> None:
    people = [await write() for _ in range(6)]
    await owner.execute("UPDATE contacts SET weekly_since = now() WHERE id = ANY(%s)", (people,))
    async with jawab.db.transaction("console") as tx:
        await publish.approve(tx, drafted, office.staff["approver"], datetime.now(UTC))
    await publish.fan_out(jawab, drafted)
    for contact, (state, error) in zip(people, FATES, strict=True):
        await owner.execute(
            "UPDATE outbox SET state = %s, error = %s, sent_at = CASE WHEN %s = 'sent' THEN now() END"
            " WHERE contact_id = %s",
            (state, error, state, contact),
        )
    text = " ".join((await (await enter("editor")).soup(f"/desk/editions/{drafted}/approval")).get_text().split())
    assert "Reached 2 of 6" in text
    assert "2 in the last minute · about 1 minutes left" in text
    assert "they wrote more than 24 hours ago: 1" in text
    assert "63016: 2" in text


FATES = (
    ("sent", None),
    ("sent", None),
    ("parked", "window shut"),
    ("failed", "63016"),
    ("failed", "63016"),
    ("queued", None),
)


def said(page: BeautifulSoup) -> list[str]:
    return [line.text for line in pick(page, ".lines").select("div > p")]


async def first_mark(browser: Any, edition_id: UUID) -> str:
    """What the page calls the first line by."""
    page = await browser.soup(f"/desk/editions/{edition_id}/lines")
    return str(pick(page, ".lines input[name=item]")["value"])


def test_full_weeks_are_offered_and_the_running_one_only_with_its_cut_off() -> None:
    staff = Staff(UUID(int=1), "e", "E", "editor", "pishin", "Asia/Karachi", "", b"")
    now = datetime(2026, 11, 25, 9, tzinfo=UTC)
    weeks = offered([], staff, now)
    assert weeks[0] == ("2026-W47", False)
    assert weeks[-1] == ("2026-W48", True)
    assert len(weeks) == 9
    there = [Listed(UUID(int=2), "2026-W47", "sent", now, None, None, None, {})]
    assert offered(there, staff, now)[0] == ("2026-W46", False)
