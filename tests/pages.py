"""What a test does with pages: look for an element that must be there, read it as text, fill in its forms."""

from __future__ import annotations

import re
from typing import Any, Self

import httpx
from bs4 import BeautifulSoup, Tag


def pick(page: Tag, selector: str) -> Tag:
    """The first element that the CSS selector finds; there must be one."""
    found = page.select_one(selector)
    assert found is not None, f"nothing on the page is {selector!r}"
    return found


def attribute(element: Tag, name: str, default: str = "") -> str:
    """One attribute, as it is written in the page."""
    value = element.get(name, default)
    return value if isinstance(value, str) else " ".join(value or ())


class PlainBrowser:
    """A browser that has no JavaScript, at one of our addresses."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=20)
        self.last = ""  # where the last form led

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str) -> BeautifulSoup:
        answer = self.http.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return BeautifulSoup(answer.text, "html.parser")

    def submit(self, page: BeautifulSoup, ending: str, **fields: Any) -> BeautifulSoup:
        """Fill in the form whose action ends so, hidden fields and all, and send it."""
        form = next(form for form in page.find_all("form") if re.search(ending + "$", attribute(form, "action")))
        data = {
            attribute(box, "name"): attribute(box, "value")
            for box in form.find_all("input")
            if box.get("name") and box.get("type") in {"hidden", None, "text", "date", "password"}
        }
        for select in form.find_all("select"):
            chosen = select.find("option", selected=True) or select.find("option", value=True)
            if select.get("name") and chosen:
                data[attribute(select, "name")] = attribute(chosen, "value")
        action = attribute(form, "action")
        answer = self.http.post(action, data=data | fields)
        read = BeautifulSoup(answer.text, "html.parser")
        why = [one.get_text() for one in read.select("[role=alert]")]
        assert answer.status_code == 200, f"{action}: {answer.status_code} {why}"
        self.last = str(answer.url)
        return read
