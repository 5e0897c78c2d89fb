"""The protected door on real rows: shut until somebody could open its cases; what was said by then waits locked."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from bot import numbers
from bot.intake import door, lookups
from cases import commands, outside, sorters
from cases.protected import standing, vault
from desk.protected import seal_card
from store import crypto
from store.database import Tx
from store.jawab import Jawab
from tests.answers import after, typed
from tests.bot.phones import CANARY, Owner, Phone, count, heard
from tests.roster import vouch

REAL = "+92810000009"
ABOUT_A_PERSON = {"category": "security", "kind": "person"}
BRIBE = f"کلرک رشوت مانگتا ہے {CANARY}"
Hire = Callable[..., Awaitable[uuid.UUID]]


@pytest.fixture
def hire(owner: Owner) -> Hire:
    """Somebody of the province, with a public key where they are to read."""

    async def make(role: str = "protected", district: str | None = None) -> uuid.UUID:
        public = crypto.new_keypair()[1] if role == "protected" else None
        row = await (
            await owner.execute(
                "INSERT INTO staff (login, name, role, district_id, password_hash, public_key)"
                " VALUES (%(login)s, %(login)s, %(role)s, %(district)s, 'x', %(key)s) RETURNING id",
                {"login": uuid.uuid4().hex[:12], "role": role, "district": district, "key": public},
            )
        ).fetchone()
        assert row
        return uuid.UUID(str(row[0]))

    return make


@pytest.fixture
async def real(jawab: Jawab, owner: Owner, demo: SimpleNamespace) -> Jawab:
    """A house with a real district whose escrow's private half is somewhere else; nothing is pinned yet."""
    await commands.add_district(jawab.db, "quetta")
    await numbers.add(jawab, kind="sms", provider="twilio", address=REAL, district_id="quetta")
    public = crypto.new_keypair()[1]
    return dataclasses.replace(jawab, keys=dataclasses.replace(jawab.keys, escrow_public=public, folder=None))


@pytest.fixture
def writer(real: Jawab, owner: Owner) -> Phone:
    return Phone(real, owner, to=REAL)


async def pin(real: Jawab) -> None:
    async with real.db.transaction("custody") as tx:
        assert await standing.pin(tx, real.keys)


async def open_door(real: Jawab, hire: Hire) -> list[uuid.UUID]:
    await pin(real)
    readers = [await hire(), await hire()]
    await vouch(real.db)
    return readers


def keys_said(message: dict[str, Any]) -> list[str]:
    return [key for key, _ in message["says"]]


async def why(real: Jawab) -> tuple[str, ...]:
    async with real.db.autocommit("intake") as conn:
        return (await standing.look(conn, real.keys, "quetta")).why


# ── when it is open ──────────────────────────────────────────────────────────────────────────────────────────────────
async def test_it_opens_with_two_readers_and_a_pinned_escrow_and_not_before(real: Jawab, hire: Hire) -> None:
    assert await why(real) == ("escrow_unpinned", "no_reader")
    await pin(real)
    assert await why(real) == ("no_reader",)
    await hire()
    assert await why(real) == ("no_reader",), "nobody has signed for them"
    await vouch(real.db)
    assert await why(real) == ("one_reader",)
    await hire(district="quetta")
    await vouch(real.db)
    assert await why(real) == ("one_reader",), "who sits in a district reads nothing"
    await hire()
    await vouch(real.db)
    assert await why(real) == ()


async def test_another_escrow_than_the_pinned_one_closes_it_and_is_heard_of_once(
    real: Jawab, owner: Owner, hire: Hire
) -> None:
    await open_door(real, hire)
    other = dataclasses.replace(real, keys=dataclasses.replace(real.keys, escrow_public=crypto.new_keypair()[1]))
    assert await why(other) == ("escrow_other",)
    for _ in range(2):
        async with other.db.transaction("custody") as tx:
            await standing.watch_escrow(tx, other.keys)
    assert await count(owner, "alarms", "kind = 'protected_escrow_other'") == 1
    async with other.db.transaction("custody") as tx:
        assert not await standing.pin(tx, other.keys), "it is set once"
        assert await standing.escrow_of(tx, other.keys) is None, "nothing is sealed to it"


