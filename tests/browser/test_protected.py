"""Behind the door in a real browser: a voice note, a photo and a pin, heard and seen with the reader's own key."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect

from tests.answers import typed
from tests.browser.conftest import CHROMIUM, DESKTOP, PHONE, Open
from tests.browser.test_pages import enter, reads_well
from tests.browser.test_triage import attach, draw
from tests.desk.triage import VOICE
from tests.town import Town, wait_for

if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("no Chromium here (Debian and Ubuntu: apt install chromium)", allow_module_level=True)

pytestmark = pytest.mark.browser

SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
WORDS = "دفتر میں بابو نے پانچ ہزار مانگے"


def tell(town: Town, page: Page, number: int) -> None:
    """What one phone says behind the door: words, a voice note, a photo, a pin, and a file that is refused."""
    phone = f"+92300550{number:04}"
    for text in (*typed("story", first="PRIVATE"), WORDS):
        town.say(phone, text)
    sent = [
        attach(town, f"sealed-voice-{number}", "audio/ogg", VOICE),
        attach(town, f"sealed-photo-{number}", "image/jpeg", draw(page)),
        {"Latitude": "30.5815", "Longitude": "66.9949"},
        attach(town, f"sealed-page-{number}", "image/jpeg", b"<html>"),
    ]
    for more in sent:
        town.say(phone, "", **more)


def cases(page: Page) -> set[str]:
    page.goto("/desk/protected")
    return {str(link.get_attribute("href")) for link in page.locator("tbody a").all()}


def look(page: Page, case: str) -> None:
    page.goto(case)
    page.locator("input[name=reason]").first.check()
    page.locator("form[action$='/open'] button").click()


@SIZES
@pytest.mark.parametrize("lang", ["en", "ur"])
def test_a_sealed_report_is_heard_and_seen(open_page: Open, town: Town, lang: str, size: tuple[int, int]) -> None:
    page = open_page(f"/desk/login?lang={lang}", size)
    enter(page, town, "protected")
    before = cases(page)
    tell(town, page, (lang == "ur") * 2 + (size == PHONE))
    (case,) = cases(page) - before

    def here() -> bool:
        look(page, case)
        return page.locator(".file").count() == 3

    wait_for(here, 60)  # its files are fetched soon; whoever reads looks again
    reads_well(page, lang)
    photo = page.locator(".file.picture img")
    photo.scroll_into_view_if_needed()
    wait_for(lambda: photo.evaluate("one => one.complete && one.naturalWidth") == 640)
    expect(page.locator(".file.sound")).to_contain_text("0:12")
