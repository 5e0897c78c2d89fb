"""Photos, voice notes and pins behind the door: shown as elsewhere, opened with the reader's own key, kept nowhere."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from bs4 import BeautifulSoup, Tag

from bot.media import fetch_waiting
from cases.protected import vault
from desk import sealed_item
from store import media
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab
from tests.cases.sealed import dump
from tests.conftest import Owner
from tests.desk.conftest import Browser, Enter, Hire, One, Write, fresh_code
from tests.desk.triage import CANARY, PHOTO, SECRET, VOICE, Attach, Keep, after
from tests.pages import attribute, pick

PIN = [30.58153, 66.99491]
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MUTE = b"OggS" + b"no clock in here" * 40

Seal = Callable[..., Awaitable[UUID]]


@pytest.fixture
def divided() -> bool:
    return True


@pytest.fixture
def seal(db: Database, keys: Keys) -> Seal:
    """A protected report with files, as the citizen's side seals them; returns the case's id."""

    async def make(*files: tuple[bytes, str], **data: Any) -> UUID:
        async with db.transaction("intake") as tx:
            case_id = await vault.seal(
                tx,
                keys,
                code_hash=keys.hash_code(fresh_code()),
                district_id="pishin",
                kind="story",
                data={"text": CANARY, "about": "person", **data},
                now=datetime.now(UTC),
            )
            for content, kind in files:
                await vault.seal_bytes(tx, keys, case_id=case_id, kind="media", content=content, content_type=kind)
        return case_id

    return make


async def look(reader: Browser, case: UUID, reason: str = "first_look") -> Tag:
    answer = await reader.post(f"/desk/protected/{case}/open", {"reason": reason})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return pick(BeautifulSoup(answer.text, "html.parser"), ".thread")


def flat(element: Tag) -> str:
    return " ".join(element.text.split())


async def test_a_reader_hears_and_sees_what_was_sealed(readers: list[Browser], seal: Seal) -> None:
    case = await seal((VOICE, "audio/ogg; codecs=opus"), (PHOTO, "image/jpeg"), location=PIN)
    thread = await look(readers[0], case)
    assert "near Pishin · 30.58153, 66.99491" in flat(thread)
    voice, photo = pick(thread, ".file.sound"), pick(thread, ".file.picture")
    assert "Voice note · 0:12 · 1 kB · Download" in flat(voice)
    assert "Photo · 1 kB · Download" in flat(photo)
    assert attribute(pick(voice, "audio"), "preload") == "none"
    assert "base64" not in str(thread), "the page carries no bytes"

    at = attribute(pick(voice, "audio"), "src")
    assert at.startswith(f"/desk/protected/{case}/open/first_look/media/")
    heard = await readers[0].get(at)
    assert (heard.content, heard.headers["content-type"]) == (VOICE, "audio/ogg")
    part = await readers[0].get(at, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, VOICE[5:10])
    seen = await readers[0].get(attribute(pick(photo, "img"), "src"))
    assert seen.headers["content-disposition"].startswith("inline")
    assert SECRET not in seen.content
    assert b"pixels" in seen.content
    for answer in (heard, part, seen):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_each_file_that_is_opened_is_written_down(readers: list[Browser], seal: Seal, owner: Owner) -> None:
    case = await seal((VOICE, "audio/ogg"))
    at = attribute(pick(await look(readers[0], case, "review"), "audio"), "src")

    async def written() -> list[tuple[str, str, str]]:
        found = await owner.execute("SELECT actor, action, object FROM audit WHERE action LIKE 'protected.m%%'")
        return await found.fetchall()

    assert await written() == [], "nothing is heard by loading the page"
    await readers[0].get(at)
    await readers[0].get(at, headers={"Range": "bytes=7-"})
    line = (str(readers[0].staff_id), "protected.media:review", at.rpartition("/")[2])
    assert await written() == [line, line], "a part of it is heard too"


async def test_what_is_opened_is_kept_nowhere(readers: list[Browser], seal: Seal, owner: Owner) -> None:
    voice = VOICE + b"zarqa-heard"
    case = await seal((voice, "audio/ogg"), (PHOTO, "image/jpeg"), location=PIN)
    thread = await look(readers[0], case)
    for found in thread.select("audio, img"):
        assert (await readers[0].get(attribute(found, "src"))).status_code == 200
    for table, held in (await dump(owner)).items():
        for word in (b"zarqa-heard", SECRET, b"0:12", b"30.58153", CANARY.encode()):
            assert word not in held, table


async def test_nobody_else_hears_it(enter: Enter, hire: Hire, readers: list[Browser], seal: Seal, owner: Owner) -> None:
    case, other = await seal((VOICE, "audio/ogg")), await seal((VOICE, "audio/ogg"))
    at = attribute(pick(await look(readers[0], case), "audio"), "src")
    assert (await readers[1].get(at)).status_code == 200
    without = await enter("protected", readers[0].staff_id)
    shut = await without.get(at)
    assert (shut.status_code, VOICE in shut.content) == (403, False), "a session without the key"
    staff_id, private = await hire("protected", None)
    for person in (
        await enter("protected", staff_id, private),
        *[await enter(role) for role in ("handler", "supervisor", "triage", "admin")],
    ):
        assert (await person.get(at)).status_code == 404
    for wrong in (
        at.replace(str(case), str(other)),
        at.replace("first_look", "curious"),
        f"{at.rpartition('/')[0]}/{uuid.uuid4()}",
    ):
        assert (await readers[0].get(wrong)).status_code == 404
    found = await owner.execute("SELECT id FROM sealed.items WHERE case_id = %s ORDER BY seq LIMIT 1", (case,))
    ((words,),) = await found.fetchall()
    assert (await readers[0].get(f"{at.rpartition('/')[0]}/{words}")).status_code == 404, "words are no file"


async def test_a_length_that_cannot_be_read_is_said_so(readers: list[Browser], seal: Seal) -> None:
    case = await seal((MUTE, "audio/ogg"))
    assert "Voice note · length not known · 1 kB · Download" in flat(pick(await look(readers[0], case), ".file.sound"))


async def test_a_sealed_card_is_words_and_a_document_a_download(readers: list[Browser], seal: Seal) -> None:
    card = "BEGIN:VCARD\r\nFN:گل خان\r\nTEL:+92 300 5550123\r\nEND:VCARD\r\n".encode()
    found = await look(readers[0], await seal((card, "text/vcard"), (b"PK", DOCX)))
    said, document = found.select(".file.file")
    assert flat(said) == "گل خان: +92 300 5550123Contact card · 1 kB · Download"
    assert flat(document) == "File · 1 kB · Download"
    kept = await readers[0].get(attribute(pick(document, "figcaption a"), "href"))
    assert kept.content == b"PK"
    assert kept.headers["content-type"] == DOCX
    assert kept.headers["content-disposition"].startswith("attachment; ")
    assert kept.headers["content-disposition"].endswith('.docx"')


async def test_what_never_came_is_told_behind_the_door_too(
    enter: Enter,
    keep: Keep,
    attach: Attach,
    write: Write,
    readers: list[Browser],
    one: One,
    jawab: Jawab,
    db: Database,
    owner: Owner,
) -> None:
    contact = await write()
    kept, _ = await keep(contact_id=contact)
    await attach(kept, contact, VOICE, "audio/ogg")
    await attach(kept, contact, None, "image/jpeg", fault="size")
    await attach(kept, contact, None, "audio/ogg")
    await owner.execute("UPDATE media SET due_at = now() + interval '1 hour' WHERE state = 'waiting'")
    assert (await (await enter("triage")).post(f"/desk/sorting/{kept}/seal")).status_code == 303
    await after(jawab)
    case = (await one("SELECT id FROM sealed.cases"))["id"]
    thread = flat(await look(readers[0], case))
    assert thread.count("Voice note: on its way") == 2
    assert thread.count("Photo: on its way") == 1

    assert await fetch_waiting(jawab) == 2
    found = await look(readers[0], case)
    assert "0:12" in flat(pick(found, ".file.sound"))
    assert [flat(one) for one in found.select(".file.failed")] == ["Photo: refused: too large"]
    assert flat(found).count("on its way") == 1, "its provider is asked again"
    async with db.transaction("intake") as tx:
        for row in await (await tx.execute("SELECT id FROM media")).fetchall():
            await media.give_up(tx, row["id"], "unreachable")
    assert await fetch_waiting(jawab) == 1
    assert [flat(one) for one in (await look(readers[0], case)).select(".file.failed")] == [
        "Photo: refused: too large",
        "Voice note: did not come: the provider did not answer",
    ]
    assert (await one("SELECT count(*) AS n FROM media"))["n"] == 0, "a row that stayed would say whose case it is"


async def test_a_file_that_was_lost_before_reasons_were_kept_is_told(
    readers: list[Browser], seal: Seal, db: Database, keys: Keys
) -> None:
    case = await seal()
    async with db.transaction("intake") as tx:
        await vault.append(tx, keys, case_id=case, kind="media", data={"content_type": "audio/ogg", "lost": True})
    (failed,) = (await look(readers[0], case)).select(".file.failed")
    assert flat(failed) == "Voice note: did not come, and the provider has it no longer"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"by": "woman", "hour": "noon"}, ["caller.woman", "hour.noon"]),
        ({"who": "", "hour": "دس بجے"}, ["caller.any", "دس بجے"]),
        ({"by": "anybody", "hour": ""}, ["caller.any"]),
    ],
)
def test_who_asks_for_a_call_is_told_in_words(call: dict[str, str], said: list[str]) -> None:
    laid = sealed_item.lay_out(uuid.uuid4(), "call", None, {"call": call}, {})
    assert [fact.key or fact.text for fact in laid.facts] == said


async def test_a_message_that_was_a_file_alone_keeps_its_time(readers: list[Browser], db: Database, keys: Keys) -> None:
    async with db.transaction("intake") as tx:
        await vault.seal(
            tx,
            keys,
            code_hash=keys.hash_code(fresh_code()),
            district_id="pishin",
            kind="more",
            data={},
            now=datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
        )
    (link,) = (await readers[0].soup("/desk/protected")).select("tbody a")
    case = UUID(attribute(link, "href").rpartition("/")[2])
    assert flat(await look(readers[0], case)) == "24-11-2026 14:00 · photo, voice note or file"
