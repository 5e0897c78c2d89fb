from __future__ import annotations

import psycopg
import pytest

from store.crypto import Keys
from store.database import Database
from store.migrations import migrate


async def test_the_migration_runs_twice_without_harm(database_url: str, keys: Keys) -> None:
    migrate(database_url, keys)
    migrate(database_url, keys)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("intake", "SELECT * FROM sealed.items"),
        ("intake", "SELECT * FROM sealed.cases"),
        ("intake", "SELECT * FROM staff"),
        ("intake", "SELECT * FROM case_items"),
        ("intake", "SELECT * FROM audit"),
        ("console", "SELECT body FROM inbox"),
        ("console", "SELECT * FROM sessions"),
        ("custody", "DELETE FROM sealed.cases"),
        ("console", "DELETE FROM audit"),
        ("console", "INSERT INTO audit_heads (day, hash) VALUES ('2026-01-01', '')"),
        ("console", "SELECT audit_append('somebody', 'case.read', '')"),
        ("console", "INSERT INTO audit_speakers VALUES ('jawab_intake', 'clock', '.')"),
        (
            "console",
            "INSERT INTO desk_sessions (token_hash, staff_id, csrf, expires_at) SELECT '', id, '', now() FROM staff",
        ),
        ("console", "UPDATE desk_sessions SET staff_id = gen_random_uuid()"),
        ("report", "SELECT * FROM audit"),
        ("console", "CREATE TABLE public.more (id int)"),
        ("console", "UPDATE sealed.cases SET recipients = '{}'"),
        ("custody", "DELETE FROM sealed.looks"),
        ("custody", "UPDATE sealed.looks SET at = '2026-01-01'"),
        ("custody", "INSERT INTO sealed.looks (staff_id, at) VALUES (gen_random_uuid(), '2026-01-01')"),
        ("console", "DELETE FROM code_tries"),
        ("console", "UPDATE once SET at = now()"),
        ("intake", "SELECT * FROM jobs"),
        ("intake", "SELECT * FROM once"),
        ("intake", "DELETE FROM code_tries"),
        ("intake", "SELECT forget_code_tries()"),
        ("intake", "SELECT * FROM sealed.looks"),
        ("intake", "SELECT sealed.forget_looks()"),
        ("intake", "UPDATE sealed.cases SET close_asked_by = NULL"),
        ("report", "SELECT * FROM contacts"),
        ("report", "SELECT * FROM case_items"),
        ("report", "SELECT code FROM cases"),
        ("report", "SELECT * FROM sealed.cases"),
        ("report", "SELECT * FROM jobs"),
        ("report", "SELECT * FROM once"),
        ("report", "SELECT forget_code_tries()"),
    ],
)
async def test_a_role_cannot_reach_what_is_not_its_own(db: Database, role: str, statement: str) -> None:
    async with db.autocommit(role) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)


async def test_history_cannot_be_changed_even_by_the_owner(owner: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    for table in ("audit", "audit_heads", "case_history", "consents"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            await owner.execute(f"DELETE FROM {table}")