async def test_the_escrows_private_half_beside_the_keys_closes_it_under_any_name(
    real: Jawab, hire: Hire, tmp_path: Any
) -> None:
    await open_door(real, hire)
    private, public = crypto.new_keypair()
    here = dataclasses.replace(real.keys, escrow_public=public, folder=tmp_path)
    assert here.find_escrow_private() is None
    (tmp_path / "notes.txt").write_text(f"escrow {private.hex()}\n")
    assert here.find_escrow_private() == tmp_path / "notes.txt"
    async with real.db.autocommit("custody") as conn:
        assert "escrow_key_here" in (await standing.look(conn, here)).why


async def test_the_demos_own_pair_and_readers_open_its_door_and_no_other(real: Jawab, phone: Phone) -> None:
    async with real.db.autocommit("intake") as conn:
        assert (await standing.look(conn, phone.jawab.keys, "pishin", demo=True)).open
        assert not (await standing.look(conn, phone.jawab.keys, "quetta")).open
    said = await phone.say(*typed(**ABOUT_A_PERSON))
    assert "door.closed" not in json.dumps(said)


# ── while it is closed ───────────────────────────────────────────────────────────────────────────────────────────────
async def test_with_no_reader_words_wait_locked_for_the_provinces_triage_and_for_nobody_else(
    real: Jawab, owner: Owner, writer: Phone, hire: Hire
) -> None:
    said = (await writer.say("سلام", "1", BRIBE))[-1]
    assert keys_said(said) == ["door.closed", "door.kept", "door.alone"]
    assert said["options"] == []
    assert await count(owner, "sealed.cases") == 0
    assert await count(owner, "cases") == 0
    assert await count(owner, "sorting", "state = 'locked'") == 1
    assert await heard(owner, real.keys) == [], "no other copy stays"
    province, own = await hire("triage"), await hire("triage", "quetta")
    async with real.db.transaction("console") as tx:
        now = datetime.now(UTC)
        (card,) = await sorters.list_for(tx, real.keys, province, now, state="locked")
        assert [word["text"] for word in card.words] == [BRIBE]
        for state in sorters.STATES:
            assert await sorters.list_for(tx, real.keys, own, now, state=state) == []
    assert keys_said((await writer.say(f"STATUS {await writer.code()}"))[-1])[0] == "follow.now"


async def test_when_it_opens_the_triage_sends_behind_it_what_waited(
    real: Jawab, owner: Owner, writer: Phone, hire: Hire
) -> None:
    await writer.say("سلام", "1", BRIBE)
    code, triage = await writer.code(), await hire("triage")
    (card,) = await (await owner.execute("SELECT id FROM sorting")).fetchall()

    async def seal() -> None:
        async with real.db.transaction("custody") as tx:
            await seal_card(tx, real.keys, card[0], actor=triage, now=datetime.now(UTC))

    await pin(real)
    await hire()
    await vouch(real.db)
    await seal()
    assert await count(owner, "sorting", "state = 'locked'") == 1, "one reader is too few"
    await hire()
    await vouch(real.db)
    await seal()
    assert (await count(owner, "sorting"), await count(owner, "sealed.cases")) == (0, 1)
    async with real.db.autocommit("intake") as conn:
        assert await vault.find(conn, real.keys.hash_code(code)) is not None


async def test_a_kept_story_is_locked_with_its_answers(real: Jawab, owner: Owner, writer: Phone) -> None:
    await writer.say(f"تین دن سے {CANARY}", "1")
    assert await count(owner, "sorting", "state = 'waiting'") == 1
    await writer.say("PRIVATE")
    assert await count(owner, "sorting", "state = 'locked'") == 1
    assert await heard(owner, real.keys) == []


# ── it closes in the middle ──────────────────────────────────────────────────────────────────────────────────────────
async def disable(owner: Owner, *who: uuid.UUID) -> None:
    await owner.execute("UPDATE staff SET disabled_at = now() WHERE id = ANY(%s)", (list(who),))


