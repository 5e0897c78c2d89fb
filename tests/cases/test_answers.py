"""What the reporter of a protected case is told, on real rows: the words that anybody is told, and no other reader."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from cases import acts, register, safe_hours
from cases.lifecycle import Refused
from cases.protected import reading, said, vault
from store import outbox
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW, fresh_code
from tests.cases.sealed import CANARY, CLOSING, act, dump, look

Row = Callable[..., Awaitable[dict[str, Any]]]
Person = Callable[..., Awaitable[UUID]]
PHONE = "+923001112223"
ANSWER = "زرقا-7731: وہ اب وہاں نہیں۔"


@pytest.fixture
def report(db: Database, keys: Keys, person: Person) -> Callable[..., Awaitable[SimpleNamespace]]:
    """A protected report of a phone that we know, as the citizen's side seals it."""

    async def make(*, may: bool = True, hour: str = "") -> SimpleNamespace:
        code, contact_id = fresh_code(), await person(PHONE)
        async with db.transaction("intake") as tx:
            for kind, data in (
                ("story", {"code": code, "channel": "sms", "address": PHONE, "lang": "ur", "text": CANARY}),
                ("message", {"code": code, "may_message": may}),
                ("call", {"code": code, "call": {"by": "woman", "hour": hour}}),
            ):
                case_id = await vault.seal(
                    tx, keys, code_hash=keys.hash_code(code), district_id="pishin", kind=kind, data=data, now=NOW
                )
        return SimpleNamespace(code=code, contact=contact_id, case=case_id)

    return make


async def owed(db: Database, keys: Keys) -> list[dict[str, Any]]:
    async with db.autocommit("console") as conn:
        rows = await (await conn.execute("SELECT * FROM outbox ORDER BY created_at, id")).fetchall()
    return [{**row, "message": keys.get_json(row["message"], outbox.bound_to(row["id"]))} for row in rows]


async def test_the_reporter_is_told_in_the_words_of_an_ordinary_case(
    db: Database, keys: Keys, place: SimpleNamespace, report: Any, opened: Any, readers: list[SimpleNamespace]
) -> None:
    one, (first, second) = await report(), readers
    await look(db, keys, one.case, first)
    for verb, more in (("see", {}), ("start", {}), ("answer", {"text": ANSWER})):
        await act(db, keys, one.case, first, verb, **more)
    await act(db, keys, one.case, first, "ask_close", **CLOSING)
    await look(db, keys, one.case, second)
    await act(db, keys, one.case, second, "close")
    sealed = [row["message"] for row in await owed(db, keys) if row["contact_id"] == one.contact]

    handler, other = place.staff["handler"], place.staff["supervisor"]
    case_id = await opened("security")
    async with db.transaction("console") as tx:
        await acts.acknowledge(tx, keys, case_id, actor=handler, now=NOW)
        await acts.start(tx, keys, case_id, actor=handler, now=NOW)
        await acts.answer(tx, keys, case_id, actor=handler, now=NOW, text=ANSWER, apart=True)
        await acts.answer(tx, keys, case_id, actor=handler, now=NOW, text="x", apart=True)
        await tx.execute(
            "UPDATE cases SET status = 'resolved', told_at = %s WHERE id = %s", (NOW - timedelta(days=40), case_id)
        )
        await acts.close(tx, keys, case_id, actor=other, now=NOW)
        code = (await register.read(tx, case_id)).code
    ordinary = [row["message"] for row in await owed(db, keys) if row["contact_id"] != one.contact]
    masked = json.dumps(ordinary).replace(code, "CODE")
    assert json.dumps(sealed).replace(one.code, "CODE") == masked


async def test_an_answer_is_read_by_the_number_and_by_no_key_of_the_house(
    db: Database, keys: Keys, report: Any, readers: list[SimpleNamespace], owner: psycopg.AsyncConnection[Any]
) -> None:
    one, (first, second) = await report(), readers
    await look(db, keys, one.case, first)
    await act(db, keys, one.case, first, "answer", text=ANSWER)
    async with db.autocommit("intake") as conn:
        found = await vault.find(conn, keys.hash_code(one.code))
    assert found is not None
    (stands,) = said.open_box(found.said, keys.code_key(one.code))
    assert (stands["text"], found.status) == (ANSWER, "seen")
    assert said.open_box(found.said, keys.code_key(fresh_code())) == []
    assert keys.code_key(one.code) != keys.hash_code(one.code)
    for row in await owed(db, keys):
        assert ANSWER not in json.dumps(row["message"], ensure_ascii=False), "no phone is sent a word of it"
    for table, held in (await dump(owner)).items():
        assert ANSWER.encode() not in held, table
    told = (await look(db, keys, one.case, second))[-1]
    assert (told.kind, told.data["message"]["text"], told.data["by"]) == ("told", ANSWER, str(first.id))
    async with db.transaction("custody") as tx:
        lengths = await (await tx.execute("SELECT length(box) AS n FROM sealed.said")).fetchone()
    await act(db, keys, one.case, first, "answer", text="ہاں")
    async with db.transaction("custody") as tx:
        assert await (await tx.execute("SELECT length(box) AS n FROM sealed.said")).fetchone() == lengths


