"""What each role of the database may not do: read, re-point, insert a reader, let vanish, cut the audit."""

from __future__ import annotations

import psycopg
import pytest

from store.database import ROLES, Database, fetch_all
from tests.conftest import Owner

A_HANDLER = (
    "INSERT INTO staff (login, name, role, password_hash, public_key) VALUES ('x9', '', 'protected', '', '\\x00')"
)

# An attack and the roles that are refused it.
REFUSED: dict[str, tuple[str, ...]] = {
    # read what is not theirs
    "SELECT status FROM sealed.cases": ("intake", "console", "report"),
    "SELECT blob FROM sealed.items": ("intake", "console", "report"),
    "SELECT wrap FROM sealed.wraps": ("intake", "console", "report"),
    "SELECT * FROM sealed.looks": ("intake", "console", "report"),
    "SELECT * FROM sealed.codes": ROLES,
    "SELECT sealed.case_by_code('\\x00')": ("console", "custody", "report"),
    "SELECT sealed.readers_of(gen_random_uuid())": ("console", "report"),
    "SELECT * FROM sealed.roster('')": ("console", "report"),
    "SELECT body FROM inbox": ("console", "custody", "report"),
    "SELECT state FROM sessions": ("console", "custody", "report"),
    "SELECT message FROM outbox": ("custody", "report"),
    "SELECT password_hash FROM staff": ("intake", "report"),
    "SELECT * FROM desk_sessions": ("intake", "report"),
    # write into the sealed room, beside what may be added to it
    "INSERT INTO sealed.items (id, case_id, blob) VALUES (gen_random_uuid(), gen_random_uuid(), '')": (
        "console",
        "report",
    ),
    "INSERT INTO sealed.escrow (public_key) VALUES (sha256('x'))": ("intake", "console", "report"),
    "UPDATE sealed.escrow SET public_key = sha256('x')": ROLES,
    "DELETE FROM sealed.escrow": ROLES,
    "UPDATE sealed.cases SET status = 'closed'": ("intake", "console", "report"),
    "UPDATE sealed.items SET blob = ''": ROLES,
    "DELETE FROM sealed.items": ROLES,
    "DELETE FROM sealed.cases": ROLES,
    "DELETE FROM sealed.looks": ROLES,
    "TRUNCATE sealed.cases": ROLES,
    # re-point: a case to another reader, a number to another district, a person to another key
    # custody lets readers in, and a list that the house's key has not bound to its case holds nothing
    "UPDATE sealed.cases SET recipients = '{}'": ("intake", "console", "report"),
    "INSERT INTO sealed.rosters VALUES (false, 9, '', '{}')": ("intake", "console", "report"),
    "INSERT INTO sealed.trust VALUES (false, '{\"\"}', 1)": ("intake", "console", "report"),
    "UPDATE sealed.trust SET needs = 1": ROLES,
    "UPDATE sealed.rosters SET statement = ''": ROLES,
    "DELETE FROM sealed.rosters": ROLES,
    "DELETE FROM sealed.notices": ROLES,
    "UPDATE sealed.wraps SET reader = 'me'": ROLES,
    "UPDATE media SET sealed_case_id = gen_random_uuid()": ("console", "report"),
    "UPDATE channels SET address = '+1'": ROLES,
    "UPDATE channels SET district_id = district_id": ROLES,
    "UPDATE channels SET config_box = ''": ROLES,
    "DELETE FROM channels": ROLES,
    "UPDATE staff SET public_key = '\\x00'": ROLES,
    # insert a reader, or become one: with a password of one's own and no second factor
    A_HANDLER: ROLES,
    "UPDATE staff SET password_hash = ''": ROLES,
    "UPDATE staff SET role = 'protected'": ROLES,
    "UPDATE staff SET login = 'me'": ROLES,
    "DELETE FROM second_factors": ("intake", "report"),  # and for the desk there is none of a reader's
    "UPDATE second_factors SET enrolled_at = now()": ("intake", "report"),
    "INSERT INTO second_factors (staff_id, box) SELECT id, '' FROM staff": ("intake", "console", "report"),
    "INSERT INTO sealed.wraps (item_id, reader, wrap) VALUES (gen_random_uuid(), 'me', '')": ("console", "report"),
    # let words vanish
    "UPDATE inbox SET body = NULL": ("console", "report"),
    "DELETE FROM case_items": ("intake", "console", "report"),
    "DELETE FROM cases": ROLES,
    "DELETE FROM inbox": ROLES,
    # cut or write the audit past its function
    "DELETE FROM audit": ROLES,
    "UPDATE audit SET actor = 'nobody'": ROLES,
    "TRUNCATE audit": ROLES,
    "INSERT INTO audit (at, actor, action, object, prev, hash) VALUES (now(), '', '', '', '', '')": ROLES,
    "ALTER TABLE audit DISABLE TRIGGER ALL": ROLES,
    "DROP TRIGGER audit_append_only ON audit": ROLES,
    "SELECT audit_write('operator', 'case.read', 'c', NULL)": ("report", "intake"),
    "SELECT audit_append('somebody', 'case.read', 'c')": ROLES,
    "INSERT INTO audit_speakers VALUES ('jawab_report', 'clock', '.')": ROLES,
    "UPDATE audit_heads SET hash = ''": ROLES,
    "INSERT INTO desk_sessions (token_hash, staff_id) SELECT '', id FROM staff": ROLES,
    "UPDATE desk_sessions SET staff_id = gen_random_uuid()": ROLES,
    # become more than they are
    "CREATE TABLE public.more (id int)": ROLES,
    "CREATE ROLE more": ROLES,
    "SET ROLE jawab_owner": ROLES,
    "SELECT pg_read_file('postgresql.conf')": ROLES,
    "COPY districts TO PROGRAM 'true'": ROLES,
    # what the database counts by itself
    "SELECT n_tup_ins FROM pg_stat_user_tables": ROLES,
    "SELECT reltuples FROM pg_class": ROLES,
    "SELECT pg_relation_size('districts')": ROLES,
    "SELECT pg_stat_get_tuples_inserted(1)": ROLES,
    "SELECT tup_inserted FROM pg_stat_database": ROLES,
    "SELECT pg_current_wal_lsn()": ROLES,
}


