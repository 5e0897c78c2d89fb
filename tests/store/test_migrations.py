"""The migrations: numbered files read by one loader, under one lock, each all or nothing."""

from __future__ import annotations

import multiprocessing
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from flows.categories import CATEGORIES, current
from store import migrations
from store.crypto import Keys
from store.database import LOCKS
from store.migrations import FOLDER, find, migrate

ROOT = Path(__file__).parents[2]
HEAD = find()[-1].name[:4]


@pytest.fixture
def empty(cluster: str) -> Iterator[str]:
    """Owner's address of a database with nothing in it."""
    name = f"m_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        yield make_conninfo(cluster, dbname=name)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small migrations, to add to."""
    (tmp_path / "0001_one.sql").write_text("CREATE TABLE one (id int);")
    (tmp_path / "0002_two.sql").write_text("CREATE TABLE two (id int); INSERT INTO two VALUES (100 % 7);")
    return tmp_path


def ask(url: str, query: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        return [row[0] for row in connection.execute(query.encode())]


def revision(url: str) -> list[Any]:
    return ask(url, "SELECT version_num FROM alembic_version")


def tables(url: str) -> list[Any]:
    return ask(url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")


def shape(url: str) -> list[Any]:
    return ask(
        url,
        "SELECT table_schema || '.' || table_name || '.' || column_name || ' ' || data_type FROM"
        " information_schema.columns WHERE table_schema IN ('public', 'sealed') ORDER BY 1",
    ) + ask(
        url,
        "SELECT grantee || ' ' || privilege_type || ' ' || table_name || '.' || column_name FROM"
        " information_schema.column_privileges WHERE grantee LIKE 'jawab\\_%' AND grantee <> 'jawab' ORDER BY 1",
    )


def test_an_empty_database_comes_to_the_newest_and_stays_there(empty: str, keys: Keys) -> None:
    migrate(empty, keys)
    assert revision(empty) == [HEAD]
    before = shape(empty)
    migrate(empty, keys)
    assert shape(empty) == before


def test_a_database_of_the_first_revision_goes_on_to_the_same(
    empty: str, template: str, keys: Keys, tmp_path: Path
) -> None:
    shutil.copy(FOLDER / "0001_spine.sql", tmp_path)
    migrate(empty, keys, tmp_path)
    assert revision(empty) == ["0001"]  # as the first version of this house wrote it
    migrate(empty, keys)
    assert revision(empty) == [HEAD]
    assert shape(empty) == shape(template)


def test_what_stood_in_the_audit_is_carried_over(empty: str, keys: Keys, tmp_path: Path) -> None:
    shutil.copy(FOLDER / "0001_spine.sql", tmp_path)
    migrate(empty, keys, tmp_path)
    asked, closed, other, first, second = (str(uuid.uuid4()) for _ in range(5))
    form, written = str(uuid.uuid4()), "SELECT audit_write(%s, %s, %s)"
    with psycopg.connect(empty, autocommit=True) as connection:
        for case, status in ((asked, "seen"), (closed, "closed"), (other, "seen")):
            connection.execute(
                "INSERT INTO sealed.cases (id, district_id, opened_week, due_acknowledge, due_resolve, status,"
                " code_hash, recipients) VALUES (%s, 'pishin', '2026-W47', '2026-11-21', '2026-12-02', %s, %s, '{}')",
                (case, status, case.encode()),
            )
        connection.execute(
            "INSERT INTO staff (id, login, name, role, password_hash) VALUES (%s, 'somebody', '', 'triage', '')",
            (first,),
        )
        for actor, action, thing in (
            (first, "protected.ask_close", asked),
            (second, "protected.ask_close", asked),
            (first, "protected.ask_close", closed),
            (first, "protected.open:review", asked),
            (first, "case.answer", f"{other}/{form}"),
            (first, "case.note", other),
            (first, "case.note", f"{other}/------------------------------------"),
        ):
            connection.execute(written, (actor, action, thing))
    migrate(empty, keys)
    assert ask(
        empty,
        "SELECT id::text || ' ' || close_asked_by FROM sealed.cases WHERE close_asked_at > now() - interval '1 day'",
    ) == [f"{asked} {second}"]
    assert ask(empty, "SELECT staff_id::text FROM sealed.looks") == [first]
    assert ask(empty, "SELECT concat_ws(' ', form, staff_id, act, object) FROM once") == [
        f"{form} {first} case.answer {other}"
    ]


def test_starts_at_once_do_each_migration_once(empty: str, keys: Keys, folder: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: migrate(empty, keys, folder), range(4)))
    assert ask(empty, "SELECT id FROM two") == [2]


def test_a_start_waits_for_the_one_that_migrates(empty: str, keys: Keys, folder: Path) -> None:
    with psycopg.connect(empty, autocommit=True) as other, ThreadPoolExecutor(1) as thread:
        other.execute("SELECT pg_advisory_lock(%s)", (LOCKS["migrate"],))
        starting = thread.submit(migrate, empty, keys, folder)
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while ask(empty, waiting) != [1]:
            assert not starting.done()
        assert tables(empty) == []
        other.execute("SELECT pg_advisory_unlock(%s)", (LOCKS["migrate"],))
        starting.result(timeout=30)
    assert revision(empty) == ["0002"]


def test_what_takes_long_says_so_and_ended_half_way_it_is_whole_the_next_time(
    empty: str, keys: Keys, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "SILENCE", 0.05)
    migrate(empty, keys, folder)
    (folder / "0003_three.sql").write_text(
        "SET LOCAL lock_timeout = '30s'; CREATE TABLE three (id int); LOCK TABLE two;"
    )
    waiting = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
    said: list[str] = []
    with psycopg.connect(empty) as other:
        other.execute("LOCK TABLE two IN ACCESS SHARE MODE")
        killed = multiprocessing.get_context("fork").Process(target=migrate, args=(empty, keys, folder))
        killed.start()
        while ask(empty, waiting) != [1]:
            assert killed.is_alive()
        killed.kill()
        killed.join()
        begun = time.monotonic()
        while ask(empty, waiting) != [0]:
            assert time.monotonic() - begun < 15, "the server works on for a dead one"
        assert revision(empty) == ["0002"]

        def tell(line: str) -> None:
            said.append(line)
            other.rollback()

        migrate(empty, keys, folder, tell)
    assert said[0].startswith("0003_three.sql: 0 s so far; pages and messages may wait")
    assert said[-1].startswith("0003_three.sql: done after")
    assert revision(empty) == ["0003"]
    said.clear()
    migrate(empty, keys, folder, tell)
    assert said == [], "what takes no time says nothing"


def test_a_file_that_does_not_run_leaves_nothing_behind_and_is_named(empty: str, keys: Keys, folder: Path) -> None:
    broken = folder / "0003_three.sql"
    broken.write_text("CREATE TABLE three (id int);\nSELECT nothing FROM nowhere;")
    with pytest.raises(RuntimeError, match=r'^0003_three\.sql: relation "nowhere" does not exist') as refused:
        migrate(empty, keys, folder)
    assert "\n" not in str(refused.value)
    assert revision(empty) == ["0002"]
    assert set(tables(empty)) == {"alembic_version", "one", "two"}
    broken.write_text("CREATE TABLE three (id int);")
    migrate(empty, keys, folder)
    assert revision(empty) == ["0003"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("0004_four.sql", "there is no migration 0003, but 0004_four.sql"),
        ("0002_another.sql", "two migrations have one number: 0002_another.sql and 0002_two.sql"),
        ("0000_before.sql", "0000_before.sql is no name"),
        ("3_three.sql", "3_three.sql is no name of a migration"),
        ("0003-three.sql", "0003-three.sql is no name"),
        ("0003_Three.SQL", "0003_Three.SQL is no name"),
    ],
)
def test_a_file_outside_the_chain_is_one_clear_line_and_nothing_is_done(
    empty: str, keys: Keys, folder: Path, name: str, why: str
) -> None:
    (folder / name).write_text("SELECT 1;")
    with pytest.raises(ValueError, match=re.escape(why)) as refused:
        migrate(empty, keys, folder)
    assert "\n" not in str(refused.value)
    assert tables(empty) == []


