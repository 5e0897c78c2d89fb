"""A real Chromium, and pages that complain where the browser complains."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.town import Town, wait_for

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE, DESKTOP = (390, 844), (1280, 800)
PATIENCE = 30_000  # milliseconds until something is not there: two cores may be everybody's
expect.set_options(timeout=PATIENCE)
# No call home while we test: updates, translation, safe browsing and sync are another party's business.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Open = Callable[..., Page]


def be_drawn(page: Page) -> None:
    """Wait until the page is loaded, in its own fonts, and before somebody's eyes: a picture of it needs all three.

    A tap that comes earlier falls on what is still moving or on nothing, and where a page has no JavaScript nothing
    tells Playwright so: it looks where a tap went by a listener in the page.
    """
    page.wait_for_load_state()
    page.evaluate("document.fonts.ready.then(() => true)")
    page.screenshot(clip={"x": 0, "y": 0, "width": 1, "height": 1})


def unfold(summary: Locator) -> None:
    """Tap a fold open, as who sees it: a tap that a crowded machine lost is made again."""
    fold = summary.locator("xpath=..")

    def is_open() -> bool:
        if fold.get_attribute("open") is None:
            summary.click()
        return fold.get_attribute("open") is not None

    wait_for(is_open)


# Playwright keeps an event loop running in this thread as long as it is open: no async test may run meanwhile, so the
# browser is a module's, not a run's.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("no Chromium here, and with CI=true the browser tests may not be skipped")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, town: Town) -> Iterator[Open]:
    """`open_page(path, size=, js=)`: a page in a browser of its own; nothing may be in its console at the end."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(path: str, size: tuple[int, int] = PHONE, *, js: bool = True) -> Page:
        context = browser.new_context(
            base_url=town.url, viewport={"width": size[0], "height": size[1]}, java_script_enabled=js
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)

        def note(message: Any) -> None:
            # A refused password is a 401 and a refused form a 409, which Chromium writes down whatever the page does.
            refused = any(status in message.text for status in ("401 (Unauthorized)", "409 (Conflict)"))
            if message.type in {"error", "warning"} and not refused:
                complaints.append(f"{page.url}: {message.text}")

        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        be_drawn(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints
