"""Photos and voice notes: fetched with the password only where it belongs, kept encrypted, deleted at the provider."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from bot import media
from bot.media import fetch_waiting
from store.jawab import Jawab
from store.kinds import find as kind_of
from store.media import Held
from tests.bot.conftest import Rows
from tests.providers.twilio import FakeTwilio

PHOTO = b"\xff\xd8\xff\xe0" + b"photo" * 100
VOICE = b"OggS" + b"voice" * 100
PATH = "/2010-04-01/Accounts/AC/Messages/MM/Media/ME1"


async def note(rows: Rows, url: str, kind: str = "image/jpeg", *, sealed: uuid.UUID | None = None) -> uuid.UUID:
    contact, media_id = await rows.contact("+923001112233"), uuid.uuid4()
    box = rows.jawab.keys.encrypt(url.encode(), f"media|source|{media_id}")
    await rows.owner.execute(
        "INSERT INTO media (id, contact_id, content_type, source, sealed_case_id) VALUES (%s, %s, %s, %s, %s)",
        (media_id, contact, kind, box, sealed),
    )
    return media_id


async def see(rows: Rows, media_id: uuid.UUID) -> dict[str, Any]:
    return await rows.one("SELECT *, due_at - now() AS due_in FROM media WHERE id = %s", media_id)


async def test_a_photo_is_fetched_kept_encrypted_and_deleted_at_the_provider(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    twilio.media[PATH] = ("image/jpeg", PHOTO)
    noted = await note(rows, twilio.url + PATH)
    assert await fetch_waiting(jawab) == 1
    row = await see(rows, noted)
    assert (row["state"], row["source"], row["content_type"]) == ("kept", None, "image/jpeg")
    assert b"photo" not in row["content"]
    assert jawab.keys.decrypt(row["content"], f"media|content|{noted}") == PHOTO
    assert (row["bytes"], row["fault"]) == (len(PHOTO), None)
    assert twilio.media == {}
    assert await fetch_waiting(jawab) == 0


async def test_a_redirect_inside_the_provider_is_followed_and_one_outside_is_not(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    twilio.media["/store/x"] = ("audio/ogg", VOICE)
    twilio.redirects[PATH] = "/store/x"
    good = await note(rows, twilio.url + PATH, "audio/ogg")
    with FakeTwilio() as stranger:
        stranger.media["/x"] = ("image/jpeg", PHOTO)
        twilio.redirects["/away"] = f"{stranger.url}/x"
        bad = await note(rows, f"{twilio.url}/away")
        await fetch_waiting(jawab)
        assert stranger.requests == []
    assert (await see(rows, good))["state"] == "kept"
    assert (await see(rows, bad))["state"] == "failed"
    assert await rows.alarms() == ["media_failed"]


async def test_a_file_that_is_not_what_it_is_called_is_not_kept(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    twilio.media["/page"] = ("image/jpeg", b"<html><script>")
    twilio.media["/photo"] = ("audio/ogg", PHOTO)
    page, photo = await note(rows, f"{twilio.url}/page"), await note(rows, f"{twilio.url}/photo", "audio/ogg")
    assert await fetch_waiting(jawab) == 0
    assert [(await see(rows, one))["state"] for one in (page, photo)] == ["failed", "failed"]
    assert [(await see(rows, one))["fault"] for one in (page, photo)] == ["kind", "kind"], "a handler is told why"


async def test_a_file_that_is_too_large_is_not_kept(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "BYTES_MOST", 1000)
    twilio.media[PATH] = ("image/jpeg", PHOTO * 10)
    noted = await note(rows, twilio.url + PATH)
    assert await fetch_waiting(jawab) == 0
    assert (await see(rows, noted))["state"] == "failed"


async def test_while_the_provider_is_away_a_file_waits_longer_and_longer(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    noted = await note(rows, twilio.url + PATH)
    twilio.stop()
    for tries in range(1, media.ATTEMPTS_MOST + 1):
        await rows.owner.execute("UPDATE media SET due_at = now()")
        assert await fetch_waiting(jawab) == 0
        row = await see(rows, noted)
        assert row["attempts"] == tries
        assert row["state"] == ("waiting" if tries < media.ATTEMPTS_MOST else "failed")
        assert row["due_in"] > timedelta(minutes=1) * 2 ** (tries - 1)


async def test_what_belongs_to_a_protected_case_is_sealed_and_never_kept(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: list[tuple[Any, ...]] = []

    async def seal(_: Jawab, tx: Any, row: Held, content: bytes) -> None:
        sealed.append((row.sealed_case_id, row.content_type, content))
        await tx.execute("DELETE FROM media WHERE id = %s", (row.id,))

    monkeypatch.setattr("bot.intake.seal_media", seal)
    case_id = uuid.uuid4()
    twilio.media[PATH] = ("image/jpeg", PHOTO)
    await note(rows, twilio.url + PATH, "image/png", sealed=case_id)
    assert await fetch_waiting(jawab) == 1
    assert sealed == [(case_id, "image/jpeg", PHOTO)]
    assert (await rows.one("SELECT count(*) FROM media"))["count"] == 0
    assert twilio.media == {}


async def test_what_was_kept_before_its_story_was_sealed_is_sealed_too(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: list[bytes] = []

    async def seal(_: Jawab, tx: Any, row: Held, content: bytes) -> None:
        sealed.append(content)
        await tx.execute("DELETE FROM media WHERE id = %s", (row.id,))

    monkeypatch.setattr("bot.intake.seal_media", seal)
    twilio.media[PATH] = ("image/jpeg", PHOTO)
    await note(rows, twilio.url + PATH)
    await fetch_waiting(jawab)
    await rows.owner.execute("UPDATE media SET sealed_case_id = %s", (uuid.uuid4(),))
    assert await fetch_waiting(jawab) == 1
    assert sealed == [PHOTO]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PHOTO, "image/jpeg"),
        (VOICE, "audio/ogg"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"MZ\x90", ""),
        (b"<svg xmlns=", ""),
        (b"", ""),
    ],
)
def test_a_file_is_what_its_first_bytes_say(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind
