"""What a sender hides in their words is seen at the desk, and what a script needs stays as it is."""

from __future__ import annotations

import pytest

from pages.marks import mark
from tests.desk.conftest import Enter, Open


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("\u202egnp.exe", "⟦RLO⟧gnp.exe"),
        ("pay\u200bment", "pay⟦ZWSP⟧ment"),
        ("\ufeffالسلام", "⟦BOM⟧السلام"),
        ("\x1b[2Jgone", "⟦ESC⟧[2Jgone"),
        ("a\u2066b\u2069", "a⟦LRI⟧b⟦PDI⟧"),
        ("a\x85b\u2028c", "a⟦U+0085⟧b⟦U+2028⟧c"),
        ("flag\U000e0067", "flag⟦U+E0067⟧"),
    ],
)
def test_a_hidden_sign_is_shown(typed: str, shown: str) -> None:
    assert mark(typed) == shown


@pytest.mark.parametrize("text", ["می\u200cخواهم", "👩\u200d🏫", "one\ntwo\tthree", "وړاندې ۱۲", "café", "ہے۔"])
def test_what_scripts_need_stays(text: str) -> None:
    assert mark(text) == text


async def test_a_story_is_marked_on_the_page_of_its_case(enter: Enter, opened: Open) -> None:
    case = await opened(story="پانی\u202e nahi\x1b[31m", place_text="Gali\u200b 3")
    page = (await (await enter("handler")).get(f"/desk/cases/{case}")).text
    assert "پانی⟦RLO⟧ nahi⟦ESC⟧[31m" in page
    assert "Gali⟦ZWSP⟧ 3" in page
    assert not {"\u202e", "\x1b", "\u200b"} & set(page)
