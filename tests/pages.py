"""What a test looks for in a page: one element that must be there, and its attributes as plain text."""

from __future__ import annotations

from bs4 import Tag


def pick(page: Tag, selector: str) -> Tag:
    """The first element that the CSS selector finds; there must be one."""
    found = page.select_one(selector)
    assert found is not None, f"nothing on the page is {selector!r}"
    return found


def attribute(element: Tag, name: str, default: str = "") -> str:
    """One attribute, as it is written in the page."""
    value = element.get(name, default)
    return value if isinstance(value, str) else " ".join(value or ())
