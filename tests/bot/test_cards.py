"""What intake hands to the triage, and what a citizen's next words do to a card that was decided meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from cases import card_boxes, cards, decisions
from cases.card_boxes import Kept
from desk.decisions import carry_out, seal
from store.database import fetch_one
from store.jawab import Jawab
from tests.answers import STORY, typed
from tests.bot.phones import CANARY, Owner, Phone, count, heard


async def card(jawab: Jawab, where: str = "true") -> Kept:
    async with jawab.db.transaction("intake") as tx:
        row: Any = await fetch_one(tx, f"SELECT * FROM sorting WHERE {where} ORDER BY received_at DESC LIMIT 1")
        return card_boxes.open_row(jawab.keys, row)


@pytest.fixture
async def triage(owner: Owner) -> UUID:
    row = await (await owner.execute("SELECT id FROM staff WHERE role = 'triage'")).fetchone()
    assert row
    found: UUID = row[0]
    return found


async def decide(jawab: Jawab, card_id: UUID, verb: str, staff_id: UUID, **form: str) -> None:
    async with jawab.db.transaction("console") as tx:
        said = {"by": "Somebody", **form}
        await decisions.put(tx, jawab.keys, card_id, verb, said, staff_id=staff_id, now=datetime.now(UTC))


async def later(jawab: Jawab) -> int:
    now = datetime.now(UTC) + timedelta(seconds=11)
    return await carry_out(jawab, now) + await seal(jawab, now)


async def test_who_asks_for_a_person_is_told_when_and_brings_the_words_before_it(phone: Phone, jawab: Jawab) -> None:
    await phone.say("السلام علیکم", "1")
    said = await phone.say("وہ بات جو کل ہوئی تھی", "HELP", "1")
    kept = await card(jawab, "reason = 'person'")
    assert "وہ بات جو کل ہوئی تھی" in [word["text"] for word in kept.words]
    assert not [word for word in kept.words if word["text"] in {"1", "2"}], "a digit says nothing without its question"
    assert kept.due_acknowledge - kept.received_at == timedelta(hours=72)
    assert "person.called" in [key for key, _ in said[-1]["says"]]


async def test_sealed_words_do_not_stand_on_a_card(phone: Phone, jawab: Jawab, owner: Owner) -> None:
    await phone.say(*typed("story", first="PRIVATE"), CANARY)
    assert await count(owner, "sealed.cases") == 1
    await phone.say("MENU", "HELP", "1")
    if await count(owner, "sorting"):
        assert CANARY not in str((await card(jawab)).words)


async def test_a_card_knows_what_was_asked(phone: Phone, jawab: Jawab) -> None:
    await phone.say("السلام علیکم", "1", "نلکے کا پانی تین دن سے بند پڑا ہے")
    assert (await card(jawab)).answers["asked"] == "complaint.category"


async def test_the_next_words_of_whoever_wrote_no_complaint_take_it_back(
    phone: Phone, jawab: Jawab, owner: Owner, triage: UUID
) -> None:
    await phone.say("نلکے کا پانی تین دن سے بند پڑا ہے")
    kept = await card(jawab)
    await decide(jawab, kept.id, "dismiss", triage)
    assert await later(jawab) == 1
    assert (await card(jawab, f"id = '{kept.id}'")).state == "dismissed"
    await phone.say("1", "اور ٹینکر بھی نہیں آتا ہے یہاں کبھی")
    assert (await card(jawab, f"id = '{kept.id}'")).state == "waiting"
    assert await count(owner, "dismissals", "taken_back_at IS NULL") == 0


async def test_asking_with_the_code_takes_it_back_too(phone: Phone, jawab: Jawab, owner: Owner, triage: UUID) -> None:
    await phone.say("نلکے کا پانی تین دن سے بند پڑا ہے")
    kept = await card(jawab)
    async with jawab.db.transaction("console") as tx:
        await cards.dismiss(tx, jawab.keys, kept.id, actor=triage, now=datetime.now(UTC))
    other = Phone(jawab, owner, address="+923990000002")
    said = await other.say("السلام علیکم", "1", f"STATUS {kept.code}", kept.code)
    assert "status" in str(said[-1]) or "follow" in str(said[-1])
    assert (await card(jawab, f"id = '{kept.id}'")).state == "waiting"


async def test_an_answer_meanwhile_ends_behind_the_door_that_the_triage_has_chosen(
    phone: Phone, jawab: Jawab, owner: Owner, triage: UUID
) -> None:
    await phone.say("السلام علیکم", "1", CANARY)
    kept = await card(jawab)
    await decide(jawab, kept.id, "seal", triage)
    await phone.say(*typed("message", first=CANARY, category="water")[1:])
    assert await count(owner, "cases") == 0
    assert await count(owner, "sealed.cases") == 1, "not one moment in the queue"
    await later(jawab)
    assert (await count(owner, "cases"), await count(owner, "sorting")) == (0, 0)
    assert await heard(owner, jawab.keys) == []


async def test_a_card_for_a_person_is_the_same_after_a_report_on_either_side_of_the_door(
    jawab: Jawab, owner: Owner, demo: SimpleNamespace
) -> None:
    told = []
    for number, kind in enumerate(("service", "person")):
        phone = Phone(jawab, owner, f"+92399000050{number}")
        await phone.say("کیا یہ نمبر کام کرتا ہے", *typed(category="security", kind=kind, story=STORY)[1:])
        await phone.say("MENU", "یہ کس کا نمبر ہے", "HELP", "1")
        told.append([word["text"] for word in (await card(jawab, "reason = 'person'")).words])
    assert told[0] == told[1]
    assert "MENU" not in told[0]
