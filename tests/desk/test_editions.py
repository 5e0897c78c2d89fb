"""The editor's and the approver's page, over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from broadcast import publish
from cases import calendar
from flows import codes
from locales.values import group
from store.jawab import Jawab

Open = Callable[..., Awaitable[UUID]]
Enter = Callable[..., Awaitable[Any]]


def last_week() -> tuple[str, datetime]:
    """The last full week in the demo district, and a moment in the middle of it."""
    wanted = calendar.last_full(datetime.now(UTC), "Asia/Karachi")
    return wanted, calendar.bounds(wanted, "Asia/Karachi")[0] + timedelta(days=3)


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
        for path in ("/desk/editions", f"/desk/editions/{drafted}"):
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
    assert wanted in [option["value"] for option in listed.select("#week option")]
    answer = await browser.post("/desk/editions", {"week": wanted})
    assert answer.status_code == 303
    page = await browser.soup(answer.headers["location"])
    assert group(code) in page.get_text()
    assert "6" in page.get_text()
    assert len(page.select(".bubble")) == 10  # five languages, as a message and as an SMS
    again = await browser.post("/desk/editions", {"week": wanted})
    assert again.status_code == 409


async def test_the_desk_never_shows_the_editor_what_people_wrote(enter: Enter, drafted: UUID) -> None:
    browser = await enter("editor")
    assert "تین ہفتے سے پانی" not in (await browser.get(f"/desk/editions/{drafted}")).text


async def test_a_line_of_ones_own_is_kept_with_its_language_and_refused_with_a_phone(
    enter: Enter, drafted: UUID
) -> None:
    browser = await enter("editor")
    kept = await browser.post(f"/desk/editions/{drafted}/line", {"item": "0", "line": "پمپ <b>بدلا</b>", "lang": "ur"})
    assert kept.status_code == 303
    page = await browser.soup(f"/desk/editions/{drafted}")
    assert page.select_one(".note[lang=ur]") is not None
    assert page.select_one(".note b") is None  # typed words are text, never markup
    refused = await browser.post(f"/desk/editions/{drafted}/line", {"item": "0", "line": "0300 1234567", "lang": "ur"})
    assert refused.status_code == 409
    assert "phone number" in refused.text
    for wrong in ({"item": "99", "line": "x", "lang": "ur"}, {"item": "x", "line": "x", "lang": "ur"}, {}):
        assert (await browser.post(f"/desk/editions/{drafted}/line", wrong)).status_code == 409


async def test_the_approver_freezes_what_he_has_read(enter: Enter, drafted: UUID, bell: Any) -> None:
    editor, approver = await enter("editor"), await enter("approver")
    assert (await editor.post(f"/desk/editions/{drafted}/approve")).status_code == 404
    page = await approver.soup(f"/desk/editions/{drafted}")
    seen = page.select_one("input[name=seen]")
    assert seen is not None
    assert (await approver.post(f"/desk/editions/{drafted}/approve", {"seen": "0" * 64})).status_code == 409
    done = await approver.post(f"/desk/editions/{drafted}/approve", {"seen": seen["value"]})
    assert done.status_code == 303
    assert ("broadcasts", "broadcasts", (str(drafted),)) in bell.rings
    for move in ("redraft", "line"):
        form = {"item": "0", "line": "x", "lang": "ur"}
        assert (await editor.post(f"/desk/editions/{drafted}/{move}", form)).status_code == 409
    frozen = await approver.soup(f"/desk/editions/{drafted}")
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
    assert "Waiting: 1" in (await browser.soup(f"/desk/editions/{drafted}")).get_text()
    assert (await browser.post(f"/desk/editions/{drafted}/stop")).status_code == 303
    assert "Withdrawn: 1" in (await browser.soup(f"/desk/editions/{drafted}")).get_text()
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
    badge = (await browser.soup(f"/desk/editions/{drafted}")).select_one("h1 .badge")
    assert badge is not None
    assert badge.text == said


async def test_another_districts_edition_does_not_exist(enter: Enter, jawab: Jawab, owner: Any, elsewhere: str) -> None:
    row = await (
        await owner.execute(
            "INSERT INTO editions (district_id, week, items, digest) VALUES (%s, '2026-W40', %s, 'x') RETURNING id",
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


async def test_the_page_speaks_urdu_too(enter: Enter, drafted: UUID) -> None:
    browser = await enter("editor")
    page = await browser.soup(f"/desk/editions/{drafted}?lang=ur")
    assert page.html is not None
    assert page.html["dir"] == "rtl"
    assert "editions." not in page.get_text()
