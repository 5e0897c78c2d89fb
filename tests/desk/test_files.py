"""What came with a case, at the desk: cards in words, documents to keep, why a file is not there, long texts folded."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest

from cases import thread
from desk import files
from locales import say as text_of
from store.jawab import Jawab
from tests.desk.conftest import Browser, Enter, One, Open, Write
from tests.desk.triage import Attach, Keep

CARD = "BEGIN:VCARD\r\nFN:گل خان\r\nORG:PHE\r\nTEL:+92 300 5550123\r\nEND:VCARD\r\n".encode()
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class Desk:
    """A case with files, and the page that shows it."""

    def __init__(self, jawab: Jawab, handler: Browser, attach: Attach, case: UUID, contact: UUID) -> None:
        self.jawab, self.handler, self.attach, self.case, self.contact = jawab, handler, attach, case, contact

    async def put(self, content: bytes | None, kind: str, fault: str = "") -> str:
        """A file into the thread; returns its address."""
        media_id = await self.attach(self.case, self.contact, content, kind, fault=fault)
        async with self.jawab.db.transaction("intake") as tx:
            now = datetime.now(UTC)
            await thread.append_media(tx, self.jawab.keys, self.case, media_id, lang="ur", now=now)
        return f"/desk/cases/{self.case}/media/{media_id}"

    async def page(self) -> str:
        return (await self.handler.get(f"/desk/cases/{self.case}")).text


@pytest.fixture
async def desk(jawab: Jawab, enter: Enter, opened: Open, attach: Attach, one: One) -> Desk:
    case = await opened()
    contact = (await one("SELECT contact_id FROM cases WHERE id = %s", case))["contact_id"]
    return Desk(jawab, await enter("handler"), attach, case, contact)


async def test_a_contact_card_is_words_in_the_thread_and_on_the_triages_card(
    desk: Desk, enter: Enter, keep: Keep, attach: Attach, write: Write
) -> None:
    await desk.put(CARD, "text/vcard")
    page = await desk.page()
    assert "گل خان (PHE): +92 300 5550123" in page
    assert text_of("file.card", "en") in page
    contact = await write("ur")
    card, _ = await keep(contact_id=contact)
    await attach(card, contact, CARD, "text/vcard")
    assert "گل خان (PHE): +92 300 5550123" in (await (await enter("triage")).get("/desk/sorting")).text


@pytest.mark.parametrize(
    ("kind", "name"),
    [(DOCX, "docx"), ("text/plain", "txt"), ("text/vcard", "vcf"), ("video/mp4", "mp4"), ("application/msword", "doc")],
)
async def test_documents_are_downloads_and_nothing_that_a_browser_would_run(desk: Desk, kind: str, name: str) -> None:
    at = await desk.put(b"<script>alert(1)</script>", kind)
    answer = await desk.handler.get(at)
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["content-disposition"].endswith(f'.{name}"')
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("fault", sorted(files.FAULTS))
async def test_why_a_file_is_not_there_is_said(desk: Desk, fault: str) -> None:
    await desk.put(None, "application/zip", fault)
    assert text_of(f"file.fault.{fault}", "en") in await desk.page()
    assert text_of(f"file.fault.{fault}", "ur") != text_of(f"file.fault.{fault}", "en")


async def test_65_536_letters_are_folded_and_all_there(desk: Desk, opened: Open) -> None:
    story = ("پانی نہیں آ رہا۔ " * 4096)[:65_536]
    case = await opened(story=story)
    soup = await desk.handler.soup(f"/desk/cases/{case}")
    folded = soup.select_one("details.long")
    assert folded is not None
    assert "open" not in folded.attrs
    assert text_of("thread.long", "en", n=65_536) in folded.select_one("summary").get_text()  # type: ignore[union-attr]
    assert folded.select("div.said")[0].get_text() == story
    short = await desk.handler.soup(f"/desk/cases/{await opened()}")
    assert short.select_one("details.long") is None


async def test_what_a_program_pasted_is_folded_whole(desk: Desk, opened: Open, enter: Enter, keep: Keep) -> None:
    pasted = f"data:image/png;base64,{base64.b64encode(bytes(range(256)) * 200).decode()}"
    await keep(pasted)
    case = await opened(story=pasted)
    for person, path in ((desk.handler, f"/desk/cases/{case}"), (await enter("triage"), "/desk/sorting")):
        folded = (await person.soup(path)).select_one("details.long")
        assert folded is not None
        assert text_of("thread.blob", "en", n=len(pasted)) in folded.select_one("summary").get_text()  # type: ignore[union-attr]
        assert "base64" not in folded.select_one("summary").get_text()  # type: ignore[union-attr]
        assert folded.select("div.blob")[0].get_text() == pasted
