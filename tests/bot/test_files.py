"""Files through the real door: kept, or refused and said so, to who sent them and to who handles."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bot import media
from bot.media import fetch_waiting
from cases import sorting
from cases.protected import vault
from desk.sealed_item import lay_out
from flows.model import Media
from store.jawab import Jawab
from tests.answers import STORY, answer, typed
from tests.bot.conftest import OURS, Rows
from tests.bot.phones import Owner, Phone, count
from tests.providers.twilio import FakeTwilio

US = f"whatsapp:{OURS}"
PHOTO = b"\xff\xd8\xff\xe0" + b"photo" * 100
APP = b"PK\x03\x04" + b"dex" * 100
CARD = b"BEGIN:VCARD\r\nFN:Gul Khan\r\nTEL:+92 300 5550123\r\nEND:VCARD\r\n"
NAMED = "application/vnd.android.package-archive"
UNNAMED = "application/octet-stream"
ABOUT_A_PERSON = {"category": "security", "kind": "person"}
REFUSED = ["intake.file_refused", {}]


class Sender(Phone):
    """A phone that sends files on WhatsApp."""

    def __init__(self, jawab: Jawab, owner: Owner, address: str, twilio: FakeTwilio, hooks: httpx.AsyncClient) -> None:
        super().__init__(jawab, owner, address, "whatsapp", OURS)
        self.twilio, self.hooks = twilio, hooks

    async def send(self, *files: tuple[str, bytes], text: str = "", **more: str) -> None:
        """One message with these files, each (declared type, bytes)."""
        fields = {"NumMedia": str(len(files))}
        for index, (kind, content) in enumerate(files):
            path = f"/media/{uuid.uuid4()}"
            self.twilio.media[path] = (kind, content)
            fields |= {f"MediaUrl{index}": self.twilio.url + path, f"MediaContentType{index}": kind}
        status, _ = await self.twilio.webhook(self.hooks, f"whatsapp:{self.address}", US, text, **fields | more)
        assert status == 200

    async def heard(self) -> list[list[Any]]:
        """What was said last."""
        return list((await self.owed())[-1]["says"])


@pytest.fixture
async def sender(
    jawab: Jawab, owner: Owner, rows: Rows, twilio: FakeTwilio, hooks: httpx.AsyncClient, demo: SimpleNamespace
) -> Sender:
    await rows.channel("whatsapp", "pishin")
    return Sender(jawab, owner, "+923001112233", twilio, hooks)


def other(sender: Sender) -> Sender:
    return Sender(sender.jawab, sender.owner, "+923001112244", sender.twilio, sender.hooks)


async def files(rows: Rows) -> list[tuple[Any, ...]]:
    found = await rows.owner.execute("SELECT content_type, state, fault FROM media ORDER BY created_at, id")
    return [tuple(row) for row in await found.fetchall()]


async def told(rows: Rows) -> list[tuple[Any, ...]]:
    """Every message owed that is no answer of a turn: as a row, but for its own ids and times."""
    found = await rows.owner.execute(
        "SELECT o.id, o.lane, o.purpose, o.lang, o.case_id, o.edition_id, o.inbox_id IS NULL, o.state, o.message"
        " FROM outbox o ORDER BY o.created_at"
    )
    opened = [
        (*rest, rows.jawab.keys.get_json(box, f"outbox|message|{id_}")) for id_, *rest, box in await found.fetchall()
    ]
    return [row for row in opened if row[-1]["says"] == [REFUSED]]


# ── kept ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_contact_card_and_a_document_are_kept_like_a_photo(jawab: Jawab, rows: Rows, sender: Sender) -> None:
    await sender.send(("text/x-vcard", CARD))
    await sender.send((UNNAMED, b"%PDF-1.7 words"))
    assert await fetch_waiting(jawab) == 2
    assert await files(rows) == [("text/vcard", "kept", None), ("application/pdf", "kept", None)]
    assert (await rows.one("SELECT content FROM media LIMIT 1"))["content"].find(b"Gul") < 0
    assert await told(rows) == []


async def test_five_photos_in_one_message_are_all_kept_and_answered_once(
    jawab: Jawab, rows: Rows, sender: Sender
) -> None:
    await sender.send(*[("image/jpeg", PHOTO + bytes([number])) for number in range(5)], text=STORY)
    assert len(await sender.owed()) == 1
    assert await fetch_waiting(jawab) == 5
    assert await files(rows) == [("image/jpeg", "kept", None)] * 5
    assert (await rows.one("SELECT count(DISTINCT case_id) FROM media JOIN sorting ON sorting.id = case_id"))[
        "count"
    ] == 1


# ── refused once it is seen ──────────────────────────────────────────────────────────────────────────────────────────
async def test_what_turns_out_to_be_no_file_of_ours_is_said_once_for_an_album(
    jawab: Jawab, rows: Rows, sender: Sender
) -> None:
    for _ in range(5):
        await sender.send((UNNAMED, APP))
    before = len(await sender.owed())
    assert await fetch_waiting(jawab) == 0
    assert await files(rows) == [(UNNAMED, "failed", "kind")] * 5
    assert len(await sender.owed()) == before + 1
    assert await sender.heard() == [REFUSED]
    await rows.owner.execute("UPDATE contacts SET file_told_at = now() - interval '11 minutes'")
    await sender.send((UNNAMED, APP))
    await fetch_waiting(jawab)
    assert len(await told(rows)) == 2, "another day is another file"


async def test_too_large_and_gone_are_said_too(
    jawab: Jawab, rows: Rows, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "BYTES_MOST", 1000)
    await sender.send(("image/jpeg", PHOTO * 10))
    await fetch_waiting(jawab)
    second = other(sender)
    await second.send(("image/jpeg", PHOTO))
    second.twilio.media.clear()
    await fetch_waiting(jawab)
    assert [fault for _, _, fault in await files(rows)] == ["size", "gone"]
    assert [await sender.heard(), await second.heard()] == [[REFUSED], [REFUSED]]


@pytest.mark.parametrize("stage", ["place", "story", "message", "more"])
async def test_it_is_said_in_the_same_bytes_at_the_same_time_on_both_sides_of_the_door(
    jawab: Jawab, rows: Rows, sender: Sender, stage: str
) -> None:
    """Also where an ordinary file waits in the session until it is known to which report it belongs."""
    protected = other(sender)
    await sender.say(*typed(upto=stage))
    await protected.say(*typed(upto=stage, **ABOUT_A_PERSON))
    for phone in (sender, protected):
        await phone.send((UNNAMED, APP))
    await fetch_waiting(jawab)
    ordinary, sealed = await told(rows)
    assert ordinary == sealed
    assert ordinary[:6] == ("replies", "reply", "ur", None, None, False), "it answers, and names no case"
    assert await count(rows.owner, "media", "sealed_box IS NOT NULL") == 0, "no row says which phone has a case"


async def test_a_file_that_waits_in_the_session_is_one_row_that_lands_in_its_case(
    jawab: Jawab, rows: Rows, sender: Sender
) -> None:
    await sender.say(*typed(upto="more"))
    await sender.send(("image/jpeg", PHOTO))
    assert await fetch_waiting(jawab) == 1
    assert (await rows.one("SELECT case_id, sealed_box FROM media")) == {"case_id": None, "sealed_box": None}
    await sender.say(answer("more", "same"))
    assert (
        await count(
            rows.owner, "media JOIN cases ON cases.id = media.case_id JOIN case_items i ON i.media_id = media.id"
        )
        == 1
    )
    assert await files(rows) == [("image/jpeg", "kept", None)]


async def test_a_file_of_an_hour_ago_is_not_told_at_night(jawab: Jawab, rows: Rows, sender: Sender) -> None:
    await sender.send((UNNAMED, APP))
    await rows.owner.execute("UPDATE media SET created_at = now() - interval '1 hour'")
    await fetch_waiting(jawab)
    (late,) = await told(rows)
    assert late[5], "no answer any more: quiet hours hold it"


# ── refused as it comes ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("kind", "more"),
    [(NAMED, {}), ("text/html", {}), ("image/jpeg", {"MediaUrl0": "https://elsewhere.test/x.jpg"})],
)
async def test_a_file_that_is_never_kept_tells_no_story_and_gets_no_number(
    rows: Rows, sender: Sender, kind: str, more: dict[str, str]
) -> None:
    await sender.send((kind, APP), **more)
    said = await sender.heard()
    assert said[0] == REFUSED
    assert "welcome.code" not in [key for key, _ in said]
    assert await count(rows.owner, "sorting") == await count(rows.owner, "media") == 0


async def test_words_beside_a_refused_file_are_the_story_and_the_file_is_said_not_to_be_kept(
    jawab: Jawab, rows: Rows, sender: Sender
) -> None:
    await sender.send((NAMED, APP), ("image/jpeg", PHOTO), text=STORY)
    keys = [key for key, _ in await sender.heard()]
    assert keys[0] == "intake.file_refused"
    assert "welcome.code" in keys
    await fetch_waiting(jawab)
    assert sorted(await files(rows)) == [(NAMED, "failed", "kind"), ("image/jpeg", "kept", None)]
    assert await told(rows) == [], "it was said already"


async def test_in_a_report_it_stands_in_the_thread_as_refused_and_the_question_stands(
    rows: Rows, sender: Sender
) -> None:
    await sender.say(*typed(upto="more"))
    asked = (await sender.session()).node
    await sender.send((NAMED, APP))
    assert (await sender.heard())[0] == REFUSED
    assert (await sender.session()).node == asked
    row = await rows.one("SELECT m.state, m.fault FROM case_items i JOIN media m ON m.id = i.media_id")
    assert (row["state"], row["fault"]) == ("failed", "kind")


async def test_behind_the_door_it_is_sealed_as_refused_and_answered_alike(rows: Rows, sender: Sender) -> None:
    protected = other(sender)
    await sender.say(*typed(upto="more"))
    await protected.say(*typed(upto="more", **ABOUT_A_PERSON))
    before = await count(rows.owner, "sealed.items")
    for phone in (sender, protected):
        await phone.send((NAMED, APP))
    assert (await sender.owed())[-1] == (await protected.owed())[-1]
    assert await count(rows.owner, "sealed.items") == before + 2, "that something came, and that it was refused"
    assert await count(rows.owner, "media", "sealed_box IS NOT NULL") == 0


async def test_what_a_handler_asked_for_and_could_not_be_kept_is_put_before_them(rows: Rows, sender: Sender) -> None:
    await sender.say(*typed(upto="more"))
    await rows.owner.execute(
        "UPDATE sessions SET focus_kind = 'answer', focus_at = now(), focus_case = (SELECT id FROM cases), state = NULL"
    )
    await sender.send((NAMED, APP))
    assert await sender.heard() == [REFUSED]
    assert await count(rows.owner, "case_items", "media_id IS NOT NULL") == 1
    assert await count(rows.owner, "sessions", "focus_case IS NOT NULL") == 1, "the question is still open"


async def test_what_was_said_of_it_later_stands_in_the_thread_of_its_case(
    jawab: Jawab, rows: Rows, sender: Sender
) -> None:
    await sender.say(*typed(upto="more"))
    await rows.owner.execute(
        "UPDATE sessions SET focus_kind = 'answer', focus_at = now(), focus_case = (SELECT id FROM cases), state = NULL"
    )
    await sender.send((UNNAMED, APP))
    await fetch_waiting(jawab)
    line = await rows.one(
        "SELECT o.case_id, o.purpose FROM case_items i JOIN outbox o ON o.id = i.outbox_id WHERE i.verb = 'file'"
    )
    assert line == {"case_id": None, "purpose": "reply"}, "the message itself names no case"


# ── what went behind the door later ──────────────────────────────────────────────────────────────────────────────────
async def test_a_refused_file_goes_behind_the_door_with_its_card_and_leaves_no_row(
    jawab: Jawab, rows: Rows, sender: Sender
) -> None:
    await sender.send((UNNAMED, APP), text=STORY)
    await fetch_waiting(jawab)
    card = (await rows.one("SELECT id FROM sorting"))["id"]
    async with jawab.db.transaction("custody") as tx:
        await vault.seal_kept(tx, jawab.keys, await sorting.take(tx, jawab.keys, card))
    assert await fetch_waiting(jawab) == 1
    assert await count(rows.owner, "media") == 0
    assert await count(rows.owner, "sealed.items") == 2


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"refused": "kind"}, "file.fault.kind"),
        ({"refused": "size"}, "file.fault.size"),
        ({"lost": True}, "file.fault.gone"),
    ],
)
def test_who_handles_behind_the_door_is_told_why(data: dict[str, Any], key: str) -> None:
    opened = lay_out(uuid.uuid4(), "media", None, {"content_type": NAMED, **data}, {})
    assert opened.facts == []
    assert opened.file is not None
    assert (opened.file.how, f"file.fault.{opened.file.fault}") == ("failed", key)


def test_a_sealed_contact_card_is_words_to_who_opens_it() -> None:
    import base64

    sealed = {"content_type": "text/vcard", "content": base64.b64encode(CARD).decode()}
    opened = lay_out(uuid.uuid4(), "media", None, sealed, {})
    assert opened.file is not None
    assert (opened.file.kind, opened.file.how) == ("card", "file")
    assert opened.file.says == "Gul Khan: +92 300 5550123"


def test_a_refused_file_survives_the_inbox() -> None:
    from bot.channels import Inbound

    said = Inbound("twilio", "SM1", "whatsapp", OURS, "+923001112233", media=(Media("", "x/y", "foreign"),))
    assert Inbound.from_dict(said.as_dict()) == said
