"""The triage in a real browser: it is heard, seen and decided on a telephone and at a desk, with keys and without."""

from __future__ import annotations

import base64
import os

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CHROMIUM, DESKTOP, PHONE, Open, unfold
from tests.browser.test_pages import enter, reads_well
from tests.desk.triage import SECRET, VOICE, segment
from tests.town import Town, wait_for

if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("no Chromium here (Debian and Ubuntu: apt install chromium)", allow_module_level=True)

pytestmark = pytest.mark.browser

SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
DRAWN = """() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [640, 480];
    const pen = canvas.getContext('2d');
    for (let row = 0; row < 12; row++) for (let column = 0; column < 16; column++) {
        pen.fillStyle = `hsl(${(row * 40 + column * 20) % 360} 45% 60%)`;
        pen.fillRect(column * 40, row * 40, 40, 40);
    }
    return canvas.toDataURL('image/jpeg').split(',')[1];
}"""


def draw(page: Page) -> bytes:
    """A photo as a telephone takes it, which says where that was."""
    drawn = base64.b64decode(page.evaluate(DRAWN))
    return drawn[:2] + segment(0xE1, b"Exif\0\0" + SECRET) + drawn[2:]


def send(town: Town, phone: str, text: str = "", **more: str) -> None:
    """One message of a phone; nobody waits here for its answer."""
    assert town.post(phone, text, **more).status_code == 200


def attach(town: Town, name: str, kind: str, content: bytes) -> dict[str, str]:
    town.provider.media[f"/{name}"] = (kind, content)
    return {"NumMedia": "1", "MediaUrl0": f"{town.provider.url}/{name}", "MediaContentType0": kind}


def fill(town: Town, page: Page, number: int) -> None:
    """A card of each kind, from four phones: a voice note alone, a photo, a pin, and somebody who wants a person."""
    voice, photo, pin, person = (f"+92300440{number:02}{one:02}" for one in range(4))
    send(town, voice, **attach(town, f"voice-{number}", "audio/ogg", VOICE))
    send(town, photo, "سڑک پر یہ گڑھا ہے", **attach(town, f"photo-{number}", "image/jpeg", draw(page)))
    send(town, pin, Latitude="30.5815", Longitude="66.9949")
    for text in ("السلام علیکم", "1", "وہ جو کل بات ہوئی تھی اس کا کیا بنا", "HELP", "1"):
        send(town, person, text)


def come(page: Page) -> None:
    """The files are fetched soon; whoever sorts loads the page again."""

    def here() -> bool:
        page.reload()
        return page.locator(".file.picture").count() > 0 and page.locator(".file.sound").count() > 0

    wait_for(here, 60)


@SIZES
@pytest.mark.parametrize("lang", ["en", "ur"])
def test_each_card_is_heard_and_seen(open_page: Open, town: Town, lang: str, size: tuple[int, int]) -> None:
    page = open_page(f"/desk/login?lang={lang}", size)
    fill(town, page, (lang == "ur") * 2 + (size == PHONE))
    enter(page, town, "triage")
    come(page)
    reads_well(page, lang)
    photo = page.locator(".file.picture img").last
    photo.scroll_into_view_if_needed()
    wait_for(lambda: photo.evaluate("one => one.complete && one.naturalWidth") == 640)
    expect(page.locator(".file.sound").last).to_contain_text("0:12")
    for summary in page.locator(".kept").last.locator("summary").all():
        unfold(summary)
    reads_well(page, lang)


def test_keys_decide_and_undo(open_page: Open, town: Town) -> None:
    page = open_page("/desk/login?lang=en", DESKTOP)
    fill(town, page, 9)
    enter(page, town, "triage")
    page.goto("/desk/sorting")
    first = page.locator(".kept").first
    count = page.locator(".tabs [aria-current] .count")
    name, before = first.get_attribute("id"), int(count.inner_text())
    first.focus()
    page.keyboard.press("n")
    expect(page.locator(".undo")).to_have_count(1)
    expect(count).to_have_text(str(before - 1))
    page.wait_for_load_state()  # keys are the script's, which comes last
    page.keyboard.press("u")
    expect(page.locator(".undo")).to_have_count(0)
    expect(page.locator(f"#{name}")).to_be_visible()
    page.wait_for_load_state()
    page.locator(f"#{name}").focus()
    page.keyboard.press("a")
    page.locator(f"#{name} textarea").fill("n")  # a letter that is typed is no key
    expect(page.locator(f"#{name}")).to_be_visible()


def test_without_javascript_it_is_answered(open_page: Open, town: Town) -> None:
    page = open_page("/desk/login?lang=en", PHONE, js=False)
    town.post("+923004409999", "نلکا ٹوٹا ہوا ہے یہاں کب سے")
    enter(page, town, "triage")
    card = page.locator(".kept").first
    unfold(card.locator("summary").first)
    card.locator("select[name=phrase]").select_option("where")
    card.locator("form[action$='/answer'] button").click()
    expect(page.get_by_role("status")).to_contain_text("The answer goes out in ten seconds.")
