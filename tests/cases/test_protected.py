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

from cases import commands, figures, scorecards, sorting
from cases.protected import register, vault
from store import crypto
from store.crypto import ESCROW, Keys, fingerprint, reader_of
from store.database import Database
from tests.cases.conftest import NOW, fresh_code
from tests.cases.sealed import CANARY, dump, look, seal, wraps

Opened = Callable[..., Awaitable[UUID]]
Row = Callable[..., Awaitable[dict[str, Any]]]


async def test_both_readers_open_what_the_citizens_side_has_sealed(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    assert await seal(db, keys, code_hash, kind="more", data={"text": "دوم"}) == case_id
    for reader in readers:
        items = await look(db, keys, case_id, reader)
        assert [(item.kind, item.data["text"]) for item in items] == [("story", CANARY), ("more", "دوم")]


async def test_a_code_finds_its_case_and_no_other(db: Database, keys: Keys, code_hash: bytes, demo: object) -> None:
    case_id = await seal(db, keys, code_hash)
    async with db.autocommit("intake") as conn:
        found = await vault.find(conn, code_hash)
        assert found is not None
        assert (found.case_id, found.status) == (case_id, "received")
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
    async with db.transaction("custody") as tx:
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
    for category in ("water", "security", "security"):
        await opened(category)

    async def seen() -> str:
        async with db.autocommit("report") as conn:
            public = [
                await figures.week(conn, "pishin", "2026-W47", NOW + timedelta(hours=1)),
                await figures.published(conn, "pishin", NOW + timedelta(days=7)),
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
        "due_acknowledge": date(2026, 11, 22),  # the last day of its week
        "due_resolve": date(2026, 12, 6),
        "status": "received",
        "code_hash": register.mark(code_hash),
        "day_box": found["day_box"],
        "recipients": sorted(reader.id for reader in readers),
        "recipient_keys": [fingerprint(reader_of(one.key)) for one in sorted(readers, key=lambda one: one.id)],
        "recipients_mac": found["recipients_mac"],
        "overdue": False,
        "close_asked_by": None,
        "close_asked_at": None,
        "closed_on": None,
        "follow_up_on": None,
        "follow_up_late": False,
        "words_on": None,
        "erase_asked_by": None,
        "erase_asked_at": None,
    }
    assert {row["reader"] for row in await wraps(db)} == {str(reader.id) for reader in readers} | {ESCROW}


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
    (wrap,) = await wraps(db)
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
    async with db.transaction("custody") as tx:
        case_id = await vault.seal_kept(tx, keys, await sorting.take(tx, keys, sorting_id))
    assert case_id != sorting_id
    inbox = await (await owner.execute("SELECT state, body FROM inbox ORDER BY state")).fetchall()
    assert [state for state, _ in inbox] == ["done", "undone"]
    assert keys.get_json(inbox[0][1], f"inbox|body|{inbox_id}") == {}, "a box that holds nothing: none would tell"
    assert inbox[1][1] == b"box"
    media = await (await owner.execute("SELECT case_id, sealed_case_id, sealed_box FROM media")).fetchall()
    assert media[0][:2] == (None, None)
    assert uuid.UUID(bytes=keys.decrypt(media[0][2], f"media|sealed|{media_id}")) == case_id
    (item,) = await look(db, keys, case_id, readers[0])
    assert item.data["words"][0]["text"] == CANARY
    assert item.data["answers"] == {"place_text": "گلی"}
    assert item.data["address"].startswith("+92300")


async def test_a_fetched_photo_is_sealed_like_words(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    async with db.transaction("intake") as tx:
        await vault.seal_bytes(tx, keys, case_id=case_id, kind="media", content=b"\x89PNG", content_type="image/png")
    items = await look(db, keys, case_id, readers[0])
    assert items[1].data == {"content_type": "image/png", "content": "iVBORw=="}


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
        ("intake", "UPDATE sealed.cases SET recipients = '{}'"),
        ("custody", "UPDATE sealed.items SET blob = ''"),
        ("custody", "DELETE FROM sealed.wraps"),
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
    async with db.autocommit(role) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(statement)
