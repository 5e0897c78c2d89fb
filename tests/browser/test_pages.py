"""What people see, in a real browser on a real system: on a telephone and at a desk, with and without JavaScript."""

from __future__ import annotations

import os
import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from locales import LANGS
from locales.languages import TABLE
from tests.answers import answer, typed
from tests.browser.conftest import CHROMIUM, DESKTOP, PHONE, Open, be_drawn
from tests.town import CODE, STORIES, Town

if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("no Chromium here (Debian and Ubuntu: apt install chromium)", allow_module_level=True)

pytestmark = pytest.mark.browser

SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
FONTS = {lang: "Nastaliq" if language.font == "nastaliq" else "Naskh" for lang, language in TABLE.items()}
# A text key that nobody has written, or a template that shows its own workings.
WORKINGS = re.compile(r"\b(public|desk|status|category|error|clock)\.[a-z_]+\b|\{[a-z_]+\}|\bNone\b|\bUndefined\b")


def fits(page: Page) -> None:
    """Nothing is wider than the screen."""
    page.wait_for_load_state()
    wide = page.locator("html").evaluate("html => html.scrollWidth - html.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"


def reads_well(page: Page, lang: str) -> None:
    html = page.locator("html")
    expect(html).to_have_attribute("lang", lang)
    expect(html).to_have_attribute("dir", "ltr" if lang == "en" else "rtl")
    fits(page)
    assert FONTS[lang] in first_font(page, "h1")
    assert not WORKINGS.search(page.inner_text("body"))


def first_font(page: Page, selector: str) -> str:
    """The font that is asked for first, which must be there if the page has any Arabic letter to show."""
    found: dict[str, Any] = page.evaluate(
        """async selector => {
            await document.fonts.ready;
            const family = getComputedStyle(document.querySelector(selector)).fontFamily.split(',')[0];
            return {family, broken: [...document.fonts].filter(face => face.status === 'error').length};
        }""",
        selector,
    )
    assert found["broken"] == 0
    return str(found["family"])


@SIZES
@pytest.mark.parametrize("lang", FONTS)
def test_public_pages_are_readable_in_five_languages(open_page: Open, lang: str, size: tuple[int, int]) -> None:
    page = open_page(f"/?lang={lang}", size)
    for path in ("/", "/updates", "/figures"):
        page.goto(path)  # the language is remembered
        reads_well(page, lang)


@pytest.mark.parametrize(("lang", "size"), [("en", DESKTOP), ("ur", PHONE)], ids=["en-desktop", "ur-phone"])
def test_the_desk_is_readable_before_and_after_the_login(
    open_page: Open, town: Town, lang: str, size: tuple[int, int]
) -> None:
    page = open_page(f"/desk/login?lang={lang}", size)
    reads_well(page, lang)
    page.fill("#login", "demo-handler")
    page.fill("#password", "not the password")
    page.click("main form button")
    expect(page.get_by_role("alert")).to_be_visible()
    for role in ("handler", "triage", "protected", "editor", "admin"):
        enter(page, town, role)
        reads_well(page, lang)
        page.click("form[action='/desk/logout'] button")


def enter(page: Page, town: Town, role: str) -> None:
    login, password = town.login(role)
    page.goto("/desk/login")
    page.fill("#login", login)
    page.fill("#password", password)
    page.click("main form button")
    page.wait_for_url(re.compile(r"/desk(?!/login)"))
    be_drawn(page)


def say(page: Page, text: str, *, tap: bool = True) -> str:
    """Tap the option where there is one, else type; the answer's words."""
    said = page.locator(".theirs").count()
    option = page.locator(f"#tap-{text}")
    if tap and text.isdecimal() and option.count():
        option.click()
    else:
        page.fill("#text", text)
        page.click("#write button")
    expect(page.locator(".theirs")).to_have_count(said + 1)
    expect(page.locator(".ours")).to_have_count(said + 1)
    deadline = time.monotonic() + 30
    while (words := page.locator(".ours .words").last.inner_text()) == "…":  # held, for more may come
        assert time.monotonic() < deadline
        page.reload()
    return words


@pytest.mark.parametrize(
    ("lang", "js"),
    [*((lang, True) for lang in LANGS), ("ps", False), ("brh", False)],
    ids=[*LANGS, "ps-plain", "brh-plain"],
)
def test_a_whole_report_on_the_phone_in_the_browser(open_page: Open, lang: str, js: bool) -> None:
    page = open_page("/try", PHONE if js else DESKTOP, js=js)
    page.click("#tap-first")
    expect(page.locator(".ours")).to_have_count(1)
    for text in typed("story", lang=lang)[1:]:
        said = say(page, text)
    assert said
    assert CODE.search(say(page, STORIES[lang]))
    say(page, answer("message", "yes"))
    last = page.locator(".ours .words").last
    expect(last).to_have_attribute("lang", lang)
    expect(last).to_have_attribute("dir", "rtl")
    if js:
        assert FONTS[lang] in first_font(page, ".ours:last-of-type .words")
        fits(page)
        expect(page.locator(".ours .fate").last).to_contain_text("sent ✓")  # by itself: nobody loads the page again
    page.click("nav.looks a:has-text('SMS')")
    expect(page.locator(".ours .fate").last).to_contain_text(re.compile(r"· \d parts?$"))
    expect(page.locator(".taps")).to_have_count(0)


def test_enter_sends_and_samples_travel(open_page: Open) -> None:
    page = open_page("/try")
    page.fill("#text", STORIES["ur"])
    page.press("#text", "Enter")
    expect(page.locator(".ours")).to_have_count(1)
    for number, name in enumerate(("Photo", "Voice", "Location"), start=2):
        page.get_by_role("button", name=name).click()
        expect(page.locator(".theirs")).to_have_count(number)
    expect(page.locator(".thing")).to_have_text(["a photo", "a voice note", "a location"])
    page.get_by_role("button", name="Take another phone").click()
    expect(page.locator(".bubble")).to_have_count(0)


def test_sealed_words_leave_the_phone(open_page: Open) -> None:
    page = open_page("/try", js=False)
    words = "دفتر میں بابو نے پانچ ہزار مانگے"
    for text in (*typed("story", first="PRIVATE"), words):
        say(page, text)
    assert words not in page.content()
    expect(page.locator(".sealed").first).to_be_visible()


@SIZES
def test_a_handler_finds_a_case_and_acknowledges_it_by_clicking(
    open_page: Open, town: Town, size: tuple[int, int]
) -> None:
    phone = open_page("/try")
    for text in typed("message", category="health"):
        said = say(phone, text)
    found = CODE.search(said)
    assert found
    say(phone, answer("message", "yes"))
    heard = phone.locator(".ours").count()

    desk = open_page("/desk/login?lang=en", size)
    enter(desk, town, "handler")
    desk.get_by_role("link", name=found.group()).click()
    reads_well(desk, "en")
    expect(desk.get_by_text(STORIES["ur"])).to_be_visible()
    desk.get_by_role("button", name="Acknowledge").click()
    expect(desk.get_by_role("button", name="Acknowledge")).to_have_count(0)
    reads_well(desk, "en")
    expect(phone.locator(".ours")).to_have_count(heard + 1)  # by itself

    words = "کل ٹیم آئے گی"
    desk.locator("form[action$='/answer'] textarea").fill(words)
    desk.locator("#answer").get_by_role("button", name="Look first").click()
    expect(desk.locator("#answer .preview .said")).to_contain_text(words)
    reads_well(desk, "en")
    desk.locator("#answer").get_by_role("button", name="Send answer").click()
    expect(phone.locator(".ours .words").last).to_contain_text(words)
    for line in (desk.locator(".note.good .state"), desk.locator(".item.line .state").last):
        expect(line).to_contain_text(re.compile("^(sent|delivered)"))  # by itself: nobody loads the page again
        expect(line).not_to_have_attribute("hx-get", re.compile("."))
    reads_well(desk, "en")
