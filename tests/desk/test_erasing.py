"""A sealed case goes for good when one reader asks for it and another does it, each in their own session."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from desk import protected
from store.crypto import Keys
from store.database import Database
from tests.desk.conftest import Browser, Enter, Office, Open

Owner = psycopg.AsyncConnection[Any]


@pytest.fixture
async def case(db: Database, keys: Keys, office: Office, opened: Open, readers: list[Browser]) -> UUID:
    """A sealed case of both readers."""
    ordinary = await opened(category="security")
    async with db.transaction("custody") as tx:
        await protected.seal_case(tx, keys, ordinary, actor=office.staff["handler"], now=datetime.now(UTC))
        row: Any = await (await tx.execute("SELECT id FROM sealed.cases")).fetchone()
    return UUID(str(row["id"]))


async def left(owner: Owner) -> tuple[int, ...]:
    counts = "SELECT (SELECT count(*) FROM sealed.items), (SELECT count(*) FROM sealed.wraps),"
    counts += " (SELECT count(*) FROM sealed.codes), (SELECT count(*) FROM sealed.cases)"
    row = await (await owner.execute(counts.encode())).fetchone()
    assert row is not None
    return tuple(row)


async def test_two_readers_erase_a_sealed_case_and_one_cannot(owner: Owner, readers: list[Browser], case: UUID) -> None:
    one, other = readers
    before = await left(owner)
    assert (await one.post(f"/desk/erase/{case}/do")).status_code == 404  # nobody has asked
    assert (await one.post(f"/desk/erase/{case}/ask")).status_code == 303
    assert (await one.post(f"/desk/erase/{case}/do")).status_code == 404  # not who asked
    assert await left(owner) == before
    assert (await other.soup(f"/desk/erase/{case}")).select_one(f"form[action='/desk/erase/{case}/do']")
    assert (await other.post(f"/desk/erase/{case}/do")).status_code == 303
    assert await left(owner) == (0, 0, 0, 1)  # the count stays
    for reader in readers:
        assert (await reader.get(f"/desk/protected/{case}")).status_code == 404
        assert (await reader.get(f"/desk/erase/{case}")).status_code == 404
    acts = await (
        await owner.execute("SELECT action, actor FROM audit WHERE action LIKE 'protected.%erase' ORDER BY id")
    ).fetchall()
    assert acts == [("protected.ask_erase", str(one.staff_id)), ("protected.erase", str(other.staff_id))]
    assert await (await owner.execute("SELECT what, id FROM erasures")).fetchall() == [("sealed", case)]


async def test_an_ask_stands_for_seven_days(owner: Owner, readers: list[Browser], case: UUID) -> None:
    await readers[0].post(f"/desk/erase/{case}/ask")
    await owner.execute("UPDATE sealed.cases SET erase_asked_at = now() - interval '8 days'")
    assert (await readers[1].post(f"/desk/erase/{case}/do")).status_code == 404


async def test_custody_itself_erases_nothing_without_two_sessions(
    db: Database, owner: Owner, readers: list[Browser], case: UUID
) -> None:
    """A statement slipped into a page of custody knows both names and neither session."""
    before = await left(owner)
    await owner.execute("DELETE FROM audit_speakers WHERE actor <> 'staff'")  # as in every installation, for this role
    for name, secret in ((readers[0].staff_id, None), (readers[1].staff_id, "a guess")):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with db.transaction("custody") as tx:
                await tx.execute("SELECT sealed.ask_erase(%s, %s, %s)", (case, name, secret))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with db.transaction("custody") as tx:
            await tx.execute("SELECT sealed.empty(%s)", (case,))
    assert await left(owner) == before


async def test_for_everybody_else_it_does_not_exist(enter: Enter, case: UUID) -> None:
    for role in ("handler", "supervisor", "triage", "admin"):
        person = await enter(role)
        assert (await person.get(f"/desk/erase/{case}")).status_code == 404
        assert (await person.post(f"/desk/erase/{case}/ask")).status_code == 404
