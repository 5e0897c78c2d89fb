"""Every right on what is sealed, on who reads it, on the audit and on sessions: written down, and all others tried.

A table, a function or a right that is not written down here fails: whoever adds one says whose it is.
"""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from store.crypto import Keys
from store.database import ROLES, SPEAKERS, role_url
from tests.conftest import Owner

READ, ADD, DEL = "SELECT", "INSERT", "DELETE"
DESKS = ("console", "custody")
LOGINS = (*ROLES, *SPEAKERS)
# Who connects as these has the rights of those, and its own besides.
LIKE = {"operator": ("console", "custody"), "clock": ("console",), "custody_clock": ("custody",)}
OWN = {
    "operator": {"erasures": {READ, ADD}},
    "clock": {},
    "custody_clock": {},
}
OF_A_CASE = (
    "status,recipients,overdue,close_asked_by,close_asked_at,closed_on,follow_up_on,follow_up_late,words_on,"
    "recipient_keys,recipients_mac"
)
# Whatever table of schema `sealed` is not here, and whatever role is not named at it, has nothing.
RIGHTS: dict[str, dict[str, set[str]]] = {
    "sealed.agreed": {"custody": {READ, "INSERT(staff_id,agreed_by)"}},
    "sealed.cases": {"intake": {ADD}, "custody": {READ, ADD, f"UPDATE({OF_A_CASE})"}},
    "sealed.codes": {"custody": {ADD}},
    "sealed.dropped": {"intake": {ADD}, "custody": {READ, DEL}},
    "sealed.escrow": {"custody": {"INSERT(public_key)"}},
    "sealed.items": {"intake": {ADD}, "custody": {READ, ADD}},
    "sealed.looks": {"custody": {READ, "INSERT(staff_id)"}},
    "sealed.mixed": {},
    "sealed.notices": {"custody": {READ, ADD, "UPDATE(seen_at)"}},
    "sealed.openings": {"custody": {READ, ADD, "UPDATE"}},
    "sealed.proofs": {"custody": {READ, ADD, "UPDATE"}},
    "sealed.rosters": {"intake": {READ}, "custody": {READ, ADD}},
    "sealed.said": {"custody": {READ, ADD, "UPDATE"}},
    "sealed.trust": {"intake": {READ}, "custody": {READ, ADD}},
    "sealed.word_tries": {"custody": {READ, "INSERT(staff_id)"}},
    "sealed.wraps": {"intake": {ADD}, "custody": {READ, ADD}},
    # protected people among them are an operator's: see test_powers
    "staff": {"console": {READ, ADD, "UPDATE"}, "custody": {READ}},
    "second_factors": {role: {READ, ADD, "UPDATE", DEL} for role in DESKS},
    "login_waits": {role: {READ, "INSERT(token_hash,staff_id,key_box,expires_at)", DEL} for role in DESKS},
    "desk_sessions": {role: {READ, "UPDATE(seen_at)", DEL} for role in DESKS},
    "audit": {"console": {READ}},
    "audit_heads": {"console": {READ}, "report": {READ}},
    "audit_speakers": {},
    "erasures": {},
    "house_keys": {role: {READ} for role in ROLES},
    "drops": {"intake": {READ}, "console": {READ, ADD, DEL}, "custody": {READ, ADD}},
    "alembic_version": {},
}
# Every function of ours: who may call it, and whether it runs as the owner.
AS_OWNER: dict[str, tuple[str, ...]] = {
    "audit_keep_head(date)": ("console",),
    "audit_write(text,text,text,text)": ("intake", "console", "custody"),
    "end_numbers(uuid)": ("console",),
    "forget_code_tries()": ("console",),
    "held_about(uuid[],uuid[])": ("operator",),
    # What is older than three months, of classes that nothing is counted from: see store.retention.
    "let_alarms_go(timestamp with time zone,integer,boolean)": ("console",),
    "let_husks_go(timestamp with time zone,integer,boolean)": ("console",),
    "let_replies_go(timestamp with time zone,integer,boolean)": ("console",),
    "let_told_go(timestamp with time zone,integer,boolean)": ("console",),
    "may_see_factor(uuid)": DESKS,
    "note_wrong_code(bytea)": ("console", "custody"),
    "note_recount()": (),
    "note_recount_of_all()": (),
    "open_desk_session(bytea,uuid,text,bytea,timestamp with time zone,timestamp with time zone)": DESKS,
    "refuse_but_operator()": (),
    "sealed.ask_erase(uuid,uuid,text)": ("custody",),
    "sealed.case_by_code(bytea)": ("intake",),
    "sealed.count_thin(uuid[])": ("custody",),
    "sealed.dispute(uuid)": ("intake", "custody"),
    "sealed.erase(uuid,uuid,text)": ("custody",),
    "sealed.escrow_key()": ("intake", "custody"),
    "sealed.forget_looks()": ("custody",),
    "sealed.fresh()": ("custody",),
    "sealed.mix()": ("custody",),
    "sealed.note_words(uuid)": ("intake", "custody"),
    "sealed.readers_of(uuid)": ("intake", "custody"),
    "sealed.renumber(uuid,bytea,bytea)": ("custody",),
    "sealed.room()": (),
    "sealed.roster(text)": ("intake", "custody"),
    "sealed.turn_log()": ("custody",),
}
AS_CALLER: dict[str, tuple[str, ...]] = {
    "audit_append(text,text,text)": (),
    "desk_place()": LOGINS,
    "refuse_change()": LOGINS,
    "sealed.empty(uuid)": (),
    "shown_items(jsonb)": ("console",),
}
WHOLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
BY_COLUMN = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
TABLES = """
SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm')
    AND (c.relnamespace = 'sealed'::regnamespace OR c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%s))
"""
COLUMNS = "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
FUNCTIONS = """
SELECT p.oid::regprocedure::text, p.prosecdef FROM pg_proc p
WHERE p.pronamespace IN ('public'::regnamespace, 'sealed'::regnamespace)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


def rights(role: str, table: str) -> set[str]:
    """What is written down."""
    known = RIGHTS[table]
    found: set[str] = set(known.get(role, set()))
    for like in LIKE.get(role, ()):
        found |= known.get(like, set())
    return found | OWN.get(role, {}).get(table, set())


def callers(function: str, known: dict[str, tuple[str, ...]]) -> set[str]:
    named = set(known[function])
    return named | {role for role, like in LIKE.items() if named & set(like)}


async def held(owner: Owner, role: str, table: str) -> set[str]:
    """What the database says."""
    found: set[str] = set()
    for right in WHOLE:
        asked = await owner.execute("SELECT has_table_privilege(%s, %s, %s)", (f"jawab_{role}", table, right))
        if (await asked.fetchone() or (False,))[0]:
            found.add(right)
        elif right in BY_COLUMN:
            rows = await owner.execute(
                COLUMNS + " AND has_column_privilege(%s, attrelid, attnum, %s)", (table, f"jawab_{role}", right)
            )
            if names := {one for (one,) in await rows.fetchall()}:
                found.add(f"{right}({','.join(sorted(names))})")
    return found


def sorted_columns(right: str) -> str:
    name, _, columns = right.partition("(")
    return f"{name}({','.join(sorted(columns.rstrip(')').split(',')))})" if columns else name


async def test_each_table_of_custody_has_its_rights_written_down(owner: Owner) -> None:
    there = {one for (one,) in await (await owner.execute(TABLES, ([*RIGHTS],))).fetchall()}
    assert there == set(RIGHTS), "a table of schema sealed that nobody wrote down, or one that is gone"
    for table in RIGHTS:
        for role in LOGINS:
            written = {sorted_columns(one) for one in rights(role, table)}
            assert await held(owner, role, table) == written, (table, role)


async def test_each_function_has_its_callers_written_down(owner: Owner) -> None:
    found = await (await owner.execute(FUNCTIONS)).fetchall()
    known = {True: AS_OWNER, False: AS_CALLER}
    for function, as_owner in found:
        assert function in known[as_owner], f"{function}: who may call it, and why as the owner?"
        may = set()
        for role in LOGINS:
            asked = await owner.execute("SELECT has_function_privilege(%s, %s, 'EXECUTE')", (f"jawab_{role}", function))
            if (await asked.fetchone() or (False,))[0]:
                may.add(role)
        assert may == callers(function, known[as_owner]), function
    assert {function for function, as_owner in found if as_owner} == set(AS_OWNER)


def tries(table: str, right: str) -> sql.Composed:
    """A statement that needs this right, and changes nothing where it is let through."""
    named = sql.Identifier(*table.split("."))
    return {
        "SELECT": sql.SQL("SELECT * FROM {}"),
        "INSERT": sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT (NULL::{}).* WHERE false"),
        "DELETE": sql.SQL("DELETE FROM {} WHERE false"),
        "TRUNCATE": sql.SQL("TRUNCATE {}"),
    }[right].format(*(named,) * (2 if right == "INSERT" else 1))


@pytest.mark.parametrize("role", LOGINS)
async def test_what_is_not_written_down_is_refused(role: str, owner: Owner, database_url: str, keys: Keys) -> None:
    """Tried as the role itself: whole tables, each column, each function, and the way to more."""
    columns: dict[str, list[str]] = {}
    for table in RIGHTS:
        rows = await owner.execute(COLUMNS, (table,))
        columns[table] = [one for (one,) in await rows.fetchall()]
    attacks: dict[str, sql.Composed] = {}
    for table in RIGHTS:
        written = rights(role, table)
        named = sql.Identifier(*table.split("."))
        for right in ("SELECT", "INSERT", "DELETE", "TRUNCATE"):
            if right not in written:
                attacks[f"{right} {table}"] = tries(table, right)
        may = next((one[7:-1].split(",") for one in written if one.startswith("UPDATE(")), [])
        for column in columns[table] if "UPDATE" not in written else ():
            if column not in may:
                attacks[f"UPDATE {table}.{column}"] = sql.SQL("UPDATE {} SET {} = DEFAULT WHERE false").format(
                    named, sql.Identifier(column)
                )
    for known in (AS_OWNER, AS_CALLER):
        for function in known:
            if role not in callers(function, known):
                name, _, given = function.rstrip(")").partition("(")
                nulls = sql.SQL(", ").join([sql.SQL("NULL")] * len([one for one in given.split(",") if one]))
                attacks[f"call {function}"] = sql.SQL("SELECT {}({})").format(sql.Identifier(*name.split(".")), nulls)
    attacks |= {
        f"become {other}": sql.SQL("SET ROLE {}").format(sql.Identifier(f"jawab_{other}"))
        for other in (*LOGINS, "owner")
        if other != role and other not in LIKE.get(role, ())
    }
    assert len(attacks) > 40
    let = []
    url = role_url(database_url, role, keys)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for name, attack in attacks.items():
            try:
                await connection.execute(attack)
            except psycopg.errors.InsufficientPrivilege:
                continue
            let.append(name)
    assert let == []
