"""The protected door and the codes from outside: no trace, no word in clear, no difference that tells."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from bot import intake, media, numbers
from bot.intake import sealing
from cases import commands, sorting
from cases.protected import vault
from flows import codes
from flows.model import Media
from store import inbox, outbox
from store.jawab import Jawab
from tests.answers import STORY, after, typed
from tests.bot.phones import CANARY, CODE, Owner, Phone, count, heard

ABOUT_A_PERSON = {"category": "security", "kind": "person"}


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def everything(owner: Owner) -> bytes:
    """Every value of every table of every schema, as bytes."""
    tables = await (
        await owner.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
            " WHERE table_schema IN ('public', 'sealed') AND table_type = 'BASE TABLE'"
        )
    ).fetchall()
    dump = b""
    for (table,) in tables:
        for row in await (await owner.execute(f"SELECT * FROM {table}")).fetchall():
            for value in row:
                dump += bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    return dump


async def test_no_word_and_no_number_of_a_person_stands_in_clear(owner: Owner, phone: Phone) -> None:
    await phone.say(*typed(place=f"گاؤں {CANARY}", story=f"{STORY} {CANARY}"), CANARY + " اور بھی")
    dump = await everything(owner)
    assert CANARY.encode() not in dump
    assert phone.address.encode() not in dump
    assert phone.address[1:].encode() not in dump


# ── the protected door ───────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_protected_report_leaves_no_ordinary_trace(owner: Owner, phone: Phone) -> None:
    before = await everything_ordinary(owner)
    said = await phone.say(*typed(**ABOUT_A_PERSON, story=CANARY, message="no"))
    code = await phone.code()
    assert await everything_ordinary(owner) == before
    assert await count(owner, "sealed.cases") == 1
    assert await count(owner, "sealed.items") >= 4
    assert await heard(owner, phone.jawab.keys) == []
    assert CANARY.encode() not in await everything(owner)
    assert code.encode() not in (await everything(owner)).replace(b" ", b"")
    ordinary = Phone(phone.jawab, owner, "+923990000002")
    told = await ordinary.say(*typed(category="security", message="no"))
    assert [mask(one) for one in said] == [mask(one) for one in told], "nobody can tell the two apart by the phone"


async def test_sealed_words_are_not_written_beside_the_seal_even_for_a_moment(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    """What is blanked later in the same transaction has been written all the same: it stands in the log on disk."""
    await owner.execute("CREATE TABLE written (id uuid, body bytea)")
    await owner.execute(
        "CREATE FUNCTION note_body() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS"
        " $$ BEGIN INSERT INTO written VALUES (NEW.id, NEW.body); RETURN NEW; END $$"
    )
    await owner.execute(
        "CREATE TRIGGER note_body AFTER INSERT OR UPDATE ON inbox FOR EACH ROW EXECUTE FUNCTION note_body()"
    )
    await phone.say(*typed(past="story", **ABOUT_A_PERSON, story=CANARY))
    rows = await (await owner.execute("SELECT id, body FROM written WHERE body IS NOT NULL")).fetchall()
    texts = [jawab.keys.get_json(body, inbox.bound_to(one)).get("text") for one, body in rows]
    assert "سلام" in texts, "what was said in front of the door was seen being written"
    assert CANARY not in texts


def mask(message: dict[str, Any]) -> str:
    return CODE.sub("CODE", json.dumps(message, sort_keys=True))


async def everything_ordinary(owner: Owner) -> list[int]:
    return [await count(owner, table) for table in ("cases", "case_items", "case_history", "clocks", "sorting")]


async def test_a_story_that_came_first_goes_behind_the_door_with_its_ordinary_copies(
    owner: Owner, phone: Phone
) -> None:
    first = await phone.say(f"{STORY} {CANARY}")
    code = CODE.search(json.dumps(first[-1])).group()  # type: ignore[union-attr]
    assert await count(owner, "sorting") == 1
    await phone.say(*typed(past="kind", first=STORY, **ABOUT_A_PERSON)[1:])
    assert (await count(owner, "sorting"), await count(owner, "cases")) == (0, 0)
    assert await count(owner, "sealed.cases") == 1
    assert await heard(owner, phone.jawab.keys) == []
    said = await phone.say(*after("kind", first=STORY, **ABOUT_A_PERSON), f"STATUS {code}")
    assert "follow.none" not in json.dumps(said[-1])


async def test_a_seal_that_fails_rolls_all_of_it_back_and_keeps_no_clear_word(
    jawab: Jawab, owner: Owner, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.say(*typed("story", **ABOUT_A_PERSON))
    sealed = await count(owner, "sealed.items")

    async def fail(*_: Any) -> None:
        raise RuntimeError("no seal")

    whole = sealing.seal
    monkeypatch.setattr(sealing, "seal", fail)
    assert await intake.take(jawab, phone.inbound(CANARY)) == "undone"
    assert await count(owner, "sealed.items") == sealed
    assert CANARY.encode() not in await everything(owner)
    monkeypatch.setattr(sealing, "seal", whole)
    await owner.execute("UPDATE inbox SET received_at = now() - interval '1 hour' WHERE state = 'undone'")
    assert await intake.retry_undone(jawab) == 1
    assert await count(owner, "sealed.items") == sealed + 1
    assert await heard(owner, phone.jawab.keys) == []


async def test_a_wrong_a_foreign_and_a_guessed_code_read_the_same(owner: Owner, phone: Phone) -> None:
    await phone.say("سلام", "1")
    said = [(await phone.say(f"STATUS {code}"))[-1] for code in ("1234 1234 1234 5", "0000 0000 0000 0")]
    assert len({mask(one) for one in said}) == 1


async def test_the_demos_keys_never_open_a_real_districts_case(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await commands.add_district(jawab.db, "quetta")
    await numbers.add(jawab, kind="sms", provider="twilio", address="+92810000009", district_id="quetta")
    there = Phone(jawab, phone.owner, to="+92810000009")
    said = await there.say(*typed(past="kind", kind="person"))
    assert "door.closed" in json.dumps(said[-1]), "they do not open a real district's door either"
    assert await count(owner, "sealed.cases") == 0
    assert await count(owner, "sealed.wraps") == 0


async def test_a_protected_photo_that_cannot_be_had_leaves_no_row_that_names_the_phone(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say(*typed(past="kind", kind="person"))
    await phone.say("", media=(Media("http://127.0.0.1:9/gone", "image/jpeg"),))
    assert await count(owner, "media", "sealed_box IS NOT NULL") == 1
    items = await count(owner, "sealed.items")
    await owner.execute("UPDATE media SET attempts = 6")
    await media.fetch_waiting(jawab)
    assert await count(owner, "media") == 0
    assert await count(owner, "sealed.items") == items + 1, "its readers learn that there was a photo"


async def test_a_code_is_known_at_its_own_districts_number_only_on_both_sides_of_the_door(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await commands.add_district(jawab.db, "quetta")
    await numbers.add(jawab, kind="sms", provider="twilio", address="+92810000009", district_id="quetta")
    there = "+92810000009"
    told = []
    for number, kind in enumerate(("service", "person")):
        writer = Phone(jawab, owner, f"+92399000010{number}")
        await writer.say(*typed(kind=kind))
        code = await writer.code()
        await Phone(jawab, owner, f"+92399000020{number}").say("سلام", "1", f"STATUS {code}", to=there)
        rows = await (await owner.execute("SELECT id, message FROM outbox ORDER BY created_at DESC LIMIT 1")).fetchall()
        told += [jawab.keys.get_json(message, outbox.bound_to(one)) for one, message in rows]
    assert told[0] == told[1], "only a protected case was shown from another district's number"
    assert "follow.none" in json.dumps(told[0])
    assert await count(owner, "code_tries") == 2


async def test_only_five_wrong_codes_an_hour_are_looked_at(owner: Owner, phone: Phone) -> None:
    other = Phone(phone.jawab, owner, "+923990000002")
    await other.say(*typed())
    code = await other.code()
    await phone.say("سلام", "1")
    right = (await phone.say(f"STATUS {code}"))[-1]
    for number in range(5):
        await phone.say("STATUS " + codes.complete(f"{number:012d}"))
    assert await count(owner, "code_tries") == 5
    assert (await phone.say(f"STATUS {code}"))[-1] != right, "the sixth is not looked at, right or wrong"


async def test_behind_the_door_silence_says_nothing(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    before = len(await phone.say(*typed(past="story", **ABOUT_A_PERSON, story=CANARY)))
    await owner.execute("UPDATE sessions SET quiet_at = now() - interval '1 second'")
    await intake.go_quiet(jawab)
    assert len(await phone.owed()) == before
    assert await count(owner, "cases") == 0
    assert await count(owner, "sealed.cases") == 1


async def test_the_inbox_opens_with_our_key_and_only_in_its_own_row(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(STORY)
    row_id, body = await (await owner.execute("SELECT id, body FROM inbox")).fetchone()  # type: ignore[misc]
    assert jawab.keys.get_json(body, inbox.bound_to(row_id))["text"] == STORY


async def test_words_for_a_case_that_was_sealed_meanwhile_go_behind_the_door_too(
    jawab: Jawab, owner: Owner, phone: Phone, demo: SimpleNamespace
) -> None:
    await phone.say(STORY, "1")
    async with jawab.db.transaction("custody") as tx:
        kept = await sorting.take(tx, jawab.keys, (await (await tx.execute("SELECT id FROM sorting")).fetchone())["id"])  # type: ignore[index]
        await vault.seal_kept(tx, jawab.keys, kept)
    sealed = await count(owner, "sealed.items")
    await phone.say(f"{STORY} {CANARY}")
    assert await count(owner, "sealed.items") == sealed + 1
    assert CANARY.encode() not in await everything(owner)
