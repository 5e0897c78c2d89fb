from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from cases import commands, figures, scorecards, seed, sorting
from cases.lifecycle import Refused
from cases.protected import reading, vault
from store import crypto
from store.crypto import ESCROW, Keys
from store.database import Database
from tests.cases.conftest import NOW, fresh_code

Opened = Callable[..., Awaitable[UUID]]
Row = Callable[..., Awaitable[dict[str, Any]]]
CANARY = "قناری-zarqa-7731"
SEALED = "SELECT (SELECT count(*) FROM sealed.cases) + (SELECT count(*) FROM sealed.items) AS n"
DATA = {"text": CANARY, "address": "+923001234567", "lang": "ps"}


async def seal(db: Database, keys: Keys, code_hash: bytes, *, kind: str = "story", data: Any = None) -> UUID:
    async with db.transaction("intake") as tx:
        return await vault.seal(
            tx, keys, code_hash=code_hash, district_id="pishin", kind=kind, data=data or DATA, now=NOW
        )


@pytest.fixture
def code_hash(keys: Keys) -> bytes:
    return keys.hash_code(fresh_code())


@pytest.fixture
async def readers(db: Database, demo: SimpleNamespace) -> list[SimpleNamespace]:
    """The two protected handlers, with their unlocked private keys."""
    passwords = {row["user"]: row["password"] for row in demo.all}
    async with db.read("console") as conn:
        rows = await (
            await conn.execute(
                "SELECT id, login, private_box, key_salt FROM staff WHERE role = 'protected' ORDER BY login"
            )
        ).fetchall()
    return [
        SimpleNamespace(
            id=row["id"],
            login=row["login"],
            key=crypto.unlock_private(row["private_box"], passwords[row["login"]], bytes(row["key_salt"])),
        )
        for row in rows
    ]


async def look(db: Database, case_id: UUID, reader: SimpleNamespace) -> list[dict[str, Any]]:
    async with db.transaction("console") as tx:
        return await reading.open_items(tx, case_id, staff_id=reader.id, private_key=reader.key, reason="first_look")


async def dump(owner: psycopg.AsyncConnection[Any], *, schema: str = "") -> dict[str, bytes]:
    """Every table as PostgreSQL would hand it out, byte for byte."""
    tables = await (
        await owner.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND (%s = '' OR schemaname = %s) ORDER BY 1",
            (schema, schema),
        )
    ).fetchall()
    dumped = {}
    for (table,) in tables:
        async with owner.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:
            dumped[table] = b"".join([bytes(part) async for part in copy])
    return dumped


