from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from cases import commands, districts, seed, staff
from cases.lifecycle import Refused
from cases.roles import ROLES
from cases.staff import Person
from flows.categories import CATEGORIES
from locales.places import tehsils
from store.crypto import Keys, check_password
from store.database import Database
from tests.cases.conftest import NOW

Row = Callable[..., Awaitable[dict[str, Any]]]


async def rows_of(db: Database, *tables: str) -> dict[str, int]:
    counted = {}
    async with db.autocommit("console") as conn:
        for table in tables:
            found = await (await conn.execute(f"SELECT count(*) AS n FROM {table}")).fetchone()
            counted[table] = found["n"] if found else 0
    return counted


TABLES = ("districts", "places", "offices", "responsibilities", "rounds", "facilities", "channels", "staff")


async def test_seeding_again_changes_nothing_and_hands_out_no_new_login(
    db: Database, keys: Keys, demo: SimpleNamespace
) -> None:
    before = await rows_of(db, *TABLES)
    assert before == {
        "districts": 1,
        "places": 7,
        "offices": 17,
        "responsibilities": 10,
        "rounds": 1,
        "facilities": 4,
        "channels": 3,
        "staff": 8,
    }
    assert await seed.seed_demo(db, keys) == []
    known = {row["user"]: row["password"] for row in demo.all}
    assert await seed.seed_demo(db, keys, password_of=known.get) == []
    assert await rows_of(db, *TABLES) == before


async def test_two_seeds_at_once_make_one_district(db: Database, keys: Keys) -> None:
    first, second = await asyncio.gather(seed.seed_demo(db, keys), seed.seed_demo(db, keys))
    assert sorted(map(len, (first, second))) == [0, 8]


async def test_a_login_whose_password_is_lost_gets_a_new_one_and_is_signed_out(
    db: Database, owner: psycopg.AsyncConnection[Any], keys: Keys, demo: SimpleNamespace, row: Row
) -> None:
    old = {line["user"]: line["password"] for line in demo.all}
    await owner.execute(
        "INSERT INTO desk_sessions (token_hash, staff_id, csrf, expires_at)"
        " SELECT convert_to(login, 'UTF8'), id, '', now() + interval '1 hour' FROM staff"
    )
    lost = {**old, "demo-editor": None}
    (made,) = await seed.seed_demo(db, keys, password_of=lost.get)
    assert (made["role"], made["user"]) == ("editor", "demo-editor")
    stored = (await row("SELECT password_hash FROM staff WHERE login = 'demo-editor'"))["password_hash"]
    assert check_password(stored, made["password"])
    assert not check_password(stored, old["demo-editor"])
    assert (await rows_of(db, "desk_sessions"))["desk_sessions"] == len(old) - 1


async def test_the_demo_says_what_it_is_and_holds_nothing_back(demo: SimpleNamespace, row: Row) -> None:
    found = await row("SELECT pcode, names, demo, quiet_from, approval_hold FROM districts WHERE id = 'pishin'")
    assert found == {
        "pcode": "PK225",
        "names": {"en": "Pishin", "ur": "پشین"},
        "demo": True,
        "quiet_from": None,
        "approval_hold": timedelta(0),
    }
    assert {line["role"] for line in demo.all} == set(ROLES)
    assert (await row("SELECT bool_and(demo) AS demo FROM staff"))["demo"]
    assert (await row("SELECT bool_and(demo) AS demo FROM facilities"))["demo"]


async def test_one_category_has_nobody_named_and_every_office_has_one_above(demo: SimpleNamespace, row: Row) -> None:
    named = await row("SELECT array_agg(category) AS named FROM responsibilities")
    assert set(CATEGORIES) - set(named["named"]) == {"jobs"}
    assert (await row("SELECT bool_and(above_id IS NOT NULL) AS ok FROM offices WHERE district_id = 'pishin'"))["ok"]


