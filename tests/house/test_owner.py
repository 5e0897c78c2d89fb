"""The owner of the data is no superuser, in a new house and in one of before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from commands import doctor
from house import Failed, dumps, owner, postgres, settling
from house.postgres import Postgres, as_owner
from settings import Settings
from store import crypto
from store.bell import Bell
from store.crypto import Keys
from store.database import ROLES, SPEAKERS, Database, role_url
from store.jawab import Jawab
from store.migrations import migrate

# What only a superuser can, each a way from the tables to the machine or to what was shut.
BEYOND = (
    "SELECT pg_read_file('postgresql.conf')",
    "COPY districts TO PROGRAM 'true'",
    "COPY districts TO '/tmp/districts'",
    "ALTER SYSTEM SET fsync = off",
    "SET session_replication_role = replica",
    "GRANT pg_read_server_files TO jawab_owner",
    "ALTER ROLE jawab_owner SUPERUSER",
    "ALTER ROLE jawab_root PASSWORD 'mine'",
    "SET ROLE jawab_root",
    "SELECT rolpassword FROM pg_authid",
    "CREATE DATABASE more",
    "CREATE EXTENSION dblink",
    "SELECT lo_import('/etc/hostname')",
)
OF_ANOTHER = """
SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace IN ('public'::regnamespace, 'sealed'::regnamespace)
    AND c.relkind <> 'i' AND pg_get_userbyid(c.relowner) <> 'jawab_owner'
UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p
    WHERE p.pronamespace IN ('public'::regnamespace, 'sealed'::regnamespace)
    AND pg_get_userbyid(p.proowner) <> 'jawab_owner'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL SELECT nspname::text FROM pg_namespace WHERE nspname = 'sealed' AND pg_get_userbyid(nspowner) <> 'jawab_owner'
UNION ALL SELECT datname::text FROM pg_database WHERE datname = current_database()
    AND pg_get_userbyid(datdba) <> 'jawab_owner'
"""
OPEN_TO_ALL = """
SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace
    AND (c.relname ~ '^pg_stat(io)?_' OR c.relname = 'pg_class') AND c.relkind IN ('v', 'r')
    AND has_table_privilege('public', c.oid, 'SELECT')
UNION ALL SELECT p.proname::text FROM pg_proc p WHERE p.proname ~ '^pg_stat_get_'
    AND has_function_privilege('public', p.oid, 'EXECUTE')
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "var")
    yield server
    server.stop()


@pytest.fixture
def passwords(tmp_path: Path) -> Keys:
    Keys.create(tmp_path / "var" / "keys" / "master.key")
    return Keys.give_passwords(tmp_path / "var" / "keys" / "master.key", ROLES + SPEAKERS)