async def test_who_did_not_allow_messages_gets_none_and_reads_by_the_number(
    db: Database, keys: Keys, report: Any, readers: list[SimpleNamespace]
) -> None:
    one, (first, _) = await report(may=False), readers
    await look(db, keys, one.case, first)
    for verb, more in (("see", {}), ("answer", {"text": ANSWER})):
        assert await act(db, keys, one.case, first, verb, **more) is None
    assert await owed(db, keys) == []
    async with db.autocommit("intake") as conn:
        found = await vault.find(conn, keys.hash_code(one.code))
    assert found is not None
    assert [one["text"] for one in said.open_box(found.said, keys.code_key(one.code))] == [ANSWER]


async def test_a_message_waits_for_the_safe_time(
    db: Database, keys: Keys, report: Any, readers: list[SimpleNamespace]
) -> None:
    one, (first, _) = await report(hour="evening"), readers
    await look(db, keys, one.case, first)
    await act(db, keys, one.case, first, "see")  # at 14:00 there
    (row,) = await owed(db, keys)
    assert row["due_at"].astimezone(ZoneInfo("Asia/Karachi")).strftime("%d %H:%M") == "18 16:00"


@pytest.mark.parametrize(
    ("hour", "now", "at"),
    [
        ("", "2026-11-18T02:00", "2026-11-18T02:00"),
        ("morning", "2026-11-18T07:00", "2026-11-18T08:00"),
        ("morning", "2026-11-18T11:59", "2026-11-18T11:59"),
        ("morning", "2026-11-18T12:00", "2026-11-19T08:00"),
        ("noon", "2026-11-18T09:00", "2026-11-18T12:00"),
        ("evening", "2026-11-18T23:00", "2026-11-19T16:00"),
    ],
)
def test_the_safe_time_comes_next_in_the_districts_own_day(hour: str, now: str, at: str) -> None:
    zone = ZoneInfo("Asia/Karachi")
    there = datetime.fromisoformat(now).replace(tzinfo=zone)
    assert safe_hours.next_at(hour, there) == datetime.fromisoformat(at).replace(tzinfo=zone)


async def test_a_day_to_come_back_to_it_alarms_once_and_an_opening_keeps_it(
    db: Database, keys: Keys, report: Any, readers: list[SimpleNamespace], row: Row
) -> None:
    one, (first, second) = await report(), readers
    await look(db, keys, one.case, first)
    with pytest.raises(Refused, match="date_past"):
        await act(db, keys, one.case, first, "plan", text="x", until=date(2026, 11, 17))
    with pytest.raises(Refused, match="date_missing"):
        await act(db, keys, one.case, first, "plan", text="x", until=None)
    await act(db, keys, one.case, first, "plan", text="ask the school", until=date(2026, 11, 20))
    plan = (await look(db, keys, one.case, second))[-1]
    assert (plan.kind, plan.data["text"], plan.data["until"]) == ("plan", "ask the school", "2026-11-20")

    async def sweep(today: date) -> int:
        async with db.transaction("custody") as tx:
            return await reading.sweep(tx, today)

    assert await sweep(date(2026, 11, 20)) == 0, "the day is not over"
    assert await sweep(date(2026, 11, 21)) == 1
    assert await sweep(date(2026, 11, 21)) == 0
    alarm = await row("SELECT data, district_id FROM alarms WHERE kind = 'protected_follow_up'")
    assert (alarm["data"], alarm["district_id"]) == ({}, None), "it names no case"
    await look(db, keys, one.case, second, now=NOW + timedelta(days=3))
    assert (await row("SELECT follow_up_on, follow_up_late FROM sealed.cases")) == {
        "follow_up_on": None, "follow_up_late": False,
    }  # fmt: skip


async def test_a_question_back_comes_back_by_itself(
    db: Database, keys: Keys, report: Any, readers: list[SimpleNamespace], row: Row
) -> None:
    one, (first, _) = await report(), readers
    await look(db, keys, one.case, first)
    await act(db, keys, one.case, first, "answer", text="کہاں؟", asks=True)
    assert (await row("SELECT follow_up_on FROM sealed.cases"))["follow_up_on"] == date(2026, 11, 25)


async def test_a_seal_without_its_number_cannot_be_answered(
    db: Database, keys: Keys, readers: list[SimpleNamespace], code_hash: bytes
) -> None:
    async with db.transaction("intake") as tx:
        case_id = await vault.seal(
            tx, keys, code_hash=code_hash, district_id="pishin", kind="story", data={"text": CANARY}, now=NOW
        )
    await look(db, keys, case_id, readers[0])
    await act(db, keys, case_id, readers[0], "see")
    with pytest.raises(Refused, match="number_unknown"):
        await act(db, keys, case_id, readers[0], "answer", text=ANSWER)
