"""What is forgotten is forgotten alike, what is still needed is not, and what a restore leaves is not lost."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

import jobs
from bot import intake
from bot.intake import sealing
from cases.protected import reading
from desk import protected
from store import crypto, outbox
from store.jawab import Jawab
from tests.answers import STORY, typed
from tests.bot.phones import CODE, Owner, Phone, count, heard


@pytest.fixture
def phone(jawab: Jawab, owner: Owner, demo: object) -> Phone:
    return Phone(jawab, owner)


async def run(jawab: Jawab, name: str, later: timedelta) -> None:
    job = next(job for job in jobs.JOBS if job.name == name)
    await job.work(replace(jawab, db=jawab.db.only(job.role)), datetime.now(UTC) + later)


async def pass_hours(jawab: Jawab, hours: int) -> None:
    for hour in range(1, hours + 1):
        await run(jawab, "forget", timedelta(hours=hour))


# What a report leaves beside its case, as anybody sees it who cannot open a box.
LOOKS = """
SELECT 'inbox', octet_length(body), body IS NULL, substring(body FOR 2)::text, state, error, answered_by IS NULL
FROM inbox WHERE contact_id = %(contact)s
UNION ALL SELECT 'outbox', octet_length(message), inbox_id IS NULL, substring(message FOR 2)::text, state, error,
    case_id IS NULL FROM outbox WHERE contact_id = %(contact)s