@pytest.fixture
def old(tmp_path: Path, passwords: Keys, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data of a house of before: its one role owned the tables and was the superuser."""
    with monkeypatch.context() as before:
        before.setattr(postgres, "SUPERUSER", postgres.OWNER)
        before.setattr(settling, "SUPERUSER", postgres.OWNER)
        before.setattr(owner, "make", lambda *_: None)
        before.setattr(owner, "shut_statistics", lambda *_: None)
        before.setattr(owner, "let_turn_log", lambda *_: None)
        before.setattr(owner, "is_superuser", lambda *_: False)
        server = Postgres(tmp_path / "var")
        server.start()
        migrate(server.superusers_url, passwords)
        with psycopg.connect(server.superusers_url) as connection:
            connection.execute("INSERT INTO districts (id, names) VALUES ('kept', '{}')")
            assert one(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = 'jawab_owner'") is True
        server.stop()
    (tmp_path / "var" / "keys" / "owner.password").unlink()
    return tmp_path / "var"


def one(connection: psycopg.Connection[tuple[object, ...]], query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def all_of(url: str, query: str) -> list[object]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(query.encode()).fetchall()]


def refused(url: str) -> list[str]:
    """What of BEYOND somebody with this address is not let do."""
    found = []
    with psycopg.connect(url, autocommit=True) as connection:
        for attack in BEYOND:
            try:
                connection.execute(attack.encode())
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFile):
                found.append(attack)
    return found


def test_the_owner_of_a_new_house_owns_all_and_is_no_superuser(house: Postgres, passwords: Keys) -> None:
    url = house.start()
    migrate(url, passwords)
    migrate(url, passwords)
    assert refused(url) == [*BEYOND]
    assert all_of(url, OF_ANOTHER) == []
    assert all_of(house.superusers_url, OPEN_TO_ALL) == []
    assert (house.data / "keys" / "postgres.password").read_text().strip() not in url
    assert as_owner(house.place, house.data) == url
    assert all_of(role_url(url, "custody", passwords), "SELECT sealed.turn_log()::text") == [""], "the log is turned"


def test_a_house_of_before_is_divided_at_its_next_start(old: Path, house: Postgres, passwords: Keys) -> None:
    url = house.start()
    assert refused(url) == [*BEYOND]
    assert all_of(url, OF_ANOTHER) == []
    assert all_of(house.superusers_url, OPEN_TO_ALL) == []
    assert all_of(url, "SELECT id FROM districts WHERE id = 'kept'") == ["kept"], "nothing is lost"
    again = Keys(passwords.masters, passwords.escrow_public, passwords=dict.fromkeys(passwords.passwords, "another"))
    migrate(url, again)  # whoever made no role may still change it
    for role in ROLES:
        assert all_of(role_url(url, role, again), "SELECT session_user::text") == [f"jawab_{role}"]
    assert all_of(role_url(url, "custody", again), "SELECT sealed.turn_log()::text") == [""], "the log is turned"
    house.stop()
    assert house.start()
    assert refused(house.url) == [*BEYOND], "and at the one after"


def test_a_hand_over_that_was_cut_off_begins_again(
    old: Path, house: Postgres, passwords: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(owner, "_HAND_OVER", owner._HAND_OVER + "SELECT 1/0;")
        with pytest.raises(Failed):
            house.start()
    url = house.start()
    assert all_of(url, OF_ANOTHER) == []
    assert all_of(url, "SELECT rolname::text FROM pg_roles WHERE rolsuper") == ["jawab_root"]


def test_a_dump_of_either_comes_back(old: Path, house: Postgres, passwords: Keys, tmp_path: Path) -> None:
    url = house.start()
    dump = tmp_path / "dump"
    dumps.write(url, dump)
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM districts")
    house.stop()
    with dumps.at_rest(old) as (owners, superusers):
        migrate(owners, passwords)
        dumps.bring_back(superusers, dump)
        migrate(owners, passwords)
        assert all_of(owners, "SELECT id FROM districts") == ["kept"]
        assert all_of(owners, OF_ANOTHER) == []
        assert all_of(superusers, OPEN_TO_ALL) == []
    new = Postgres(tmp_path / "new")
    (tmp_path / "new" / "keys").mkdir(parents=True, mode=0o700)
    for key in ("master.key", "escrow.pub"):
        crypto._write_once(tmp_path / "new" / "keys" / key, (old / "keys" / key).read_text().strip())
    there = Keys.give_passwords(tmp_path / "new" / "keys" / "master.key", ROLES + SPEAKERS)
    with dumps.at_rest(new.data) as (owners, superusers):
        migrate(owners, there)
        dumps.bring_back(superusers, dump)
        migrate(owners, there)
        assert all_of(owners, "SELECT id FROM districts") == ["kept"]
        assert all_of(owners, OF_ANOTHER) == []
        assert refused(owners) == [*BEYOND]


async def test_the_doctor_names_an_owner_who_is_more_and_statistics_that_are_open(
    house: Postgres, passwords: Keys
) -> None:
    settings = Settings(mode="live", data=house.data, database_url=house.start(), public_url="https://jawab.test")
    migrate(house.url, passwords)

    async def found() -> set[str]:
        database = Database(house.url, passwords, roles=("console",), size=1, speaker="operator")
        await database.open()
        try:
            return {row["kind"] for row in await doctor.find_undivided(Jawab(settings, database, passwords, Bell("")))}
        finally:
            await database.close()

    named = {"owner_is_superuser", "statistics_open"}
    assert not named & await found()
    with psycopg.connect(house.superusers_url, autocommit=True) as superuser:
        superuser.execute("ALTER ROLE jawab_owner SUPERUSER")
        superuser.execute("GRANT SELECT ON pg_stat_user_tables TO PUBLIC")
    assert named <= await found()
