"""Who reads sealed cases: whose key opens what, what each look leaves behind, and what the desk may do with them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import date
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from cases import sorting, staff
from cases.lifecycle import Refused
from cases.protected import reading, vault
from cases.staff import Person
from store import crypto
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW, fresh_code
from tests.cases.sealed import CANARY, CLOSING, act, look, seal, wraps
from tests.roster import vouch

Opened = Callable[..., Awaitable[UUID]]
Row = Callable[..., Awaitable[dict[str, Any]]]


async def test_when_the_audit_fails_nobody_reads(
    db: Database,
    keys: Keys,
    owner: psycopg.AsyncConnection[Any],
    code_hash: bytes,
    readers: list[SimpleNamespace],
) -> None:
    case_id = await seal(db, keys, code_hash)
    await owner.execute("REVOKE EXECUTE ON FUNCTION audit_write(text, text, text, text) FROM jawab_custody")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await look(db, keys, case_id, readers[0])


async def test_every_look_leaves_one_line_with_its_reason(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    await look(db, keys, case_id, readers[0])
    line = await row("SELECT actor, action, object FROM audit WHERE action LIKE 'protected.%%'")
    assert line == {"actor": str(readers[0].id), "action": "protected.open:first_look", "object": str(case_id)}
    with pytest.raises(Refused, match="reason_missing"):
        await look(db, keys, case_id, readers[0], reason="curious")


async def test_for_who_is_no_reader_the_case_does_not_exist(
    db: Database, keys: Keys, code_hash: bytes, place: SimpleNamespace, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    for role in ("handler", "supervisor", "triage", "editor", "approver", "admin"):
        stranger = SimpleNamespace(id=place.staff[role], key=readers[0].key)
        async with db.autocommit("custody") as conn:
            assert await reading.list_for(conn, stranger.id) == []
        for asked in (case_id, uuid.uuid4()):
            with pytest.raises(Refused, match="not_allowed"):
                await look(db, keys, asked, stranger)


async def test_for_a_protected_handler_who_came_later_the_case_does_not_exist(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    async with db.transaction("console") as tx:
        await staff.add(tx, Person(login="later", name="", role="protected", district_id=None))
    later = SimpleNamespace(id=(await row("SELECT id FROM staff WHERE login = 'later'"))["id"], key=readers[0].key)
    async with db.autocommit("custody") as conn:
        assert await reading.list_for(conn, later.id) == []
    with pytest.raises(Refused, match="not_allowed"):
        await look(db, keys, case_id, later)


async def test_a_reader_with_a_new_password_does_not_open_what_was_sealed_before(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    first, second = readers
    async with db.transaction("console") as tx:
        password = await staff.add(tx, Person(login=first.login, name="", role="protected", district_id=None))
        found = await (
            await tx.execute("SELECT private_box, key_salt FROM staff WHERE id = %s", (first.id,))
        ).fetchone()
    assert found is not None
    first.key = crypto.unlock_private(found["private_box"], password, bytes(found["key_salt"]))
    await seal(db, keys, code_hash, kind="more", data={"text": "نیا"})
    assert [item.kind for item in await look(db, keys, case_id, first)] == ["unreadable", "unreadable"], (
        "nobody signed it"
    )
    assert [item.kind for item in await look(db, keys, case_id, second)] == ["story", "more"]


async def test_who_has_left_gets_no_key_to_what_comes_later(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET disabled_at = now() WHERE id = %s", (readers[0].id,))
    await seal(db, keys, code_hash, kind="more")
    with pytest.raises(Refused):
        await look(db, keys, case_id, readers[0])
    assert sorted(str(row["reader"]) for row in await wraps(db)).count(str(readers[0].id)) == 1
    assert len(await look(db, keys, case_id, readers[1])) == 2


async def test_a_protected_handler_of_a_district_is_never_a_reader(
    db: Database, keys: Keys, code_hash: bytes, place: SimpleNamespace, row: Row
) -> None:
    async with db.transaction("console") as tx:
        await staff.add(tx, Person(login="near", name="Near", role="protected", district_id="pishin"))
    await seal(db, keys, code_hash)
    near = (await row("SELECT id FROM staff WHERE login = 'near'"))["id"]
    assert near not in (await row("SELECT recipients FROM sealed.cases"))["recipients"]


async def test_the_accused_office_and_who_commands_it_get_no_key(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    async with db.transaction("console") as tx:
        await staff.add(
            tx,
            Person(login="over-police", name="", role="protected", district_id=None, office_id=place.above["police"]),
        )
    await vouch(db)
    contact_id = await person()
    recipients = []
    for accused in ((), (place.offices["police"],)):
        async with db.transaction("intake") as tx:
            sorting_id = await sorting.keep(
                tx,
                keys,
                code=fresh_code(),
                district_id="pishin",
                contact_id=contact_id,
                channel="sms",
                lang="ur",
                story=CANARY,
                now=NOW,
            )
        async with db.transaction("custody") as tx:
            kept = await sorting.take(tx, keys, sorting_id)
            case_id = await vault.seal_kept(tx, keys, kept, accused=accused)
        recipients.append(set((await row("SELECT recipients FROM sealed.cases WHERE id = %s", case_id))["recipients"]))
    over = (await row("SELECT id FROM staff WHERE login = 'over-police'"))["id"]
    assert recipients[0] - recipients[1] == {over}
    assert len(recipients[1]) == 2


async def test_closing_takes_two_readers(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    first, second = readers
    await look(db, keys, case_id, first)
    await look(db, keys, case_id, second)
    with pytest.raises(Refused, match="unknown_move"):
        await act(db, keys, case_id, first, "ask_close", **CLOSING)
    await act(db, keys, case_id, first, "see")
    await act(db, keys, case_id, first, "start")
    with pytest.raises(Refused, match="second_person"):
        await act(db, keys, case_id, first, "close")
    await act(db, keys, case_id, first, "ask_close", **CLOSING)
    await look(db, keys, case_id, first)
    with pytest.raises(Refused, match="second_person"):
        await act(db, keys, case_id, first, "close")
    with pytest.raises(Refused, match="unread"):
        await act(db, keys, case_id, second, "close")  # what they have read is older than what they agree to
    await look(db, keys, case_id, second)
    await act(db, keys, case_id, second, "close")
    assert (await row("SELECT status FROM sealed.cases"))["status"] == "closed"
    with pytest.raises(Refused, match="unknown_move"):
        await act(db, keys, case_id, first, "see")


async def test_nobody_sees_or_begins_what_they_have_not_opened(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    first, second = readers
    await look(db, keys, case_id, second)
    for verb, more in (("see", {}), ("start", {}), ("answer", {"text": "x"}), ("close", {})):
        with pytest.raises(Refused, match="unopened"):
            await act(db, keys, case_id, first, verb, **more)
    assert (await row("SELECT status FROM sealed.cases"))["status"] == "received"


async def test_an_ask_to_close_says_what_came_of_it_and_whether_the_accused_was_heard(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    first, second = readers
    await look(db, keys, case_id, first)
    await act(db, keys, case_id, first, "see")
    for wrong in ({"found": ""}, {"heard": ""}, {"heard": "named"}, {"text": " "}):
        with pytest.raises(Refused, match="missing"):
            await act(db, keys, case_id, first, "ask_close", **{**CLOSING, **wrong})
    await act(db, keys, case_id, first, "ask_close", **CLOSING)
    closing = (await look(db, keys, case_id, second))[-1]
    assert (closing.kind, closing.data) == ("closing", {**CLOSING, "by": str(first.id)})


async def test_an_ask_to_close_can_be_taken_back_by_who_asked_alone(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    first, second = readers

    async def does(verb: str, reader: SimpleNamespace) -> None:
        await look(db, keys, case_id, reader)
        await act(db, keys, case_id, reader, verb, **(CLOSING if verb == "ask_close" else {}))

    with pytest.raises(Refused, match="unknown_move"):
        await does("ask_close", first)  # nobody has seen it yet
    await does("see", first)
    await does("ask_close", first)
    with pytest.raises(Refused, match="unknown_move"):
        await does("ask_close", second)  # to close is theirs now, not to ask in the other's place
    with pytest.raises(Refused, match="unknown_move"):
        await does("unask_close", second)
    await does("unask_close", first)
    with pytest.raises(Refused, match="second_person"):
        await does("close", second)
    await does("ask_close", second)
    await does("close", first)
    with pytest.raises(Refused, match="unknown_move"):
        await does("unask_close", second)
    written = await row("SELECT string_agg(action, ' ' ORDER BY id) AS acts FROM audit WHERE action LIKE '%%close'")
    assert written["acts"] == "protected.ask_close protected.unask_close protected.ask_close protected.close"


async def test_an_ask_to_close_stands_for_thirty_days(
    db: Database,
    keys: Keys,
    code_hash: bytes,
    readers: list[SimpleNamespace],
    owner: psycopg.AsyncConnection[Any],
) -> None:
    case_id = await seal(db, keys, code_hash)
    first, second = readers

    async def asked_by() -> UUID | None:
        async with db.autocommit("custody") as conn:
            (found,) = await reading.list_for(conn, second.id)
        return found.close_asked_by

    await look(db, keys, case_id, first)
    await act(db, keys, case_id, first, "see")
    await act(db, keys, case_id, first, "ask_close", **CLOSING)
    await owner.execute("UPDATE sealed.cases SET close_asked_at = close_asked_at - interval '29 days 23 hours'")
    assert await asked_by() == first.id
    await owner.execute("UPDATE sealed.cases SET close_asked_at = close_asked_at - interval '2 hours'")
    assert await asked_by() is None
    await look(db, keys, case_id, second)
    with pytest.raises(Refused, match="second_person"):
        await act(db, keys, case_id, second, "close")
    await act(db, keys, case_id, second, "ask_close", **CLOSING)
    assert await asked_by() == second.id


async def test_two_readers_and_one_ask_taken_back_meanwhile_close_nothing(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    """The ask is looked at in the statement that closes: one that is being taken back is waited for."""
    case_id = await seal(db, keys, code_hash)
    first, second = readers
    await look(db, keys, case_id, first)
    await act(db, keys, case_id, first, "see")
    await act(db, keys, case_id, first, "ask_close", **CLOSING)
    await look(db, keys, case_id, second)

    async with db.transaction("custody") as tx:
        await reading.unask_close(tx, case_id, staff_id=first.id)
        closing = asyncio.create_task(act(db, keys, case_id, second, "close"))
        while not (await row("SELECT count(*) AS n FROM pg_locks WHERE NOT granted"))["n"]:
            assert not closing.done()
    with pytest.raises(Refused, match="second_person"):
        await closing
    assert (await row("SELECT status FROM sealed.cases"))["status"] == "seen"


async def test_a_note_is_sealed_to_the_same_readers(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    async with db.transaction("custody") as tx:
        await reading.note(tx, keys, case_id, staff_id=readers[0].id, text="بات ہوئی", now=NOW)
    items = await look(db, keys, case_id, readers[1])
    assert items[-1].data == {"text": "بات ہوئی", "by": str(readers[0].id)}


async def test_a_date_that_has_passed_is_marked_once_and_the_alarm_names_no_case(
    db: Database, keys: Keys, code_hash: bytes, demo: object, row: Row
) -> None:
    await seal(db, keys, code_hash)
    found = []
    for day in (date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 24)):  # its week ends on a Sunday
        async with db.transaction("custody") as tx:
            found.append(await reading.sweep(tx, day))
    assert found == [0, 1, 0]
    assert await row("SELECT kind, district_id, data FROM alarms") == {
        "kind": "protected_overdue",
        "district_id": None,
        "data": {},
    }


async def test_looks_of_more_than_an_hour_ago_do_not_count_and_the_audit_is_not_asked(
    db: Database,
    keys: Keys,
    code_hash: bytes,
    readers: list[SimpleNamespace],
    owner: psycopg.AsyncConnection[Any],
    row: Row,
) -> None:
    case_id = await seal(db, keys, code_hash)
    for _ in range(reading.MOST_OPENS):
        await look(db, keys, case_id, readers[0])
    await owner.execute("UPDATE sealed.looks SET at = at - interval '61 minutes'")
    await look(db, keys, case_id, readers[0])
    assert (await row("SELECT count(*) AS n FROM alarms"))["n"] == 0
    await owner.execute("UPDATE sealed.looks SET at = at - interval '23 hours 30 minutes'")
    async with db.transaction("custody") as tx:
        assert await reading.forget_looks(tx) == reading.MOST_OPENS
    assert (await row("SELECT count(*) AS n FROM sealed.looks"))["n"] == 1


async def test_taking_everything_along_stops_until_a_second_reader_agrees(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    for _ in range(reading.MOST_OPENS):
        await look(db, keys, case_id, readers[0])
    for _ in range(2):
        with pytest.raises(Refused, match=reading.STOPPED):
            await look(db, keys, case_id, readers[0])
    assert (await row("SELECT count(*) AS n FROM sealed.looks"))["n"] == reading.MOST_OPENS
    assert await look(db, keys, case_id, readers[1]), "another reader is not stopped"
    async with db.transaction("custody") as tx:
        assert await reading.list_stopped(tx, readers[0].id) == [], "nobody is asked to agree to themselves"
        assert [one.id for one in await reading.list_stopped(tx, readers[1].id)] == [readers[0].id]
        for other, by in ((readers[0], readers[0]), (readers[1], readers[0])):
            with pytest.raises(Refused, match="not_stopped"):
                await reading.agree(tx, other.id, staff_id=by.id)
        await reading.agree(tx, readers[0].id, staff_id=readers[1].id)
    for _ in range(reading.MOST_OPENS):
        assert await look(db, keys, case_id, readers[0])
    with pytest.raises(Refused, match=reading.STOPPED):
        await look(db, keys, case_id, readers[0])


async def test_looks_at_the_same_moment_are_counted_one_by_one(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    for _ in range(reading.MOST_OPENS - 1):
        await look(db, keys, case_id, readers[0])
    done = await asyncio.gather(*(look(db, keys, case_id, readers[0]) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(one, Refused) for one in done) == 4