async def test_both_readers_open_what_the_citizens_side_has_sealed(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    assert await seal(db, keys, code_hash, kind="more", data={"text": "دوم"}) == case_id
    for reader in readers:
        items = await look(db, case_id, reader)
        assert [(item["kind"], item["data"]["text"]) for item in items] == [("story", CANARY), ("more", "دوم")]


async def test_a_code_finds_its_case_and_no_other(db: Database, keys: Keys, code_hash: bytes, demo: object) -> None:
    case_id = await seal(db, keys, code_hash)
    async with db.read("intake") as conn:
        found = await vault.find(conn, code_hash)
        assert found is not None
        assert (found["case_id"], found["status"]) == (case_id, "received")
        assert await vault.find(conn, keys.hash_code(fresh_code())) is None


async def test_protected_words_are_in_no_table_in_clear(
    db: Database,
    keys: Keys,
    owner: psycopg.AsyncConnection[Any],
    person: Callable[..., Awaitable[UUID]],
    code_hash: bytes,
) -> None:
    await seal(db, keys, code_hash)
    contact_id = await person("+923007654321")
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
    async with db.transaction("console") as tx:
        await vault.seal_kept(tx, keys, await sorting.take(tx, keys, sorting_id))
    dumped = await dump(owner)
    assert len(dumped["sealed.items"]) > 2000
    assert "sorting" in "".join(dumped)
    for word in (CANARY, "zarqa-7731", "قناری", "3001234567", "3007654321"):
        for table, held in dumped.items():
            assert word.encode() not in held, table


async def test_sealing_changes_nothing_that_the_district_can_see(
    db: Database,
    keys: Keys,
    owner: psycopg.AsyncConnection[Any],
    opened: Opened,
    code_hash: bytes,
) -> None:
    for category in ("water", "police", "police"):
        await opened(category)

    async def seen() -> str:
        async with db.read("report") as conn:
            public = [
                await figures.week(conn, "pishin", "2026-W47", NOW + timedelta(hours=1)),
                await figures.totals(conn, "pishin", NOW + timedelta(hours=1)),
                await scorecards.figures(conn, "pishin"),
            ]
        return json.dumps([public, await commands.list_cases(db, keys)], default=str)

    before, rows_before = await seen(), await dump(owner, schema="public")
    await seal(db, keys, code_hash)
    assert await seen() == before
    assert await dump(owner, schema="public") == rows_before


async def test_the_length_of_a_sealed_item_says_little(db: Database, keys: Keys, row: Row, demo: object) -> None:
    for text in ("ا", "پ" * 300):
        await seal(db, keys, keys.hash_code(fresh_code()), data={"text": text})
    assert (await row("SELECT count(DISTINCT length(blob)) AS lengths FROM sealed.items"))["lengths"] == 1


async def test_what_stands_in_clear_names_nobody(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    found = await row("SELECT * FROM sealed.cases")
    assert found == {
        "id": case_id,
        "district_id": "pishin",
        "opened_week": "2026-W47",
        "due_acknowledge": date(2026, 11, 21),
        "due_resolve": date(2026, 12, 2),
        "status": "received",
        "code_hash": code_hash,
        "recipients": sorted(reader.id for reader in readers),
        "overdue": False,
    }
    assert {row["reader"] for row in await _wraps(db)} == {str(reader.id) for reader in readers} | {ESCROW}


async def _wraps(db: Database) -> list[dict[str, Any]]:
    async with db.read("console") as conn:
        return await (await conn.execute("SELECT item_id, reader, wrap FROM sealed.wraps")).fetchall()


async def test_the_escrow_opens_what_has_lost_all_its_readers_and_an_alarm_says_so(
    db: Database, keys: Keys, code_hash: bytes, demo: object, row: Row
) -> None:
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET disabled_at = now() WHERE role = 'protected'")
    private, public = crypto.new_keypair()
    case_id = await seal(db, replace(keys, escrow_public=public), code_hash)
    assert (await row("SELECT kind, district_id, data FROM alarms")) == {
        "kind": "protected_without_reader",
        "district_id": None,
        "data": {},
    }
    (wrap,) = await _wraps(db)
    assert wrap["reader"] == ESCROW
    item = await row("SELECT id, blob FROM sealed.items")
    opened = crypto.open_item(item["blob"], wrap["wrap"], private, str(case_id), str(item["id"]))
    assert json.loads(opened)["data"]["text"] == CANARY


async def test_with_nobody_to_seal_to_nothing_is_written(
    db: Database, keys: Keys, code_hash: bytes, demo: object, row: Row
) -> None:
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET disabled_at = now() WHERE role = 'protected'")
    with pytest.raises(ValueError, match="nobody"):
        await seal(db, replace(keys, escrow_public=None), code_hash)
    assert (await row("SELECT (SELECT count(*) FROM sealed.cases) + (SELECT count(*) FROM sealed.items) AS n"))[
        "n"
    ] == 0


async def test_a_seal_that_fails_takes_the_whole_turn_with_it(
    db: Database, keys: Keys, owner: psycopg.AsyncConnection[Any], code_hash: bytes, demo: object, row: Row
) -> None:
    await owner.execute("REVOKE INSERT ON sealed.wraps FROM jawab_intake")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await seal(db, keys, code_hash)
    assert (await row("SELECT (SELECT count(*) FROM sealed.cases) + (SELECT count(*) FROM sealed.items) AS n"))[
        "n"
    ] == 0


async def test_when_the_audit_fails_nobody_reads(
    db: Database,
    keys: Keys,
    owner: psycopg.AsyncConnection[Any],
    code_hash: bytes,
    readers: list[SimpleNamespace],
) -> None:
    case_id = await seal(db, keys, code_hash)
    await owner.execute("REVOKE EXECUTE ON FUNCTION audit_write(text, text, text) FROM jawab_console")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await look(db, case_id, readers[0])


async def test_every_look_leaves_one_line_with_its_reason(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    await look(db, case_id, readers[0])
    line = await row("SELECT actor, action, object FROM audit WHERE action LIKE 'protected.%%'")
    assert line == {"actor": str(readers[0].id), "action": "protected.open:first_look", "object": str(case_id)}
    with pytest.raises(Refused, match="reason_missing"):
        async with db.transaction("console") as tx:
            await reading.open_items(tx, case_id, staff_id=readers[0].id, private_key=readers[0].key, reason="curious")


async def test_for_who_is_no_reader_the_case_does_not_exist(
    db: Database, keys: Keys, code_hash: bytes, place: SimpleNamespace, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    for role in ("handler", "supervisor", "triage", "editor", "approver", "admin"):
        stranger = SimpleNamespace(id=place.staff[role], key=readers[0].key)
        async with db.read("console") as conn:
            assert await reading.list_for(conn, stranger.id) == []
        for asked in (case_id, uuid.uuid4()):
            with pytest.raises(Refused, match="not_allowed"):
                await look(db, asked, stranger)


async def test_a_reader_with_a_new_password_does_not_open_what_was_sealed_before(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    first, second = readers
    async with db.transaction("console") as tx:
        password = await seed.add_staff(tx, login=first.login, name="", role="protected", district_id=None)
        found = await (
            await tx.execute("SELECT private_box, key_salt FROM staff WHERE id = %s", (first.id,))
        ).fetchone()
    assert found is not None
    first.key = crypto.unlock_private(found["private_box"], password, bytes(found["key_salt"]))
    await seal(db, keys, code_hash, kind="more", data={"text": "نیا"})
    assert [item["kind"] for item in await look(db, case_id, first)] == ["unreadable", "more"]
    assert [item["kind"] for item in await look(db, case_id, second)] == ["story", "more"]


async def test_who_has_left_gets_no_key_to_what_comes_later(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET disabled_at = now() WHERE id = %s", (readers[0].id,))
    await seal(db, keys, code_hash, kind="more")
    with pytest.raises(Refused):
        await look(db, case_id, readers[0])
    assert sorted(str(row["reader"]) for row in await _wraps(db)).count(str(readers[0].id)) == 1
    assert len(await look(db, case_id, readers[1])) == 2


async def test_a_protected_handler_of_a_district_is_never_a_reader(
    db: Database, keys: Keys, code_hash: bytes, place: SimpleNamespace, row: Row
) -> None:
    async with db.transaction("console") as tx:
        await seed.add_staff(tx, login="near", name="Near", role="protected", district_id="pishin")
    await seal(db, keys, code_hash)
    near = (await row("SELECT id FROM staff WHERE login = 'near'"))["id"]
    assert near not in (await row("SELECT recipients FROM sealed.cases"))["recipients"]


async def test_the_accused_office_and_who_commands_it_get_no_key(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    async with db.transaction("console") as tx:
        await seed.add_staff(
            tx, login="over-police", name="", role="protected", district_id=None, office_id=place.above["police"]
        )
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
        async with db.transaction("console") as tx:
            kept = await sorting.take(tx, keys, sorting_id)
            case_id = await vault.seal_kept(tx, keys, kept, accused=accused)
        recipients.append(set((await row("SELECT recipients FROM sealed.cases WHERE id = %s", case_id))["recipients"]))
    over = (await row("SELECT id FROM staff WHERE login = 'over-police'"))["id"]
    assert recipients[0] - recipients[1] == {over}
    assert len(recipients[1]) == 2


async def test_a_kept_story_leaves_no_ordinary_copy_and_no_link(
    db: Database,
    keys: Keys,
    owner: psycopg.AsyncConnection[Any],
    person: Callable[..., Awaitable[UUID]],
    readers: list[SimpleNamespace],
) -> None:
    contact_id, media_id, inbox_id, undone_id = await person(), uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
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
            answers={"place_text": "گلی"},
        )
        await tx.execute(
            "INSERT INTO media (id, contact_id, case_id, content_type) VALUES (%s, %s, %s, 'audio/ogg')",
            (media_id, contact_id, sorting_id),
        )
        for one, state in ((inbox_id, "done"), (undone_id, "undone")):
            await tx.execute(
                "INSERT INTO inbox (id, provider, provider_id, contact_id, received_at, body, state)"
                " VALUES (%s, 'twilio', %s, %s, %s, 'box', %s)",
                (one, str(one), contact_id, NOW, state),
            )
    async with db.transaction("console") as tx:
        case_id = await vault.seal_kept(tx, keys, await sorting.take(tx, keys, sorting_id))
    assert case_id != sorting_id
    inbox = await (await owner.execute("SELECT state, body FROM inbox ORDER BY state")).fetchall()
    assert inbox == [("done", None), ("undone", b"box")]
    media = await (await owner.execute("SELECT case_id, sealed_case_id FROM media")).fetchall()
    assert media == [(None, case_id)]
    (item,) = await look(db, case_id, readers[0])
    assert item["data"]["words"][0]["text"] == CANARY
    assert item["data"]["answers"] == {"place_text": "گلی"}
    assert item["data"]["address"].startswith("+92300")


async def test_a_fetched_photo_is_sealed_like_words(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    async with db.transaction("intake") as tx:
        await vault.seal_bytes(tx, keys, case_id=case_id, kind="media", content=b"\x89PNG", content_type="image/png")
    items = await look(db, case_id, readers[0])
    assert items[1]["data"] == {"content_type": "image/png", "content": "iVBORw=="}


async def test_closing_takes_two_readers(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    first, second = readers

    async def does(act: Any, reader: SimpleNamespace, **more: Any) -> None:
        async with db.transaction("console") as tx:
            await act(tx, case_id, staff_id=reader.id, **more)

    with pytest.raises(Refused, match="unknown_move"):
        await does(reading.ask_close, first)
    await does(reading.mark, first, status="seen")
    await does(reading.mark, first, status="in_progress")
    with pytest.raises(Refused, match="second_person"):
        await does(reading.close, first)
    await does(reading.ask_close, first)
    with pytest.raises(Refused, match="second_person"):
        await does(reading.close, first)
    await does(reading.close, second)
    assert (await row("SELECT status FROM sealed.cases"))["status"] == "closed"
    with pytest.raises(Refused, match="unknown_move"):
        await does(reading.mark, first, status="seen")


async def test_a_note_is_sealed_to_the_same_readers(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    async with db.transaction("console") as tx:
        await reading.note(tx, keys, case_id, staff_id=readers[0].id, text="بات ہوئی", now=NOW)
    items = await look(db, case_id, readers[1])
    assert items[-1]["data"] == {"text": "بات ہوئی", "by": str(readers[0].id)}


async def test_a_date_that_has_passed_is_marked_once_and_the_alarm_names_no_case(
    db: Database, keys: Keys, code_hash: bytes, demo: object, row: Row
) -> None:
    await seal(db, keys, code_hash)
    found = []
    for day in (date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 23)):
        async with db.transaction("console") as tx:
            found.append(await reading.sweep(tx, day))
    assert found == [0, 1, 0]
    assert await row("SELECT kind, district_id, data FROM alarms") == {
        "kind": "protected_overdue",
        "district_id": None,
        "data": {},
    }


async def test_taking_everything_along_sounds_one_alarm(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    for _ in range(reading.MOST_OPENS):
        await look(db, case_id, readers[0])
    assert (await row("SELECT count(*) AS n FROM alarms"))["n"] == 0
    for _ in range(5):
        await look(db, case_id, readers[0])
    assert await row("SELECT kind, data FROM alarms") == {
        "kind": "protected_opens",
        "data": {"staff": str(readers[0].id)},
    }


async def test_two_answers_sealed_at_once_open_one_case(
    db: Database, keys: Keys, code_hash: bytes, demo: object, row: Row
) -> None:
    done = await asyncio.gather(*(seal(db, keys, code_hash) for _ in range(4)), return_exceptions=True)
    assert any(isinstance(one, UUID) for one in done)
    assert all(isinstance(one, UUID | psycopg.errors.UniqueViolation) for one in done)
    assert (await row("SELECT count(*) AS n FROM sealed.cases"))["n"] == 1


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("intake", "SELECT id FROM sealed.cases"),
        ("intake", "SELECT blob FROM sealed.items"),
        ("intake", "SELECT wrap FROM sealed.wraps"),
        ("intake", "UPDATE sealed.cases SET status = 'closed'"),
        ("intake", "DELETE FROM sealed.items"),
        ("intake", "COPY sealed.items TO STDOUT"),
        (
            "intake",
            "INSERT INTO sealed.wraps (item_id, reader, wrap) VALUES (gen_random_uuid(), '', '') RETURNING reader",
        ),
        ("console", "SELECT body FROM inbox"),
        ("console", "SELECT state FROM sessions"),
        ("console", "UPDATE sealed.cases SET recipients = '{}'"),
        ("console", "UPDATE sealed.items SET blob = ''"),
        ("console", "DELETE FROM sealed.wraps"),
        ("report", "SELECT id FROM sealed.cases"),
        ("report", "SELECT id FROM sorting"),
        ("report", "SELECT id FROM contacts"),
        ("report", "SELECT contact_id FROM cases"),
        ("report", "SELECT code FROM cases"),
        ("report", "SELECT body FROM case_items"),
        ("report", "SELECT data FROM case_history"),
        ("report", "SELECT actor FROM case_history"),
    ],
)
async def test_no_role_reaches_past_its_door(db: Database, role: str, statement: Any) -> None:
    async with db.read(role) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(statement)