def test_what_is_no_sql_file_is_passed_over(empty: str, keys: Keys, folder: Path) -> None:
    (folder / "0003_three.sql~").write_text("CREATE TABLE three (id int);")
    migrate(empty, keys, folder)
    assert revision(empty) == ["0002"]


def test_a_database_of_a_newer_version_is_refused_in_one_line(empty: str, keys: Keys, folder: Path) -> None:
    migrate(empty, keys, folder)
    (folder / "0002_two.sql").unlink()
    with pytest.raises(RuntimeError, match=r"newer than this Jawab.*'0002'"):
        migrate(empty, keys, folder)


def test_every_lock_has_one_number_and_its_number_one_place() -> None:
    assert len(set(LOCKS.values())) == len(LOCKS)
    assert f"pg_advisory_xact_lock({LOCKS['audit']})" in (FOLDER / "0001_spine.sql").read_text()
    for path in ROOT.rglob("*.py"):
        if ".venv" not in path.parts and path.relative_to(ROOT) != Path("store/database.py"):
            written = re.findall(r"7310\d{3}|advisory\w*lock\(\s*\d", path.read_text())
            assert written == [] or path == Path(__file__), path


OLD_TEN = ("water", "health", "education", "power", "roads", "police", "relief", "work", "land", "other")


