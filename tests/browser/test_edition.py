"""The four steps of an edition in a real browser, over a busy week: with and without JavaScript, on a telephone too.

With PICTURES set to a folder each step is kept there as a picture.
"""

from __future__ import annotations

import asyncio
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

import settings
from cases import calendar
from store import jawab
from tests.broadcast import seeded
from tests.browser.conftest import CHROMIUM, DESKTOP, PHONE, Open, unfold
from tests.browser.test_pages import enter, reads_well
from tests.town import Town

if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("no Chromium here (Debian and Ubuntu: apt install chromium)", allow_module_level=True)

pytestmark = pytest.mark.browser

WEEK = calendar.last_full(datetime.now(UTC), calendar.PROVINCE)
PICTURES = os.environ.get("PICTURES", "")


async def _seed(town: Town) -> None:
    async with jawab.opened(settings.load(mode="demo", data=town.data), size=2) as parts:
        await seeded.seed(parts, WEEK)


@pytest.fixture(scope="module")
def busy(town: Town) -> str:
    """Last week was busy, and its edition is drafted; returns the edition's address."""
    worker = Thread(target=lambda: asyncio.run(_seed(town)))  # playwright keeps a loop of its own in this thread
    worker.start()
    worker.join()
    made = town.command("edition", "draft", seeded.DISTRICT, "--week", WEEK)
    return f"/desk/editions/{made['id']}"


def keep(page: Page, name: str) -> None:
    if PICTURES:
        page.evaluate("document.fonts.ready")
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("size", "lang"), [(PHONE, "en"), (DESKTOP, "en"), (PHONE, "ur"), (DESKTOP, "ur")], ids=str)
def test_each_step_reads_well(open_page: Open, town: Town, busy: str, size: tuple[int, int], lang: str) -> None:
    page = open_page(f"/desk/login?lang={lang}", size)
    enter(page, town, "editor")
    page.goto("/desk/editions")
    reads_well(page, lang)
    keep(page, f"0-list-{lang}-{size[0]}")
    page.goto(busy)
    for number, step in enumerate(("facts", "lines", "previews", "approval"), 1):
        page.wait_for_url(re.compile(f"/{step}"))
        reads_well(page, lang)
        keep(page, f"{number}-{step}-{lang}-{size[0]}")
        if step != "approval":
            page.locator(".pager a.button").click()


@pytest.mark.parametrize("js", [True, False], ids=["live", "plain"])
def test_lines_are_ordered_left_out_and_taken_in_again(open_page: Open, town: Town, busy: str, js: bool) -> None:
    page = open_page("/desk/login?lang=en", DESKTOP, js=js)
    enter(page, town, "editor")
    page.goto(f"{busy}/lines?in=en")
    lines = page.locator("section").filter(has=page.get_by_role("heading", name="We did")).locator(".lines > div")
    fixed = lines.locator("xpath=self::*[contains(@class, 'fixed')]")
    before = [text.split("\n")[0] for text in lines.all_inner_texts()]
    free = fixed.count()
    first, second = before[free], before[free + 1]
    expect(fixed.first).to_contain_text("Departments say done: 26. People confirm done: 14 of 26 asked.")
    expect(fixed.get_by_role("button", name="Leave out")).to_have_count(0)

    lines.nth(free).get_by_role("button", name="Down").click()
    expect(lines.nth(free)).to_contain_text(second)
    expect(lines.nth(free + 1)).to_contain_text(first)
    expect(page.locator("#shown")).to_contain_text("14 of 26 asked")

    unfold(lines.nth(free).locator("summary", has_text="Leave out"))
    lines.nth(free).get_by_label("Why").fill("told at the gathering")
    lines.nth(free).get_by_role("button", name="Leave out").click()
    expect(page.get_by_text("told at the gathering")).to_be_visible()
    expect(lines).to_have_count(len(before) - 1)
    expect(page.locator("#shown")).not_to_contain_text(second)
    keep(page, f"5-left-out-{'live' if js else 'plain'}")

    page.get_by_role("button", name="Take in again").click()
    expect(lines).to_have_count(len(before))
    page.get_by_role("link", name="پښتو").click()
    expect(page.locator("#shown")).to_have_attribute("lang", "ps")


def test_a_refusal_is_shown_where_one_works(open_page: Open, town: Town, busy: str) -> None:
    page = open_page("/desk/login?lang=en", DESKTOP)
    enter(page, town, "editor")
    page.goto(f"{busy}/lines?in=en")
    line = page.locator(".lines > div:not(.fixed)").first
    unfold(line.locator("summary", has_text="A line of your own"))
    line.get_by_label("Line").fill("0300 1234567")
    line.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("alert")).to_contain_text("phone number")


def test_an_approver_reads_whom_it_reaches_and_what_was_left_out(open_page: Open, town: Town, busy: str) -> None:
    page = open_page("/desk/login?lang=en", DESKTOP)
    enter(page, town, "approver")
    page.goto(busy)
    page.wait_for_url(re.compile("/approval"))
    numbers = [int(one) for one in page.locator(".numbers-list dd").all_inner_texts()]
    assert sum(numbers[:-1]) == numbers[-1] >= sum(seeded.SUBSCRIBED.values())
    assert numbers[2] >= seeded.SUBSCRIBED["whatsapp"], "they wrote long ago"
    keep(page, "6-approver")
    page.get_by_role("button", name="Approve and freeze").click()
    expect(page.get_by_role("button", name="Approve and freeze")).to_have_count(0)
    expect(page.locator("#progress")).to_contain_text("Reached 6 of 11", timeout=30_000)  # by itself
    expect(page.locator("#progress")).to_contain_text("no approved text was ready.: 5")
    keep(page, "7-reached")
    public = open_page(f"/updates/{WEEK}?lang=ur", PHONE)
    expect(public.locator("article")).to_contain_text("پوچھے گئے 26 لوگوں میں سے 14 کہتے ہیں ہو گیا")
    expect(public.locator("article")).to_contain_text("جنھوں نے خبر مانگی تھی: 10۔ پہنچی: 5۔ ابھی انتظار میں: 5۔")
    keep(public, "8-public")
