"""The audit chain: nobody writes in another's name; an edit, a cut, a forged line are found, a superuser's too."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from typer.testing import CliRunner

import cli
from store import audit, desk_sessions
from store.crypto import Keys
from store.database import Database, fetch_one

pytestmark = pytest.mark.as_signed_in
Owner = psycopg.AsyncConnection[Any]
runner = CliRunner()
STAFF = "INSERT INTO staff (login, name, role, district_id, password_hash) VALUES (%s, '', 'triage', NULL, '')"


@pytest.fixture(autouse=True)
async def as_installed(owner: Owner) -> None:
    """Other tests are desk, clock and operator in one; here the rights are those of every installation."""
    await owner.execute(
        "DELETE FROM audit_speakers WHERE role IN ('jawab_console', 'jawab_custody') AND actor IN ('operator', 'clock')"
    )


@pytest.fixture
async def speakers(database_url: str, keys: Keys) -> AsyncIterator[dict[str, Database]]:
    """The operator's command and the clock, each as they are connected."""
    opened = {name: Database(database_url, keys, roles=("console",), size=1, speaker=name) for name in audit_speakers}
    for one in opened.values():
        await one.open()
    yield opened
    for one in opened.values():
        await one.close()


audit_speakers = ("operator", "clock")


async def hire(owner: Owner) -> uuid.UUID:
    cursor = await owner.execute(STAFF + " RETURNING id", (f"t{secrets.token_hex(6)}",))
    row = await cursor.fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


async def sign_in(db: Database, staff_id: uuid.UUID, *, longest: timedelta = audit.SESSION) -> str:
    """As the login page does; returns what the browser holds."""
    token = secrets.token_urlsafe(32)
    async with db.transaction("console") as tx:
        await desk_sessions.put(
            tx,
            token_hash=hashlib.sha256(token.encode()).digest(),
            staff_id=staff_id,
            csrf="",
            key_box=None,
            now=datetime.now(UTC),
            longest=longest,
        )
    return token


async def write(db: Database, secret: str, actor: object, action: str = "case.read", *, role: str = "console") -> None:
    with audit.speaking(secret):
        async with db.transaction(role) as tx:
            await audit.write(tx, str(actor), action, "something")


async def actors(owner: Owner) -> list[str]:
    rows = await (await owner.execute("SELECT actor FROM audit WHERE action = 'case.read' ORDER BY id")).fetchall()
    return [row[0] for row in rows]


# ── whose act ────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_the_desk_writes_in_the_name_of_who_is_signed_in_and_of_nobody_else(db: Database, owner: Owner) -> None:
    me, other = await hire(owner), await hire(owner)
    token = await sign_in(db, me)
    await write(db, token, me)
    for secret, actor in ((token, other), ("", me), ("a guess", me), (token, "operator"), ("", "clock"), ("", "me")):
        with pytest.raises(InsufficientPrivilege):
            await write(db, secret, actor)
    assert await actors(owner) == [str(me)]


async def test_what_stands_in_the_table_of_sessions_is_no_secret_to_write_with(db: Database, owner: Owner) -> None:
    me = await hire(owner)
    await sign_in(db, me)
    async with db.autocommit("console") as conn:
        row = await fetch_one(conn, "SELECT encode(token_hash, 'escape') AS held FROM desk_sessions")
    assert row is not None
    with pytest.raises(InsufficientPrivilege):
        await write(db, row["held"], me)


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE desk_sessions SET expires_at = now()",
        "DELETE FROM desk_sessions",
        "UPDATE staff SET disabled_at = now()",
    ],
)
async def test_a_session_that_is_over_writes_nothing(db: Database, owner: Owner, ended: Any) -> None:
    me = await hire(owner)
    token = await sign_in(db, me)
    await owner.execute(ended)
    with pytest.raises(InsufficientPrivilege):
        await write(db, token, me)


async def test_a_session_opened_in_anothers_name_leaves_its_line(db: Database, owner: Owner) -> None:
    other = await hire(owner)
    await sign_in(db, other)
    rows = await (await owner.execute("SELECT actor FROM audit WHERE action = 'desk.login'")).fetchall()
    assert rows == [(str(other),)]
    with pytest.raises(InsufficientPrivilege):  # and nobody writes such a line by itself
        await write(db, await sign_in(db, other), other, "desk.login")


async def test_the_citizens_side_writes_its_own_kind_of_act_alone(db: Database, owner: Owner) -> None:
    me = await hire(owner)
    token = await sign_in(db, me)
    await write(db, "", "intake", "intake.something", role="intake")
    for secret, actor, action in (
        (token, me, "case.read"),
        ("", "intake", "case.read"),
        ("", "operator", "intake.something"),
        ("", "clock", "intake.something"),
    ):
        with pytest.raises(InsufficientPrivilege):
            await write(db, secret, actor, action, role="intake")


async def test_the_house_is_who_is_connected_and_says_for_whom_it_acts(
    db: Database, owner: Owner, speakers: dict[str, Database]
) -> None:
    me = await hire(owner)
    await write(speakers["operator"], "", "operator")
    await write(speakers["operator"], "", me)
    await write(speakers["clock"], "", "clock")
    await write(speakers["clock"], "", me)
    with pytest.raises(InsufficientPrivilege):
        await write(speakers["clock"], "", "operator")
    assert await actors(owner) == ["operator", f"operator:{me}", "clock", f"clock:{me}"]