@pytest.fixture(autouse=True)
async def as_installed(owner: Owner) -> None:
    """Other tests are desk, clock and operator in one; here the rights are those of every installation. There is a
    number, and a reader with a second factor: what is refused row by row is refused where there is a row."""
    await owner.execute(
        "DELETE FROM audit_speakers WHERE role IN ('jawab_console', 'jawab_custody') AND actor IN ('operator', 'clock')"
    )
    await owner.execute(A_HANDLER.replace("x9", "x8"))
    await owner.execute("INSERT INTO second_factors (staff_id, box) SELECT id, '' FROM staff")
    await owner.execute("INSERT INTO districts (id, names) VALUES ('somewhere', '{}')")
    await owner.execute(
        "INSERT INTO channels (kind, provider, address, district_id) VALUES ('sms', 'twilio', '+2', 'somewhere')"
    )


@pytest.mark.parametrize("attack", REFUSED)
async def test_an_attack_is_refused_to_each_role_that_is_not_meant_to(db: Database, attack: str) -> None:
    let = set()
    for role in REFUSED[attack]:
        async with db.autocommit(role) as connection:
            try:
                await connection.execute(attack.encode())
            except psycopg.errors.InsufficientPrivilege:
                continue
            let.add(role)
    assert let == set()


async def test_the_desk_sees_no_secret_of_a_readers_second_factor(db: Database) -> None:
    """It has the house key, and would reckon their codes."""
    for role, seen in (("console", 0), ("custody", 1)):
        async with db.autocommit(role) as connection:
            assert len(await fetch_all(connection, "SELECT box FROM second_factors")) == seen
    async with db.autocommit("console") as connection:
        assert (await connection.execute("UPDATE second_factors SET step = 0")).rowcount == 0
        assert (await connection.execute("DELETE FROM second_factors")).rowcount == 0


async def test_the_desk_has_no_right_on_anything_sealed(owner: Owner) -> None:
    """Also on a table that is added tomorrow."""
    found = await owner.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0,"
        " unnest(ARRAY['jawab_console', 'jawab_report']) role"
        " WHERE c.relnamespace = 'sealed'::regnamespace AND c.relkind = 'r'"
        " AND (has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
        " OR has_column_privilege(role, c.oid, a.attnum, 'SELECT, INSERT, UPDATE'))"
        " UNION ALL SELECT p.proname FROM pg_proc p, unnest(ARRAY['jawab_console', 'jawab_report']) role"
        " WHERE p.pronamespace = 'sealed'::regnamespace AND has_function_privilege(role, p.oid, 'EXECUTE')"
        " UNION ALL SELECT 'the schema' WHERE has_schema_privilege('jawab_console', 'sealed', 'USAGE')"
    )
    assert await found.fetchall() == []
