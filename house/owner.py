"""The owner of our own database is no superuser.

Who owns the tables could undo every right on them, but opens no file of the machine, runs no program on it and sees no
statistics that are shut. The superuser makes what only a superuser can at each start, and its password is in no address
that anything is given: migrations, commands, dumps are the owner's.

A house of before had one role that was both. At its next start the superuser gets a name of its own and everything that
it owned in the database goes to the owner, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from house.postgres import OWNER

MOVER = "jawab_mover"
Connect = Callable[[str], psycopg.Connection[Any]]  # as this role, in the database with the data

# CREATEROLE makes the roles that run, and reaches none that it has not made or been given.
_MAKE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'jawab_owner') THEN CREATE ROLE jawab_owner; END IF;
END $$;
ALTER ROLE jawab_owner LOGIN CREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS;
GRANT pg_monitor, pg_checkpoint TO jawab_owner;
DROP ROLE IF EXISTS jawab_mover;
"""
# How many rows a table has got since yesterday tells that somebody has spoken: for whoever is no pg_monitor there is no
# such view, function or estimate. Once shut they are left alone.
_SHUT = """
DO $$
DECLARE
    one text;
BEGIN
    FOR one IN SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace
        AND c.relkind IN ('v', 'r') AND (c.relname ~ '^pg_stat(io)?_' OR c.relname = 'pg_class')
        AND has_table_privilege('public', c.oid, 'SELECT')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', one);
        EXECUTE format('GRANT SELECT ON %s TO pg_monitor', one);
    END LOOP;
    FOR one IN SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
        AND (p.proname ~ '^pg_stat_get_'
            OR p.proname ~ '^pg_(total_)?(relation|table|indexes|database|tablespace)_size$'
            OR p.proname ~ '^pg_current_wal_(lsn|insert_lsn|flush_lsn)$')
        AND has_function_privilege('public', p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pg_monitor', one);
    END LOOP;
END $$;
"""
# A role cannot rename itself. What belongs to an extension stays the superuser's; a sequence goes with its column.
_HAND_OVER = """
ALTER ROLE jawab_owner RENAME TO jawab_root;
CREATE ROLE jawab_owner;
DO $$
DECLARE
    one text;
BEGIN
    EXECUTE format('ALTER DATABASE %I OWNER TO jawab_owner', current_database());
    FOR one IN
        WITH mine AS (SELECT oid FROM pg_roles WHERE rolname = 'jawab_root'),
            spaces AS (SELECT n.oid, n.nspname, n.nspowner FROM pg_namespace n
                WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
            brought AS (SELECT d.classid, d.objid FROM pg_depend d
                WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
                OR d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass
                AND d.classid = 'pg_class'::regclass AND (SELECT relkind FROM pg_class WHERE oid = d.objid) = 'S')
        SELECT format('SCHEMA %I', nspname) FROM spaces, mine WHERE nspowner = mine.oid AND nspname <> 'public'
        UNION ALL
        SELECT format('TABLE %s', c.oid::regclass) FROM pg_class c, mine WHERE c.relowner = mine.oid
            AND c.relnamespace IN (SELECT oid FROM spaces) AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
            AND ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM brought)
        UNION ALL
        SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p, mine WHERE p.proowner = mine.oid
            AND p.pronamespace IN (SELECT oid FROM spaces)
            AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM brought)
        UNION ALL
        SELECT format('TYPE %s', t.oid::regtype) FROM pg_type t, mine WHERE t.typowner = mine.oid
            AND t.typnamespace IN (SELECT oid FROM spaces) AND t.typtype IN ('e', 'd')
            AND ('pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM brought)
    LOOP
        EXECUTE format('ALTER %s OWNER TO jawab_owner', one);
    END LOOP;
    -- Whoever makes a role may change it: from PostgreSQL 16 on that is a grant, which these never had.
    IF current_setting('server_version_num')::int >= 160000 THEN
        FOR one IN SELECT quote_ident(rolname) FROM pg_roles
            WHERE rolname ~ '^jawab_' AND rolname NOT IN ('jawab_owner', 'jawab_root', 'jawab_mover')
        LOOP
            EXECUTE format('GRANT %s TO jawab_owner WITH ADMIN TRUE, INHERIT FALSE, SET FALSE', one);
        END LOOP;
    END IF;
END $$;
"""


def make(superuser: psycopg.Connection[Any], password: str) -> None:
    """The owner, with this password, as it should be; what a hand-over that was cut off has left goes."""
    superuser.execute(_MAKE)
    _give_password(superuser, "ALTER ROLE {} PASSWORD {}", OWNER, password)


def shut_statistics(superuser: psycopg.Connection[Any]) -> None:
    """In this database, for whoever is no pg_monitor."""
    superuser.execute(_SHUT)


def let_turn_log(superuser: psycopg.Connection[Any]) -> None:
    """What was forgotten goes with the log's files: their turning is a function of the owner's, in this database."""
    superuser.execute("GRANT EXECUTE ON FUNCTION pg_switch_wal() TO jawab_owner")


def is_superuser(connect: Connect) -> bool:
    """Whether this is a house of before: the owner has the superuser's password and is it."""
    try:
        with connect(OWNER) as connection:
            row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    except psycopg.OperationalError:
        return False
    return row == (True,)


def hand_over(connect: Connect, password: str) -> None:
    """Part the owner from the superuser, who keeps its password. All of it or nothing."""
    with connect(OWNER) as before:
        before.execute("DROP ROLE IF EXISTS jawab_mover")
        _give_password(before, "CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}", MOVER, password)
    with connect(MOVER) as mover, mover.transaction():
        mover.execute(_HAND_OVER)


def _give_password(connection: psycopg.Connection[Any], statement: LiteralString, role: str, password: str) -> None:
    connection.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(password)))
