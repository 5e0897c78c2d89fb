"""A small set of catalogs of its own for tests that write: the real ones are never touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from locales import catalogs, reviews
from locales.catalogs import Entry

ENGLISH = """msgid ""
msgstr ""
"Language: en\\n"
"Content-Type: text/plain; charset=utf-8\\n"

msgid "case.code"
msgstr "Your number is {code}. Keep it."

msgid "only.english"
msgstr "Only here"

msgid "yes"
msgstr "Yes"
"""


def forget() -> None:
    for remembered in (catalogs.read_entries, catalogs.texts, reviews.signed):
        remembered.cache_clear()
    catalogs._missing.clear()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of catalogs with three English texts, two in Urdu and one in Brahui; nothing signed."""
    monkeypatch.setattr(catalogs, "FOLDER", tmp_path)
    monkeypatch.setattr(reviews, "FOLDER", tmp_path)
    forget()
    english = tmp_path / "en" / "LC_MESSAGES" / "messages.po"
    english.parent.mkdir(parents=True)
    english.write_text(ENGLISH, "utf-8")
    catalogs.write_entries(
        "ur", "messages", {"yes": Entry("ہاں"), "case.code": Entry("{code}\nیہ آپ کا نمبر ہے", ("keep short",))}
    )
    catalogs.write_entries("brh", "messages", {"yes": Entry("جی ہاں")})
    reviews.write_reviews([])
    yield tmp_path
    forget()