async def test_a_reader_who_is_disabled_between_two_messages_loses_no_word_and_each_line_is_true(
    real: Jawab, owner: Owner, writer: Phone, hire: Hire
) -> None:
    first, _ = await open_door(real, hire)
    await writer.say(*typed(past="place", **ABOUT_A_PERSON))
    code, items = await writer.code(), await count(owner, "sealed.items")
    await disable(owner, first)
    said = (await writer.say(CANARY))[-1]
    assert keys_said(said) == ["door.closed", "door.kept", "door.alone"]
    assert said["says"][1][1] == {"code": {"code": code}}
    assert await count(owner, "sealed.items") == items + 1
    assert len(await heard(owner, real.keys)) <= 2, "the greeting and the language"


async def test_with_no_reader_left_and_no_escrow_the_words_wait_locked(
    real: Jawab, owner: Owner, writer: Phone, hire: Hire
) -> None:
    readers = await open_door(real, hire)
    await writer.say(*typed(past="place", **ABOUT_A_PERSON))
    await disable(owner, *readers)
    writer.jawab = dataclasses.replace(real, keys=dataclasses.replace(real.keys, escrow_public=None))
    assert keys_said((await writer.say(CANARY))[-1])[0] == "door.closed"
    assert await count(owner, "sorting", "state = 'locked'") == 1


async def test_a_door_that_closes_while_a_turn_is_made_takes_nothing_in(
    real: Jawab, owner: Owner, writer: Phone, hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = await open_door(real, hire)
    await writer.say("سلام", "1")
    monkeypatch.setattr(door, "FRESH", 60.0)
    hashed = lookups.hash_codes

    async def disable_then_hash(*given: Any) -> None:
        await disable(owner, first)
        await hashed(*given)

    monkeypatch.setattr(lookups, "hash_codes", disable_then_hash)
    assert keys_said((await writer.say(BRIBE))[-1])[0] == "door.closed"
    assert await count(owner, "sealed.cases") == 0
    assert await count(owner, "sorting", "state = 'locked'") == 1


async def test_a_case_that_one_alone_could_open_alarms_each_day_and_is_not_named(
    real: Jawab, owner: Owner, writer: Phone, hire: Hire
) -> None:
    first, _ = await open_door(real, hire)
    await writer.say(*typed(**ABOUT_A_PERSON))

    async def count_readers() -> int:
        async with real.db.transaction("custody") as tx:
            await standing.count_readers(tx)
        return await count(owner, "alarms", "kind = 'protected_few_readers' AND data = '{}'")

    assert await count_readers() == 0
    await disable(owner, first)
    assert [await count_readers(), await count_readers()] == [1, 2]


# ── others to ask ────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_the_closed_door_and_help_name_the_same_others(real: Jawab, owner: Owner, writer: Phone) -> None:
    body = outside.Body.model_validate(
        {"names": {"en": "Test line"}, "phone": "1043", "source": "written for a test", "read_on": "2026-11-01"}
    )
    async with real.db.transaction("console") as tx:
        await outside.put(tx, "quetta", body, datetime.now(UTC).date())
    said = await writer.say("سلام", "1", "PRIVATE", "HELP")
    others = {"outside": {"names": {"en": "Test line 1043"}}}
    assert ["outside.ask", others] in said[-2]["says"]
    assert ["outside.ask", others] in said[-1]["says"]


async def test_the_demos_own_are_told_in_the_demo_alone(real: Jawab) -> None:
    async with real.db.autocommit("intake") as conn:
        assert [one.demo for one in await outside.of_district(conn, "pishin")] == [True]
        assert await outside.of_district(conn, "quetta") == []


async def test_nothing_that_is_locked_becomes_an_ordinary_case(
    real: Jawab, owner: Owner, writer: Phone, hire: Hire
) -> None:
    """Who sorts locked the story while its writer was still answering: it stays locked."""
    await writer.say(f"تین دن سے {CANARY}", "1")
    (card,) = await (await owner.execute("SELECT id FROM sorting")).fetchall()

    async def lock(tx: Tx) -> None:
        await seal_card(tx, real.keys, card[0], actor=await hire("triage"), now=datetime.now(UTC))

    async with real.db.transaction("custody") as tx:
        await lock(tx)
    await writer.say(*after("category", first="x", category="water", kind="service"))
    assert await count(owner, "cases") == 0
    assert await count(owner, "sealed.cases") == 0
    assert await count(owner, "sorting", "state = 'locked'") == 1