UNION ALL SELECT 'session', octet_length(state), given, substring(state FOR 2)::text, NULL, NULL, held_id IS NULL
FROM sessions WHERE contact_id = %(contact)s"""


async def looks(owner: Owner, phone: Phone) -> list[tuple[Any, ...]]:
    tag = phone.jawab.keys.tag(phone.channel, phone.to, phone.address)
    row = await (await owner.execute("SELECT id FROM contacts WHERE address_tag = %s", (tag,))).fetchone()
    assert row
    return sorted(await (await owner.execute(LOOKS, {"contact": row[0]})).fetchall(), key=str)


async def test_an_ordinary_report_and_a_protected_one_look_alike_in_every_row_of_their_phones(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    other = Phone(jawab, owner, "+923990000002")
    await phone.say(*typed(kind="person", story=STORY, message="no"))
    await other.say(*typed(kind="service", story=STORY, message="no"))
    for one in (phone, other):
        await one.say("99")  # an answer that seals nothing, so that nothing is blanked after it
    before = await looks(owner, phone)
    assert before == await looks(owner, other)
    assert {row[2] for row in before if row[0] == "inbox"} == {False}
    await owner.execute("UPDATE sessions SET quiet_at = now()")
    await intake.go_quiet(jawab)
    await pass_hours(jawab, 25)
    after = await looks(owner, phone)
    assert after == await looks(owner, other)
    assert {row[2] for row in after if row[0] == "inbox"} == {True}, "nothing is left of any of them"
    assert await phone.session() == await other.session()


async def test_what_still_waits_opens_after_a_day_and_what_came_twice_is_once(
    jawab: Jawab, owner: Owner, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = phone.inbound(f"{STORY} اور بھی")
    assert await intake.take(jawab, first) == "taken"
    code = CODE.search(json.dumps(await phone.owed())).group()  # type: ignore[union-attr]

    async def fail(*_: Any) -> None:
        raise RuntimeError("no seal")

    other = Phone(jawab, owner, "+923990000002")
    with monkeypatch.context() as broken:
        await other.say(*typed("story", kind="person"))
        broken.setattr(sealing, "seal", fail)
        assert await intake.take(jawab, other.inbound("دوسرا لفظ")) == "undone"
    said = await phone.owed()
    await pass_hours(jawab, 30)
    assert await phone.owed() == said, "what has not gone out may still go"
    assert await heard(owner, jawab.keys) == ["دوسرا لفظ"], "nobody has taken it up yet"
    assert (await phone.session()).memory.report.code == code
    assert await intake.take(jawab, first) == "repeat"
    third = Phone(jawab, owner, "+923990000003")
    assert "follow.now" in json.dumps(await third.say("سلام", "1", code)), "its number opens the card"
    await phone.say(*typed(past="kind", first=STORY, kind="service")[1:])
    assert await count(owner, "cases") == 1


async def test_every_answer_that_waits_is_renewed_however_many_and_one_that_was_erased_meanwhile_stays_so(
    jawab: Jawab, owner: Owner, phone: Phone, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_LOOKED_AT", outbox._LOOKED_AT.replace("500 ROWS", "1 ROWS"))
    phones = [phone, *(Phone(jawab, owner, f"+92399000000{n}") for n in range(2, 6))]
    for one in phones:
        await one.say("سلام")
        await one.say("99")
    missed, erased = await (await owner.execute("SELECT id FROM outbox ORDER BY id LIMIT 2")).fetchall()
    await owner.execute("UPDATE outbox SET state = 'parked' WHERE id = %s", missed)
    said = [await one.owed() for one in phones]
    await pass_hours(jawab, 30)
    assert [await one.owed() for one in phones] == said
    renew = crypto.Keys.renew

    def slow(keys: crypto.Keys, box: bytes, bound_to: str, now: datetime) -> bytes | None:
        if bound_to == outbox.bound_to(erased[0]):
            with psycopg.connect(database_url) as other:
                other.execute("UPDATE outbox SET message = '' WHERE id = %s", erased)
        return renew(keys, box, bound_to, now)

    monkeypatch.setattr(crypto.Keys, "renew", slow)
    await run(jawab, "forget", timedelta(hours=60))
    row = await (await owner.execute("SELECT message FROM outbox WHERE id = %s", erased)).fetchone()
    assert row == (b"",)


@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_card_that_a_restore_brings_without_its_key_goes_to_whoever_reads_behind_the_door(
    jawab: Jawab, owner: Owner, phone: Phone, demo: SimpleNamespace, by_hand: bool
) -> None:
    await phone.say(STORY)
    await phone.say("اور بھی بات")
    jawab.keys.hours.destroy(datetime.now(UTC) + timedelta(hours=40))  # as on a machine that never had them
    await run(jawab, "mix_sealed", timedelta(hours=1))
    assert await count(owner, "sorting") == 1, "its key may be on its way: it is not yet a day old"
    if by_hand:
        await run(jawab, "mix_sealed", timedelta(hours=40))
    else:  # `jawab restore` does not wait for a day to pass
        assert await protected.adopt_restored(jawab.db, jawab.keys) == 1
    assert (await count(owner, "sorting"), await count(owner, "sealed.cases")) == (0, 1)
    assert await count(owner, "alarms", "kind = 'card_restored'") == 1
    login, password = demo.logins["protected"]
    row = await (
        await owner.execute("SELECT id, private_box, key_salt FROM staff WHERE login = %s", (login,))
    ).fetchone()
    case = await (await owner.execute("SELECT id FROM sealed.cases")).fetchone()
    assert row
    assert case
    private = crypto.unlock_private(bytes(row[1]), password, bytes(row[2]))
    async with jawab.db.transaction("custody") as tx:
        items = await reading.open_items(
            tx,
            jawab.keys,
            case[0],
            staff_id=row[0],
            private_key=private,
            reason="first_look",
            now=datetime.now(UTC),
        )
    words = [word["text"] for item in items for word in item.data["words"]]
    assert words == [STORY, "اور بھی بات"]
    assert items[0].data["address"] == phone.address


async def test_every_table_that_a_message_behind_the_door_writes_is_mixed(owner: Owner, demo: object) -> None:
    row = await (await owner.execute("SELECT sealed.room()")).fetchone()
    tables = await (await owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'sealed'")).fetchall()
    assert row
    assert {one for (one,) in tables} - set(row[0]) == {"agreed", "escrow", "rosters", "trust"}, "who may read there"


async def test_the_room_is_filled_and_mixed_and_its_boxes_keep_their_order(
    jawab: Jawab, owner: Owner, phone: Phone, demo: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.say(*typed(kind="person", story=STORY, message="no"), "ایک", "دو")
    async with owner.cursor() as cursor:
        await cursor.execute("SELECT id FROM sealed.items ORDER BY seq")
        before = [one for (one,) in await cursor.fetchall()]
    await run(jawab, "mix_sealed", timedelta(0))
    async with owner.cursor() as cursor:
        await cursor.execute("SELECT id, seq FROM sealed.items ORDER BY seq")
        after = await cursor.fetchall()
        await cursor.execute(
            "SELECT count(DISTINCT xmin::text) FROM (SELECT xmin FROM sealed.items UNION ALL SELECT xmin FROM"
            " sealed.cases UNION ALL SELECT xmin FROM sealed.wraps) AS room"
        )
        assert await cursor.fetchone() == (1,), "one transaction wrote all of it"
    assert [one for one, _ in after][: len(before)] == before
    assert [seq for _, seq in after] == list(range(1, len(after) + 1))
    assert len(after) in {8, 16}
    mixed = await (await owner.execute("SELECT xid FROM sealed.mixed")).fetchall()
    await run(jawab, "mix_sealed", timedelta(0))
    assert await (await owner.execute("SELECT xid FROM sealed.mixed")).fetchall() == mixed, "nothing had come"
    await phone.say("تین")
    monkeypatch.setattr(jobs, "SMALL_ROOM", len(after) - 1)
    await run(jawab, "mix_sealed_small", timedelta(0))
    assert await (await owner.execute("SELECT xid FROM sealed.mixed")).fetchall() == mixed, "it is too large for that"
    monkeypatch.setattr(jobs, "SMALL_ROOM", 8 * len(after))
    await run(jawab, "mix_sealed_small", timedelta(0))
    assert await (await owner.execute("SELECT xid FROM sealed.mixed")).fetchall() != mixed
    assert uuid.UUID(str(after[0][0])) == before[0]