def test_every_category_of_before_goes_on_under_its_name_of_today(empty: str, keys: Keys, tmp_path: Path) -> None:
    renaming = next(path for path in find() if path.stem.endswith("the_plans_ten"))
    for path in find()[: find().index(renaming)]:
        shutil.copy(path, tmp_path)
    migrate(empty, keys, tmp_path)
    by_category = "SELECT {0} || ' ' || count(*) FROM {1} GROUP BY {0}"
    kept = {"cases": "category || ' ' || status", "commitments": "category", "responsibilities": "category"}
    with psycopg.connect(empty, autocommit=True) as connection:
        _fill(connection)
        before = {table: ask(empty, by_category.format(what, table)) for table, what in kept.items()}
    migrate(empty, keys)
    for table, what in kept.items():
        after = ask(empty, by_category.format(what, table))
        assert sorted(after) == sorted(" ".join([current(row.split()[0]), *row.split()[1:]]) for row in before[table])
        assert len(after) >= len(OLD_TEN) - 1, table
        assert set(ask(empty, f"SELECT category FROM {table}")) <= set(CATEGORIES)
    assert ask(empty, "SELECT count(*) FROM cases") == [sum(range(1, 11)) * 2]


def _fill(connection: psycopg.Connection[Any]) -> None:
    """A district with cases of every category there was (one of the first, two of the second …), promises, offices."""
    district, contact, channel, office, staff = "pishin", *(str(uuid.uuid4()) for _ in range(4))
    connection.execute("INSERT INTO districts (id, names) VALUES (%s, '{}')", (district,))
    connection.execute(
        "INSERT INTO channels (id, kind, provider, address, district_id) VALUES (%s, 'try', 'simulator', 'try', %s)",
        (channel, district),
    )
    connection.execute(
        "INSERT INTO contacts (id, channel_id, address_tag, address_box) VALUES (%s, %s, '', '')", (contact, channel)
    )
    connection.execute(
        "INSERT INTO offices (id, district_id, department, names) VALUES (%s, %s, 'police', '{}')", (office, district)
    )
    connection.execute(
        "INSERT INTO staff (id, login, name, role, district_id, password_hash)"
        " VALUES (%s, 'aa', '', 'handler', %s, '')",
        (staff, district),
    )
    for number, category in enumerate(OLD_TEN, 1):
        for status in ("received", "closed"):
            for _ in range(number):
                code = str(uuid.uuid4().int)[:13]
                connection.execute(
                    "INSERT INTO cases (id, code, district_id, contact_id, channel, lang, category, status, opened_at)"
                    " VALUES (%s, %s, %s, %s, 'try', 'ur', %s, %s, now())",
                    (str(uuid.uuid4()), code, district, contact, category, status),
                )
        connection.execute(
            "INSERT INTO commitments (district_id, category, action, office_id, due_on, made_by)"
            " VALUES (%s, %s, 'inspected', %s, '2026-12-01', %s)",
            (district, category, office, staff),
        )
        connection.execute(
            "INSERT INTO responsibilities (district_id, category, office_id) VALUES (%s, %s, %s)",
            (district, category, office),
        )


def test_what_was_refused_or_only_sent_on_is_no_done_any_more(empty: str, keys: Keys, tmp_path: Path) -> None:
    verdicts = next(path for path in find() if path.stem.endswith("verdicts"))
    for path in find()[: find().index(verdicts)]:
        shutil.copy(path, tmp_path)
    migrate(empty, keys, tmp_path)
    with psycopg.connect(empty, autocommit=True) as connection:
        _fill(connection)
        connection.execute("DELETE FROM cases WHERE status = 'closed' OR category <> 'education'")
        connection.execute("UPDATE cases SET status = 'resolved', resolved_at = now()")
        for outcome in ("repaired", "cannot_budget", "sent_on"):
            connection.execute(
                "UPDATE cases SET outcome = %s WHERE id = (SELECT id FROM cases WHERE outcome IS NULL LIMIT 1)",
                (outcome,),
            )
        connection.execute(
            "INSERT INTO clocks (case_id, kind, due_at, met_at) SELECT id, 'resolve', now(), now() FROM cases"
        )
        connection.execute("UPDATE commitments SET state = 'dropped' WHERE category = 'water'")
    migrate(empty, keys)
    stood = "SELECT concat_ws(' ', status, decision, told_at IS NOT NULL, met_at IS NULL, next_due IS NOT NULL)"
    assert sorted(ask(empty, f"{stood} FROM cases JOIN clocks ON case_id = cases.id")) == [
        "cannot refused t f f",
        "resolved upheld t f f",
        "sent_on f t t",
    ]
    assert ask(empty, "SELECT verb || ' ' || became FROM case_history") == ["reopen sent_on"]
    assert ask(empty, "SELECT reason FROM commitments WHERE state = 'dropped'") == ["otherwise"]
