"""From a citizen's word to the office and back, on the running system: by SMS, a link, a PIN and a telephone."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.answers import typed
from tests.browser.conftest import CHROMIUM, DESKTOP, PHONE, Open, unfold
from tests.browser.test_pages import enter, fits, reads_well
from tests.town import CODE, ROOT, STORIES, Town, wait_for

if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("no Chromium here (Debian and Ubuntu: apt install chromium)", allow_module_level=True)

pytestmark = pytest.mark.browser

CITIZEN, OFFICER = "+923990000701", "+923990000702"
SUMMARY = "بازار کا پمپ بند ہے"


def command(town: Town, *argv: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "cli", *argv], env=town.env, cwd=ROOT, capture_output=True, check=True, text=True
    )
    return run.stdout


def test_an_office_is_told_opens_it_and_answers(open_page: Open, town: Town) -> None:
    command(town, "office", "way", "pishin", "water", "sms", OFFICER)
    found = re.search(r"\b([0-9]{6})\b", command(town, "office", "pin", "pishin", "water"))
    assert found is not None
    said = [town.say(CITIZEN, text, kind="sms") for text in typed(lang="ur", story=STORIES["ur"])]
    code = CODE.search("\n".join(said))
    assert code is not None

    desk = open_page("/desk/login?lang=en", DESKTOP)
    enter(desk, town, "handler")
    desk.fill("input[name=code]", code.group())
    desk.press("input[name=code]", "Enter")
    desk.wait_for_url(re.compile(r"/desk/cases/"))
    case = desk.url
    desk.get_by_text("Refer to an office").click()
    desk.fill("#summary", SUMMARY)
    desk.get_by_role("button", name="Refer", exact=True).click()
    expect(desk.locator("#offices")).to_contain_text("written down")

    (sms,) = wait_for(lambda: town.messages_to(OFFICER))
    link = re.search(r"https?://\S+/o/\S+", sms)
    assert link is not None
    assert code.group() not in sms
    told = wait_for(lambda: [text for text in town.messages_to(CITIZEN) if "بھیجی گئی" in text])
    assert len(told) == 1

    phone = open_page(link.group(), PHONE, js=False)
    reads_well(phone, "ur")
    expect(phone.locator("body")).not_to_contain_text(SUMMARY)
    phone.fill("#code", found.group(1))
    phone.click("main form button")
    expect(phone.locator("main")).to_contain_text(SUMMARY)
    expect(phone.locator("main")).not_to_contain_text(STORIES["ur"])
    reads_well(phone, "ur")
    unfold(phone.locator("summary").first)
    phone.fill("#text-answer", "موٹر کل لگے گی")
    phone.locator("details[open] button").click()
    expect(phone.get_by_role("status")).to_be_visible()
    fits(phone)
    if folder := os.environ.get("PICTURES"):
        phone.screenshot(path=f"{folder}/office-phone.png", full_page=True)

    desk.goto(case)
    expect(desk.locator("#offices")).to_contain_text("answered")
    expect(desk.locator("#offices")).to_contain_text("موٹر کل لگے گی")
    fits(desk)
    if folder:
        desk.locator("#offices").screenshot(path=f"{folder}/office-desk.png")