async def test_a_real_district_is_quiet_at_night_and_holds_an_edition(db: Database, row: Row) -> None:
    for _ in range(2):
        await commands.add_district(db, "quetta")
    found = await row("SELECT demo, quiet_from::text AS quiet, approval_hold FROM districts WHERE id = 'quetta'")
    assert found == {"demo": False, "quiet": "20:00:00", "approval_hold": timedelta(minutes=10)}
    (listed,) = await commands.list_districts(db)
    assert (listed["name"], listed["places"]) == ("Quetta", 3)
    with pytest.raises(Refused, match="district_unknown"):
        await commands.add_district(db, "atlantis")


async def test_a_district_of_an_older_version_gets_the_names_of_this_one_and_keeps_what_is_its_own(
    db: Database, demo: SimpleNamespace, row: Row
) -> None:
    await commands.add_district(db, "quetta")
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE places SET names = jsonb_build_object('en', names->>'en'), aliases = '{}', lat = NULL")
        await tx.execute("UPDATE districts SET quiet_from = '22:00' WHERE id = 'quetta'")
        await tx.execute("INSERT INTO districts (id, names) VALUES ('elsewhere', '{}')")
    async with db.transaction("console") as tx:
        await districts.refresh(tx)
    found = await row(
        "SELECT names, aliases @> '{Peshin}' AS spelt, lat > 30 AS there FROM places WHERE id = 'pishin.pishin'"
    )
    assert found == {"names": {"en": "Pishin", "ur": "پشین", "ps": "پښین"}, "spelt": True, "there": True}
    assert (await row("SELECT count(*) AS n FROM places WHERE names ? 'ur'"))["n"] == 10
    kept = await row("SELECT quiet_from::text AS quiet, demo FROM districts WHERE id = 'quetta'")
    assert kept == {"quiet": "22:00:00", "demo": False}
    assert (await row("SELECT demo FROM districts WHERE id = 'pishin'"))["demo"]


async def test_a_new_person_can_log_in_and_a_login_keeps_its_role(
    db: Database, demo: SimpleNamespace, row: Row
) -> None:
    async def add(role: str) -> str:
        async with db.transaction("console") as tx:
            return await staff.add(tx, Person(login="new-one", name="New", role=role, district_id="pishin"))

    password = await add("handler")
    stored = await row("SELECT password_hash, demo FROM staff WHERE login = 'new-one'")
    assert check_password(stored["password_hash"], password)
    assert not stored["demo"]
    with pytest.raises(Refused, match="login_taken"):
        await add("admin")
    with pytest.raises(Refused, match="role_unknown"):
        await add("king")


async def test_cases_are_listed_with_the_fields_that_programs_read(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Callable[..., Awaitable[UUID]]
) -> None:
    await opened("water", place_id="pishin.barshore")
    await opened("health", place_text="گلی نمبر ۲", at=NOW - timedelta(hours=1))
    await opened("infrastructure", at=NOW - timedelta(hours=2))
    listed = await commands.list_cases(db, keys)
    assert [line["place"] for line in listed] == ["Barshore", "گلی نمبر ۲", None]
    first = listed[0]
    assert list(first) == [
        "code", "district", "category", "place", "status", "language", "channel", "protected",
        "due_acknowledge", "due_resolve",
    ]  # fmt: skip
    assert (first["category"], first["status"], first["language"], first["channel"]) == (
        "water",
        "received",
        "ur",
        "sms",
    )
    assert first["protected"] is False
    due = datetime.fromisoformat(first["due_acknowledge"])
    assert due == NOW + timedelta(hours=72)
    assert due.tzinfo is not None
    assert await commands.list_cases(db, keys, "quetta") == []


def test_every_place_lies_in_a_known_district_and_says_where_it_comes_from() -> None:
    here = districts.known()
    assert len(here) == 36
    assert all(row["name_ur"] and row["source"] for row in here.values())
    places = tehsils()
    assert len({row.id for row in places}) == len(places)
    assert {row.district for row in places} == set(here)
    assert all(row.source for row in places)
    codes = [row.pcode for row in places if row.pcode]
    assert len(codes) == len(set(codes)) == 103