async def test_the_secret_is_in_no_list_of_what_runs_and_in_no_setting(db: Database, owner: Owner) -> None:
    me = await hire(owner)
    token = await sign_in(db, me)
    with audit.speaking(token):
        async with db.transaction("console") as tx:
            await audit.write(tx, str(me), "case.read", "something")
            rows = await (await owner.execute("SELECT coalesce(query, '') FROM pg_stat_activity")).fetchall()
            settings = await (await tx.execute("SELECT setting FROM pg_settings WHERE setting IS NOT NULL")).fetchall()
    assert any("audit_write" in row[0] for row in rows)
    assert [row for row in rows if token in row[0]] == []
    assert [row for row in settings if token in row["setting"]] == []


# ── whether it holds ─────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def written(db: Database, owner: Owner) -> uuid.UUID:
    """Five acts of somebody; returns who."""
    me = await hire(owner)
    token = await sign_in(db, me)
    for number in range(5):
        with audit.speaking(token):
            async with db.transaction("console") as tx:
                await audit.write(tx, str(me), "case.read", f'شکایت "{number}" \x01')
    return me


async def walk(db: Database, *heads: str) -> audit.Walk:
    async with db.autocommit("console") as conn:
        return await audit.verify(conn, heads)


async def shut_off(owner: Owner) -> None:
    """What only the owner of the tables can do."""
    await owner.execute("ALTER TABLE audit DISABLE TRIGGER ALL")


async def test_an_edit_is_found_at_its_link(db: Database, owner: Owner, written: uuid.UUID) -> None:
    assert await walk(db) == audit.Walk(7)
    await shut_off(owner)
    await owner.execute("UPDATE audit SET actor = 'nobody' WHERE id = 5")
    assert await walk(db) == audit.Walk(4, "altered", "5")


async def test_a_cut_tail_is_found_by_a_head_that_was_kept(db: Database, owner: Owner, written: uuid.UUID) -> None:
    async with db.autocommit("console") as conn:
        kept = await audit.head(conn)
    assert kept is not None
    await shut_off(owner)
    await owner.execute("DELETE FROM audit WHERE id > 2")
    assert await walk(db) == audit.Walk(2)  # without a head nothing is missing
    assert await walk(db, kept[1]) == audit.Walk(2, "cut", kept[1])


async def test_a_cut_tail_is_found_by_the_heads_of_each_day(db: Database, owner: Owner, written: uuid.UUID) -> None:
    async with db.transaction("console") as tx:
        await audit.keep_head(tx, date(2026, 11, 25))
    await shut_off(owner)
    await owner.execute("DELETE FROM audit WHERE id > 2")
    async with db.transaction("console") as tx:
        assert (await audit.keep_head(tx, date(2026, 11, 26))).fault == "cut"
    alarm = await (await owner.execute("SELECT data->>'fault' FROM alarms WHERE kind = 'audit_broken'")).fetchall()
    assert alarm == [("cut",)]


async def test_a_line_that_the_superuser_forges_by_the_rules_is_found(
    db: Database, owner: Owner, written: uuid.UUID
) -> None:
    other = await hire(owner)
    await owner.execute("SELECT audit_append(%s, 'protected.ask_close', 'a case')", (str(other),))
    assert await walk(db) == audit.Walk(7, "nobody", "8")


async def test_what_was_written_before_sessions_were_asked_is_no_fault(db: Database, owner: Owner) -> None:
    await shut_off(owner)
    await owner.execute("DELETE FROM audit")
    for actor, action in (
        (str(uuid.uuid4()), "case.read"),
        ("migration", "audit.bound"),
        (str(uuid.uuid4()), "case.read"),
    ):
        await owner.execute("SELECT audit_append(%s, %s, '')", (actor, action))
    assert (await walk(db)).links == 2
    assert (await walk(db)).fault == "nobody"


@pytest.fixture
def here(data: Path, database_url: str, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAWAB_DATA", str(data))
    monkeypatch.setenv("JAWAB_DATABASE_URL", database_url)
    # Loggers keep the stream they were made with, and the runner's is closed after each command.
    monkeypatch.setattr("store.logs.configure", lambda _: None)


def test_the_command_finds_a_cut_by_a_head_or_a_file_of_heads(here: None, database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        for _ in range(9):
            owner.execute("SELECT audit_append('clock', 'case.read', '')")
        shown = runner.invoke(cli.app, ["audit", "head", "--json"])
        assert shown.exit_code == 0, shown.output
        file = tmp_path / "heads.txt"
        file.write_text(f"2026-11-25 {'0' * 63}\n{shown.stdout}")
        head = audit.HEAD.findall(shown.stdout)[0]
        assert runner.invoke(cli.app, ["audit", "verify", "--head", str(file)]).exit_code == 0
        owner.execute("ALTER TABLE audit DISABLE TRIGGER ALL")
        owner.execute("DELETE FROM audit WHERE id > 5")
    for given in (str(file), head, head.upper()):
        found = runner.invoke(cli.app, ["audit", "verify", "--head", given])
        assert found.exit_code == 1
        assert head in " ".join(found.stdout.split())
    assert runner.invoke(cli.app, ["audit", "verify", "--head", "no head"]).exit_code == 2
    assert runner.invoke(cli.app, ["audit", "verify"]).exit_code == 0  # nothing else can tell
